// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"

	"tracer/internal/endian"
)

// Offsets in struct packet (bpf/packet/packet.h).
const (
	offsetHead = 0
	offsetLen  = 104
	offsetWord = 108
)

// plainHeader is the length in bytes of an IPv4 header without options. Nearly all IPv4
// headers have this length, and then the offset of the next header is a constant.
const plainHeader = 20

// load translates a load from the packet.
func (t *translator) load(pc int) (asm.Instructions, error) {
	switch in := t.classic[pc].(type) {
	case bpf.LoadAbsolute:
		insns, err := t.fixed(pc, regA, int(in.Off), in.Size)
		return append(insns, hostOrder(in.Size)...), err
	case bpf.LoadIndirect:
		insns, err := t.indirect(pc, in)
		return append(insns, hostOrder(in.Size)...), err
	case bpf.LoadMemShift:
		insns, err := t.fixed(pc, regX, int(in.Off), 1)
		return append(insns, asm.And.Imm32(regX, 0xf), asm.LSh.Imm32(regX, 2)), err
	}
	return nil, nil
}

// fixed loads at a fixed offset, in network byte order.
func (t *translator) fixed(pc int, dst asm.Register, offset, size int) (asm.Instructions, error) {
	if t.memory != nil {
		return t.directLoad(pc, dst, offset, size)
	}
	if offset+size > HeadSize {
		return call(asm.Instructions{asm.Mov.Imm(asm.R2, int32(offset))}, dst, size), nil
	}
	return append(t.guard(pc, t.lengths[pc]), t.head(dst, offset, size)...), nil
}

// guard rejects frames that are shorter than length, unless an earlier check has done so.
func (t *translator) guard(pc, length int) asm.Instructions {
	if length <= t.before[pc].length {
		return nil
	}
	return asm.Instructions{asm.JLT.Imm32(regLen, int32(length), t.labelShort())}
}

// labelShort returns the label for frames that are too short. The prefilter does not reject them, since
// it sees only the linear part.
func (t *translator) labelShort() string {
	if t.memory != nil {
		return labelFull
	}
	return labelReject
}

// indirect loads at an offset relative to X.
func (t *translator) indirect(pc int, in bpf.LoadIndirect) (asm.Instructions, error) {
	if t.memory != nil {
		return t.directLoadAt(pc, in)
	}
	return t.plainFirst(pc, in, call(sum(in.Off), regA, in.Size)), nil
}

// plainFirst generates a load at a constant offset for packets where X is the length of an IPv4 header without
// options. For other packets, the instructions in slow run.
func (t *translator) plainFirst(pc int, in bpf.LoadIndirect, slow asm.Instructions) asm.Instructions {
	offset := plainHeader + int(in.Off)
	if !t.before[pc].header || offset+in.Size > HeadSize || t.memory != nil && offset < linkHeader {
		return slow
	}
	fast := append(t.guard(pc, offset+in.Size), t.known(regA, offset, in.Size)...)
	insns := append(asm.Instructions{skip(asm.JNE, regX, plainHeader, len(fast)+1)}, fast...)
	return append(append(insns, over(len(slow))), slow...)
}

// known loads at a fixed offset that is known to be within the frame.
func (t *translator) known(dst asm.Register, offset, size int) asm.Instructions {
	if t.memory != nil {
		return asm.Instructions{asm.LoadMem(dst, regPacket, t.memory.Array+int16(offset), endian.Size(size))}
	}
	return t.head(dst, offset, size)
}

// farthest is an offset beyond the end of every frame. The sum of two such offsets does not wrap.
const farthest = 1 << 30

// sum computes X plus a constant into the second argument of a call. It rejects an X
// above farthest, such as a negative number, since the sum could wrap. load_packet
// checks the result against the end of the frame.
func sum(constant uint32) asm.Instructions {
	insns := asm.Instructions{
		asm.JGT.Imm32(regX, farthest, labelReject),
		asm.Mov.Reg32(asm.R2, regX),
	}
	if constant != 0 {
		insns = append(insns, asm.Add.Imm32(asm.R2, int32(constant)))
	}
	return insns
}

// over jumps over the next n instructions.
func over(n int) asm.Instruction {
	return asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Ja), Offset: int16(n)}
}

// call loads through load_packet, which also checks the end of the frame. The
// instructions in offset put the offset into R2.
func call(offset asm.Instructions, dst asm.Register, size int) asm.Instructions {
	return append(offset,
		asm.Mov.Reg(asm.R1, regPacket),
		asm.Mov.Imm(asm.R3, int32(size)),
		asm.Call.Label(loadPacket),
		asm.JNE.Imm(asm.R0, 0, labelReject),
		asm.LoadMem(dst, regPacket, offsetWord, endian.Size(size)),
	)
}

// head loads from the copy of the first bytes. The verifier rejects unaligned loads from the
// stack, so an unaligned number is combined from aligned pieces, most significant first.
func (t *translator) head(dst asm.Register, offset, size int) asm.Instructions {
	t.need = max(t.need, offset+size)
	list := pieces(offset, size, endian.Big)
	insns := asm.Instructions{headPiece(dst, list[0])}
	for _, p := range list[1:] {
		insns = append(insns,
			asm.LSh.Imm32(dst, int32(8*p.size)),
			headPiece(regTmp, p),
			asm.Or.Reg32(dst, regTmp))
	}
	return insns
}

// piece is one aligned load from the head.
type piece struct{ offset, size int }

// pieces splits a load into the largest aligned pieces, most significant first: from the first byte
// on big-endian machines, from the last byte on little-endian ones.
func pieces(offset, size int, big bool) (list []piece) {
	for size > 0 {
		p := piece{offset, 4}
		for p.size > size || !p.aligned(offset, size, big) {
			p.size /= 2
		}
		if !big {
			p.offset = offset + size - p.size
		} else {
			offset += p.size
		}
		size -= p.size
		list = append(list, p)
	}
	return list
}

// aligned reports whether a piece of p.size bytes at the most significant end of the remaining bytes is
// aligned.
func (p piece) aligned(offset, size int, big bool) bool {
	end := offset
	if !big {
		end += size
	}
	return (offsetHead+end)%p.size == 0
}

func headPiece(dst asm.Register, p piece) asm.Instruction {
	return asm.LoadMem(dst, regPacket, int16(offsetHead+p.offset), endian.Size(p.size))
}

// hostOrder converts A from network to host byte order.
func hostOrder(size int) asm.Instructions {
	if size == 1 {
		return nil
	}
	return asm.Instructions{asm.HostTo(asm.BE, regA, endian.Size(size))}
}
