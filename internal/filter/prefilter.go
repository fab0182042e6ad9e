// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"

	"tracer/internal/endian"
	"tracer/internal/rdonly"
)

// errBlind says that a program needs more than what a prefilter can load.
var errBlind = errors.New("needs a closer look")

const (
	// labelCloser is where a packet goes that has to be looked at closely.
	labelCloser = "filter_closer"
	labelOwn    = "filter_own"
	labelMade   = "filter_made"
	labelType   = "filter_type"
	labelLook   = "filter_look"

	linkHeader = 14 // bytes of an Ethernet header
	typeOffset = 12 // of the Ethertype in it
	typeLength = 2
	unset      = 0xffff // a header's offset that was not set
)

// What the prefilter returns (enum prefilter_result in bpf/match/packet_filter.h).
const (
	prefilterUnknown = iota
	prefilterReject
	prefilterMatch
)

// Ethertypes.
const (
	typeIPv4 = 0x0800
	typeIPv6 = 0x86dd
)

// networkOrder is the number that the bytes of an Ethertype are to this machine.
func networkOrder(t uint16) uint16 {
	return uint16(endian.Uint([]byte{byte(t >> 8), byte(t)}))
}

// Places on the stack, below those of the classic program's memory: the Ethertype, and the
// address of the frame.
const (
	slotType = int16(-4*memorySlots - 8)
	slotBase = int16(-4*memorySlots - 16)
)

// Prefilter is the body of the C function prefilter: R1 is the address of an sk_buff, R0 tells at
// exit whether its packet matches, as of nearly all packets is seen by two or three loads. What does not lie in the linear part needs a closer look by Body. Prefilter returns nil where every packet does: for expressions
// on the length, on VLAN tags and on Ethernet addresses.
func (p *Program) Prefilter(m rdonly.Cast) asm.Instructions {
	if p.VLAN || p.Length {
		return nil
	}
	body, err := prefilter(p.Classic, &skbReader{m})
	if err != nil {
		return nil
	}
	return body
}

// skbReader reads an sk_buff and its packet through casts.
type skbReader struct{ rdonly.Cast }

func prefilter(classic []bpf.Instruction, m *skbReader) (asm.Instructions, error) {
	t := translator{classic: define(classic), memory: m}
	if err := t.translate(); err != nil {
		return nil, err
	}
	t.out = append(t.locate(), t.out...)
	t.close(labelReject, prefilterReject)
	t.close(labelCloser, prefilterUnknown)
	return t.out, nil
}

// Registers while the frame is located: where the buffer begins and its linear part ends, then
// the sk_buff's offsets, and the word that they lie in.
const (
	regHead, regEnd                        = regPacket, regLen
	regMac, regNetwork, regProto, regWords = asm.R1, asm.R3, asm.R4, asm.R5
)

// locate finds the frame as bpf/packet/packet.h does: regPacket is made a pointer to its bytes, regLen
// how many of them lie in the linear part.
func (t *translator) locate() asm.Instructions {
	m := t.memory
	insns := append(m.readSkb(), choosePlace()...)
	insns = append(insns, m.makeHeader()...)
	insns = append(insns, m.settleHeaders()...)
	insns = append(insns, m.takeShim()...)
	insns = append(insns, m.takeHeader()...)
	insns = append(insns, asm.Sub.Reg(regEnd, regHead).WithSymbol(labelLook))
	if t.roams {
		insns = append(insns, asm.StoreMem(asm.R10, slotBase, regHead, asm.DWord))
	}
	insns = append(insns, asm.Mov.Reg(regPacket, asm.R0))
	return append(insns, zero(t.unset)...)
}

// readSkb reads where the buffer and the headers are.
func (m *skbReader) readSkb() asm.Instructions {
	insns := m.cast(asm.R1, int32(m.first()), m.Words)
	insns = append(insns, m.load(regWords, m.NetworkHeader))
	insns = append(insns, m.member(regNetwork, regWords, m.NetworkHeader, 2)...)
	insns = append(insns, m.member(regMac, regWords, m.MacHeader, 2)...)
	insns = append(insns, m.load(regEnd, m.Tail))
	insns = append(insns, extract(regEnd, m.Tail, 4)...)
	return append(insns, m.load(regHead, m.Head), asm.Add.Reg(regEnd, regHead))
}

// choosePlace jumps to labelOwn if the frame has a link header of its own (frame_base_of in
// bpf/packet/packet.h), and to labelBehind or labelShim if the mac header may be stale. Otherwise it
// continues at labelMade, where a link header is made up.
func choosePlace() asm.Instructions {
	return asm.Instructions{
		asm.JEq.Imm(regMac, unset, labelMade),
		asm.JEq.Reg(regMac, regNetwork, labelMade),
		asm.JEq.Imm(regNetwork, 0, labelOwn),
		asm.JLT.Reg(regNetwork, regMac, labelBehind),
		asm.Mov.Reg(regTmp, regNetwork),
		asm.Sub.Reg(regTmp, regMac),
		asm.Sub.Imm(regTmp, linkHeader),
		asm.JEq.Imm(regTmp, 0, labelOwn),
		asm.JGT.Imm(regTmp, mostShim, labelMade),
		asm.And.Imm(regTmp, 3),
		asm.JEq.Imm(regTmp, 0, labelShim),
	}
}

// makeHeader has the frame begin with a header that is made up in front of the network header,
// and goes to labelLook.
func (m *skbReader) makeHeader() asm.Instructions {
	insns := asm.Instructions{
		asm.JEq.Imm(regNetwork, 0, labelReject).WithSymbol(labelMade),
		asm.JEq.Imm(regNetwork, unset, labelReject),
	}
	insns = append(insns, m.atNetwork()...)
	return append(insns,
		asm.JNE.Imm(asm.R1, 0, labelLook),
		// The sk_buff does not tell the Ethertype yet: the IP version does.
		asm.LoadMem(asm.R1, asm.R0, m.Array+linkHeader, asm.Byte),
		asm.RSh.Imm(asm.R1, 4),
		asm.Mov.Imm(asm.R2, int32(networkOrder(typeIPv4))),
		asm.JEq.Imm(asm.R1, 4, labelType),
		asm.JNE.Imm(asm.R1, 6, labelLook),
		asm.Mov.Imm(asm.R2, int32(networkOrder(typeIPv6))),
		asm.StoreMem(asm.R10, slotType, asm.R2, asm.Half).WithSymbol(labelType),
		asm.Ja.Label(labelLook),
	)
}

// atNetwork sets the beginning of the frame to a made-up link header in front of the network header,
// with skb->protocol as its Ethertype, and loads that into R1.
func (m *skbReader) atNetwork() asm.Instructions {
	insns := append(m.member(regProto, regWords, m.Protocol, 2),
		asm.StoreMem(asm.R10, slotType, regProto, asm.Half),
		asm.Add.Reg(regHead, regNetwork),
		asm.JGE.Reg(regHead, regEnd, labelReject),
		asm.Sub.Imm(regHead, linkHeader),
	)
	insns = append(insns, m.bytes(regHead)...)
	return append(insns, asm.LoadMem(asm.R1, asm.R10, slotType, asm.Half))
}

// takeHeader sets the beginning of the frame to its own link header.
func (m *skbReader) takeHeader() asm.Instructions {
	insns := m.atMac()
	insns[0] = insns[0].WithSymbol(labelOwn)
	return insns
}

// atMac sets the beginning of the frame to the mac header, and loads the Ethertype there into R1.
func (m *skbReader) atMac() asm.Instructions {
	insns := asm.Instructions{
		asm.Add.Reg(regHead, regMac),
		asm.JGE.Reg(regHead, regEnd, labelReject),
	}
	insns = append(insns, m.bytes(regHead)...)
	return append(insns,
		asm.LoadMem(asm.R1, asm.R0, m.Array+typeOffset, asm.Half),
		asm.StoreMem(asm.R10, slotType, asm.R1, asm.Half),
	)
}

// first is where the words of the sk_buff begin that a prefilter reads.
func (m *skbReader) first() int16 {
	return min(m.Head, m.Data, m.Tail, m.MacHeader, m.NetworkHeader, m.Protocol) &^ 7
}

// load loads the word that the member of the sk_buff is in.
func (m *skbReader) load(dst asm.Register, member int16) asm.Instruction {
	return asm.LoadMem(dst, asm.R0, member&^7-m.first(), asm.DWord)
}

// member takes a member of that many bytes out of the word of the headers if it is there, or
// loads its own.
func (m *skbReader) member(dst, headers asm.Register, member int16, size int) asm.Instructions {
	word := m.load(dst, member)
	if member&^7 == m.NetworkHeader&^7 {
		word = asm.Mov.Reg(dst, headers)
	}
	return append(asm.Instructions{word}, extract(dst, member, size)...)
}

// extract makes a word the member that lies in it.
func extract(dst asm.Register, member int16, size int) (insns asm.Instructions) {
	shift := 8 * int32(member&7)
	if endian.Big {
		shift = 64 - shift - 8*int32(size)
	}
	if shift > 0 {
		insns = append(insns, asm.RSh.Imm(dst, shift))
	}
	switch bits := 8 * int32(size); {
	case shift+bits == 64:
	case bits == 32:
		insns = append(insns, asm.Mov.Reg32(dst, dst))
	default:
		insns = append(insns, asm.And.Imm(dst, 1<<bits-1))
	}
	return insns
}

// cast makes R0 a pointer to the type at that address plus an offset.
func (m *skbReader) cast(address asm.Register, offset int32, kind int32) asm.Instructions {
	var insns asm.Instructions
	if address != asm.R1 {
		insns = append(insns, asm.Mov.Reg(asm.R1, address))
	}
	if offset != 0 {
		insns = append(insns, asm.Add.Imm(asm.R1, offset))
	}
	return append(insns, asm.Mov.Imm(asm.R2, kind), m.Call())
}

// bytes makes R0 a pointer whose array of bytes is at that address.
func (m *skbReader) bytes(address asm.Register) asm.Instructions {
	return m.cast(address, -int32(m.Array), m.Bytes)
}

// see loads at a fixed offset, in the order of the packet.
func (t *translator) see(pc int, dst asm.Register, offset, size int) (asm.Instructions, error) {
	insns := t.guard(pc, t.lengths[pc])
	switch {
	case offset == typeOffset && size == typeLength:
		return append(insns, asm.LoadMem(dst, asm.R10, slotType, asm.Half)), nil
	case offset < linkHeader, offset+size > int(t.memory.Length):
		return nil, errBlind
	case offset+size > HeadSize: // of which the analysis does not tell
		insns = asm.Instructions{asm.JLT.Imm32(regLen, int32(offset+size), labelCloser)}
	}
	return append(insns, t.known(dst, offset, size)...), nil
}

// seeAt loads at an offset relative to X.
func (t *translator) seeAt(pc int, in bpf.LoadIndirect) (asm.Instructions, error) {
	const address = asm.R1
	t.roams = true
	slow := asm.Instructions{
		asm.JGT.Imm32(regX, farthest, labelCloser),
		asm.Mov.Reg32(address, regX),
		asm.Add.Imm32(address, int32(in.Off)),
		asm.JLT.Imm32(address, linkHeader, labelCloser),
		asm.Mov.Reg32(asm.R3, address),
		asm.Add.Imm32(asm.R3, int32(in.Size)),
		asm.JGT.Reg32(asm.R3, regLen, labelCloser),
		asm.LoadMem(asm.R3, asm.R10, slotBase, asm.DWord),
		asm.Add.Reg(address, asm.R3),
	}
	slow = append(slow, t.memory.cast(address, -int32(t.memory.Array), t.memory.Bytes)...)
	slow = append(slow, asm.LoadMem(regA, asm.R0, t.memory.Array, width(in.Size)))
	return t.plainFirst(pc, in, slow), nil
}
