// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"

	"tracer/internal/endian"
	"tracer/internal/rdonly"
)

// errNotReadable means that a program needs data that the prefilter can't read.
var errNotReadable = errors.New("needs data that the prefilter can't read")

const (
	// labelFull is for packets that the full filter has to decide.
	labelFull    = "filter_closer"
	labelOwn     = "filter_own"  // the frame has a link header of its own
	labelMadeUp  = "filter_made" // a link header has to be made up
	labelType    = "filter_type" // its Ethertype is in R2
	labelLocated = "filter_look" // the frame is located

	linkHeader = 14 // bytes of an Ethernet header
	typeOffset = 12 // of the Ethertype in the Ethernet header
	typeLength = 2
	unset      = 0xffff // value of mac_header and network_header before they are set
)

// Results of the prefilter (enum prefilter_result in bpf/match/packet_filter.h).
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

// networkOrder converts an Ethertype to network byte order (htons).
func networkOrder(t uint16) uint16 {
	return uint16(endian.Uint([]byte{byte(t >> 8), byte(t)}))
}

// Stack offsets below the scratch memory of the classic program: of the Ethertype, and of the
// address of the frame.
const (
	slotType = int16(-4*memorySlots - 8)
	slotBase = int16(-4*memorySlots - 16)
)

// Prefilter returns the body of the C function prefilter. R1 is the address of an sk_buff at entry; R0 is
// prefilterUnknown, prefilterReject or prefilterMatch at exit. Two or three loads decide nearly all packets. If
// a needed byte is not in the linear part, the result is prefilterUnknown, and Body decides. Prefilter returns
// nil if that would be the result for every packet: for expressions on the length, on VLAN tags and on Ethernet
// addresses.
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

// skbReader generates loads from an sk_buff and its packet, through bpf_rdonly_cast.
type skbReader struct{ rdonly.Cast }

func prefilter(classic []bpf.Instruction, m *skbReader) (asm.Instructions, error) {
	t := translator{classic: define(classic), memory: m}
	if err := t.translate(); err != nil {
		return nil, err
	}
	t.out = append(t.locate(), t.out...)
	t.close(labelReject, prefilterReject)
	t.close(labelFull, prefilterUnknown)
	return t.out, nil
}

// Registers until the frame is located: the beginning of the buffer (later of the frame) and the end of its
// linear part, then members of the sk_buff, and the 8-byte word that contains network_header.
const (
	regHead, regEnd                        = regPacket, regLen
	regMac, regNetwork, regProto, regWords = asm.R1, asm.R3, asm.R4, asm.R5
)

// locate finds the frame in the same way as bpf/packet/packet.h. It sets regPacket to a pointer to the frame, and
// regLen to the number of its bytes in the linear part.
func (t *translator) locate() asm.Instructions {
	m := t.memory
	insns := append(m.readSkb(), chooseFrame()...)
	insns = append(insns, m.makeHeader()...)
	insns = append(insns, m.settleHeaders()...)
	insns = append(insns, m.takeShim()...)
	insns = append(insns, m.takeHeader()...)
	insns = append(insns, asm.Sub.Reg(regEnd, regHead).WithSymbol(labelLocated))
	if t.computedOffsets {
		insns = append(insns, asm.StoreMem(asm.R10, slotBase, regHead, asm.DWord))
	}
	insns = append(insns, asm.Mov.Reg(regPacket, asm.R0))
	return append(insns, zero(t.unset)...)
}

// readSkb loads the address of the buffer, the end of the linear part and the offsets of the headers.
func (m *skbReader) readSkb() asm.Instructions {
	insns := m.cast(asm.R1, int32(m.first()), m.Words)
	insns = append(insns, m.load(regWords, m.NetworkHeader))
	insns = append(insns, m.member(regNetwork, regWords, m.NetworkHeader, 2)...)
	insns = append(insns, m.member(regMac, regWords, m.MacHeader, 2)...)
	insns = append(insns, m.load(regEnd, m.Tail))
	insns = append(insns, extract(regEnd, m.Tail, 4)...)
	return append(insns, m.load(regHead, m.Head), asm.Add.Reg(regEnd, regHead))
}

// chooseFrame decides where the frame begins, like frame_base_of in bpf/packet/packet.h. It jumps to labelOwn if
// the frame has a link header of its own, and to labelBehind or labelShim if the MAC header may be stale.
// Otherwise it continues at labelMadeUp.
func chooseFrame() asm.Instructions {
	return asm.Instructions{
		asm.JEq.Imm(regMac, unset, labelMadeUp),
		asm.JEq.Reg(regMac, regNetwork, labelMadeUp),
		asm.JEq.Imm(regNetwork, 0, labelOwn),
		asm.JLT.Reg(regNetwork, regMac, labelBehind),
		asm.Mov.Reg(regTmp, regNetwork),
		asm.Sub.Reg(regTmp, regMac),
		asm.Sub.Imm(regTmp, linkHeader),
		asm.JEq.Imm(regTmp, 0, labelOwn),
		asm.JGT.Imm(regTmp, maxShim, labelMadeUp),
		asm.And.Imm(regTmp, 3),
		asm.JEq.Imm(regTmp, 0, labelShim),
	}
}

// makeHeader makes up a link header in front of the network header, where the frame then begins, and jumps to
// labelLocated.
func (m *skbReader) makeHeader() asm.Instructions {
	insns := asm.Instructions{
		asm.JEq.Imm(regNetwork, 0, labelReject).WithSymbol(labelMadeUp),
		asm.JEq.Imm(regNetwork, unset, labelReject),
	}
	insns = append(insns, m.atNetwork()...)
	return append(insns,
		asm.JNE.Imm(asm.R1, 0, labelLocated),
		// skb->protocol is not set yet: the IP version gives the Ethertype.
		asm.LoadMem(asm.R1, asm.R0, m.Array+linkHeader, asm.Byte),
		asm.RSh.Imm(asm.R1, 4),
		asm.Mov.Imm(asm.R2, int32(networkOrder(typeIPv4))),
		asm.JEq.Imm(asm.R1, 4, labelType),
		asm.JNE.Imm(asm.R1, 6, labelLocated),
		asm.Mov.Imm(asm.R2, int32(networkOrder(typeIPv6))),
		asm.StoreMem(asm.R10, slotType, asm.R2, asm.Half).WithSymbol(labelType),
		asm.Ja.Label(labelLocated),
	)
}

// atNetwork sets the beginning of the frame to a made-up link header in front of the network header. The
// Ethertype is skb->protocol, which is also loaded into R1.
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

// takeHeader sets the beginning of the frame to its own link header, at labelOwn.
func (m *skbReader) takeHeader() asm.Instructions {
	insns := m.atMac()
	insns[0] = insns[0].WithSymbol(labelOwn)
	return insns
}

// atMac sets the beginning of the frame to the MAC header, and loads the Ethertype there into R1.
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

// first returns the offset of the first 8-byte word of the sk_buff that the prefilter reads.
func (m *skbReader) first() int16 {
	return min(m.Head, m.Data, m.Tail, m.MacHeader, m.NetworkHeader, m.Protocol) &^ 7
}

// load loads the 8-byte word of the sk_buff that contains the member.
func (m *skbReader) load(dst asm.Register, member int16) asm.Instruction {
	return asm.LoadMem(dst, asm.R0, member&^7-m.first(), asm.DWord)
}

// member loads a member of size bytes. A member in the same word as network_header is copied from the register
// headers, which contains that word.
func (m *skbReader) member(dst, headers asm.Register, member int16, size int) asm.Instructions {
	word := m.load(dst, member)
	if member&^7 == m.NetworkHeader&^7 {
		word = asm.Mov.Reg(dst, headers)
	}
	return append(asm.Instructions{word}, extract(dst, member, size)...)
}

// extract shifts and masks a word, so that only the member is left.
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

// cast sets R0 to a pointer to the BTF type kind at an address plus an offset.
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

// bytes sets R0 to a pointer to a type whose array of bytes begins at the address.
func (m *skbReader) bytes(address asm.Register) asm.Instructions {
	return m.cast(address, -int32(m.Array), m.Bytes)
}

// directLoad loads at a fixed offset in the linear part, in network byte order.
func (t *translator) directLoad(pc int, dst asm.Register, offset, size int) (asm.Instructions, error) {
	insns := t.guard(pc, t.lengths[pc])
	switch {
	case offset == typeOffset && size == typeLength:
		return append(insns, asm.LoadMem(dst, asm.R10, slotType, asm.Half)), nil
	case offset < linkHeader, offset+size > int(t.memory.Length):
		return nil, errNotReadable
	case offset+size > HeadSize: // flow does not track lengths beyond the head
		insns = asm.Instructions{asm.JLT.Imm32(regLen, int32(offset+size), labelFull)}
	}
	return append(insns, t.known(dst, offset, size)...), nil
}

// directLoadAt loads at an offset relative to X in the linear part.
func (t *translator) directLoadAt(pc int, in bpf.LoadIndirect) (asm.Instructions, error) {
	const address = asm.R1
	t.computedOffsets = true
	slow := asm.Instructions{
		asm.JGT.Imm32(regX, farthest, labelFull),
		asm.Mov.Reg32(address, regX),
		asm.Add.Imm32(address, int32(in.Off)),
		asm.JLT.Imm32(address, linkHeader, labelFull),
		asm.Mov.Reg32(asm.R3, address),
		asm.Add.Imm32(asm.R3, int32(in.Size)),
		asm.JGT.Reg32(asm.R3, regLen, labelFull),
		asm.LoadMem(asm.R3, asm.R10, slotBase, asm.DWord),
		asm.Add.Reg(address, asm.R3),
	}
	slow = append(slow, t.memory.cast(address, -int32(t.memory.Array), t.memory.Bytes)...)
	slow = append(slow, asm.LoadMem(regA, asm.R0, t.memory.Array, endian.Size(in.Size)))
	return t.plainFirst(pc, in, slow), nil
}
