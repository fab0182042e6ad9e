// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"

	"tracer/internal/endian"
)

// Offsets in struct packet, which bpf/packet/packet.h lays out.
const (
	offsetHead = 0
	offsetLen  = 104
	offsetWord = 108
)

// plainHeader is the length in bytes of an IPv4 header without options. Nearly
// every packet has it, and with it the place of the next header is known.
const plainHeader = 20

// load translates all loads from the packet.
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

// fixed loads at a fixed offset, in the order of the packet.
func (t *translator) fixed(pc int, dst asm.Register, offset, size int) (asm.Instructions, error) {
	if t.memory != nil {
		return t.see(pc, dst, offset, size)
	}
	if offset+size > HeadSize {
		return call(asm.Instructions{asm.Mov.Imm(asm.R2, int32(offset))}, dst, size), nil
	}
	return append(t.guard(pc, t.lengths[pc]), t.head(dst, offset, size)...), nil
}

// guard turns away frames that are shorter, unless they were before.
func (t *translator) guard(pc, length int) asm.Instructions {
	if length <= t.before[pc].length {
		return nil
	}
	return asm.Instructions{asm.JLT.Imm32(regLen, int32(length), t.labelShort())}
}

// labelShort is where frames go that are too short, as far as they are seen.
func (t *translator) labelShort() string {
	if t.memory != nil {
		return labelCloser
	}
	return labelReject
}

// indirect loads at an offset relative to X.
func (t *translator) indirect(pc int, in bpf.LoadIndirect) (asm.Instructions, error) {
	if t.memory != nil {
		return t.seeAt(pc, in)
	}
	return t.plainFirst(pc, in, call(sum(in.Off), regA, in.Size)), nil
}

// plainFirst tries the usual length where X is that of an IPv4 header: then the place of the
// bytes is known. For all others there is the slow way.
func (t *translator) plainFirst(pc int, in bpf.LoadIndirect, slow asm.Instructions) asm.Instructions {
	offset := plainHeader + int(in.Off)
	if !t.before[pc].header || offset+in.Size > HeadSize || t.memory != nil && offset < linkHeader {
		return slow
	}
	fast := append(t.guard(pc, offset+in.Size), t.known(regA, offset, in.Size)...)
	insns := append(asm.Instructions{skip(asm.JNE, regX, plainHeader, len(fast)+1)}, fast...)
	return append(append(insns, over(len(slow))), slow...)
}

// known loads what is there for sure, at a fixed offset.
func (t *translator) known(dst asm.Register, offset, size int) asm.Instructions {
	if t.memory != nil {
		return asm.Instructions{asm.LoadMem(dst, regPacket, t.memory.Array+int16(offset), width(size))}
	}
	return t.head(dst, offset, size)
}

// farthest is beyond every frame; no sum of two such numbers wraps.
const farthest = 1 << 30

// sum computes X plus a constant into the second argument of a call. An X beyond
// every frame, which may be a negative number, would wrap; load_packet itself
// finds out where this frame ends.
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

// call loads through load_packet, which also checks where the frame ends, given
// the instructions that put the offset into R2.
func call(offset asm.Instructions, dst asm.Register, size int) asm.Instructions {
	return append(offset,
		asm.Mov.Reg(asm.R1, regPacket),
		asm.Mov.Imm(asm.R3, int32(size)),
		asm.Call.Label(loadPacket),
		asm.JNE.Imm(asm.R0, 0, labelReject),
		asm.LoadMem(dst, regPacket, offsetWord, width(size)),
	)
}

// head loads from the copy of the first bytes. The verifier wants loads from the
// stack to be aligned: others are put together from pieces, that with the highest bits
// first.
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

// piece is a part of what is loaded from the head.
type piece struct{ offset, size int }

// pieces are the largest aligned ones, in the order of their bits from the highest: from
// the first byte on, or from the last (little-endian).
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

// aligned says whether a piece of that size at one end of what is left would be.
func (p piece) aligned(offset, size int, big bool) bool {
	end := offset
	if !big {
		end += size
	}
	return (offsetHead+end)%p.size == 0
}

func headPiece(dst asm.Register, p piece) asm.Instruction {
	return asm.LoadMem(dst, regPacket, int16(offsetHead+p.offset), width(p.size))
}

// width is the size of a load in bytes as eBPF names it.
func width(size int) asm.Size {
	switch size {
	case 1:
		return asm.Byte
	case 2:
		return asm.Half
	}
	return asm.Word
}

// hostOrder turns A from the order of the packet.
func hostOrder(size int) asm.Instructions {
	if size == 1 {
		return nil
	}
	return asm.Instructions{asm.HostTo(asm.BE, regA, width(size))}
}
