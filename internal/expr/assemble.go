// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"math"

	"github.com/cilium/ebpf/asm"
)

// label is a place that is jumped to; where it is may not be known yet.
type label int

// assembler puts instructions one behind the other. Its jumps are numbers in the end,
// not names, so that bodies can be put together without a clash.
type assembler struct {
	code  asm.Instructions
	slots int   // of 8 bytes, since an instruction may take two
	at    []int // the slot of each label
	jumps []jump
}

type jump struct {
	index int // of the instruction
	slot  int // behind it, from where jumps are counted
	to    label
}

func (a *assembler) emit(instructions ...asm.Instruction) {
	for _, in := range instructions {
		a.code = append(a.code, in)
		a.slots += int(in.Size() / asm.InstructionSize)
	}
}

// label makes a label that has no place yet, put gives it the one that is next.
func (a *assembler) label() label {
	a.at = append(a.at, 0)
	return label(len(a.at) - 1)
}

func (a *assembler) put(l label) { a.at[l] = a.slots }

// jumpTo emits a jump to a label.
func (a *assembler) jumpTo(in asm.Instruction, l label) {
	a.emit(in)
	a.jumps = append(a.jumps, jump{len(a.code) - 1, a.slots, l})
}

// finish gives all jumps their distance; it is false where one is too far.
func (a *assembler) finish() (asm.Instructions, bool) {
	for _, j := range a.jumps {
		distance := a.at[j.to] - j.slot
		if distance > math.MaxInt16 {
			return nil, false
		}
		a.code[j.index].Offset = int16(distance)
	}
	return a.code, true
}

// Jumps that compare all 64 bits of a register, with another or with a constant.

func always() asm.Instruction { return asm.Instruction{OpCode: asm.Ja.Op(asm.ImmSource)} }

func when(op asm.JumpOp, left, right asm.Register) asm.Instruction {
	return asm.Instruction{OpCode: op.Op(asm.RegSource), Dst: left, Src: right}
}

func whenConstant(op asm.JumpOp, left asm.Register, right int32) asm.Instruction {
	return asm.Instruction{OpCode: op.Op(asm.ImmSource), Dst: left, Constant: int64(right)}
}
