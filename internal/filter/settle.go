// SPDX-License-Identifier: Apache-2.0

package filter

import "github.com/cilium/ebpf/asm"

const (
	// labelBehind is for packets whose MAC header lies after the network header.
	labelBehind = "filter_behind"
	// labelOuter is for outer packets of tunnels, labelFour for those with IP version 4.
	labelOuter = "filter_outer"
	labelFour  = "filter_four"
	// labelShim is for packets with a multiple of 4 bytes, at most maxShim, between the Ethernet
	// header and the network header.
	labelShim = "filter_shim"
	maxShim   = 8 * 4
)

// direct are the Ethertypes whose network header follows the Ethernet header directly (has_shim in
// bpf/packet/packet.h): IPv4, IPv6 and MPLS.
var direct = []uint16{typeIPv4, typeIPv6, 0x8847}

// settleHeaders decides which header is stale, like locate_stale in bpf/packet/packet.h. It jumps to labelOwn if
// skb->data shows that the frame was just received or decapsulated. Otherwise, the packet is the outer packet of
// a tunnel, and begins at the network header. If skb->data lies elsewhere after the MAC header, the full filter
// decides.
func (m *skbReader) settleHeaders() asm.Instructions {
	insns := asm.Instructions{
		m.load(regTmp, m.Data).WithSymbol(labelBehind),
		asm.Sub.Reg(regTmp, regHead),
		asm.JLE.Reg(regTmp, regMac, labelOuter),
		asm.Sub.Imm(regTmp, linkHeader),
		asm.JEq.Reg(regTmp, regMac, labelOwn),
		asm.Ja.Label(labelFull),
	}
	return append(insns, m.takeOuter()...)
}

// takeOuter uses a made-up link header for an outer packet and jumps to labelLocated if the IP version
// agrees with skb->protocol. Otherwise the full filter decides.
func (m *skbReader) takeOuter() asm.Instructions {
	insns := m.atNetwork()
	insns[0] = insns[0].WithSymbol(labelOuter)
	return append(insns,
		asm.LoadMem(regTmp, asm.R0, m.Array+linkHeader, asm.Byte),
		asm.RSh.Imm(regTmp, 4),
		asm.JEq.Imm(regTmp, 4, labelFour),
		asm.JNE.Imm(regTmp, 6, labelFull),
		asm.JEq.Imm(asm.R1, int32(networkOrder(typeIPv6)), labelLocated),
		asm.Ja.Label(labelFull),
		asm.JEq.Imm(asm.R1, int32(networkOrder(typeIPv4)), labelLocated).WithSymbol(labelFour),
		asm.Ja.Label(labelFull),
	)
}

// takeShim sets the beginning of the frame to its own link header and jumps to labelLocated if tags may
// follow it. Otherwise the MAC header is stale, and the full filter decides.
func (m *skbReader) takeShim() asm.Instructions {
	insns := m.atMac()
	insns[0] = insns[0].WithSymbol(labelShim)
	for _, t := range direct {
		insns = append(insns, asm.JEq.Imm(asm.R1, int32(networkOrder(t)), labelFull))
	}
	return append(insns, asm.Ja.Label(labelLocated))
}
