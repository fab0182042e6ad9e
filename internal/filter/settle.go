// SPDX-License-Identifier: Apache-2.0

package filter

import "github.com/cilium/ebpf/asm"

const (
	// labelBehind is where a packet goes whose mac header lies behind its network header.
	labelBehind = "filter_behind"
	labelOuter  = "filter_outer"
	labelFour   = "filter_four"
	// labelShim is where a packet goes whose network header lies a multiple of 4 bytes behind
	// the Ethernet header, at most mostShim.
	labelShim = "filter_shim"
	mostShim  = 8 * 4
)

// direct are the Ethertypes whose packets follow the Ethernet header at once (has_shim in
// bpf/packet.h).
var direct = []uint16{typeIPv4, typeIPv6, 0x8847}

// settleHeaders goes to labelOwn where skb->data says that the frame was just received or
// unpacked (locate_closely in bpf/packet.h). Otherwise an outer packet begins at the network
// header. If skb->data lies behind the mac header, the packet is looked at closely.
func (m *Memory) settleHeaders() asm.Instructions {
	insns := asm.Instructions{
		m.load(regTmp, m.Data).WithSymbol(labelBehind),
		asm.Sub.Reg(regTmp, regHead),
		asm.JLE.Reg(regTmp, regMac, labelOuter),
		asm.Sub.Imm(regTmp, linkHeader),
		asm.JEq.Reg(regTmp, regMac, labelOwn),
		asm.Ja.Label(labelCloser),
	}
	return append(insns, m.takeOuter()...)
}

// takeOuter makes a header up for an outer packet and goes to labelLook if the version of the
// packet is what the sk_buff tells. Otherwise the packet is looked at closely.
func (m *Memory) takeOuter() asm.Instructions {
	insns := m.atNetwork()
	insns[0] = insns[0].WithSymbol(labelOuter)
	return append(insns,
		asm.LoadMem(regTmp, asm.R0, m.Array+linkHeader, asm.Byte),
		asm.RSh.Imm(regTmp, 4),
		asm.JEq.Imm(regTmp, 4, labelFour),
		asm.JNE.Imm(regTmp, 6, labelCloser),
		asm.JEq.Imm(asm.R1, int32(networkOrder(typeIPv6)), labelLook),
		asm.Ja.Label(labelCloser),
		asm.JEq.Imm(asm.R1, int32(networkOrder(typeIPv4)), labelLook).WithSymbol(labelFour),
		asm.Ja.Label(labelCloser),
	)
}

// takeShim has the frame begin with its own header if something may lie behind that, and goes to
// labelLook. Otherwise the mac header is stale, and the packet is looked at closely.
func (m *Memory) takeShim() asm.Instructions {
	insns := m.atMac()
	insns[0] = insns[0].WithSymbol(labelShim)
	for _, t := range direct {
		insns = append(insns, asm.JEq.Imm(asm.R1, int32(networkOrder(t)), labelCloser))
	}
	return append(insns, asm.Ja.Label(labelLook))
}
