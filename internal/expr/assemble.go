// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"math"

	"github.com/cilium/ebpf/asm"
)

// label is the target of jumps. It may be used before its position is known.
type label int

// assembler collects instructions. It resolves jumps to numeric offsets, not
// symbols, so bodies can be combined without name clashes.
type assembler struct {
	code  asm.Instructions
	slots int   // length of code in slots of 8 bytes; an instruction has one or two
	at    []int // the slot of each label
	jumps []jump
}

type jump struct {
	index int // of the instruction
	slot  int // of the next instruction, the base of the offset
	to    label
}

func (a *assembler) emit(instructions ...asm.Instruction) {
	for _, in := range instructions {
		a.code = append(a.code, in)
		a.slots += int(in.Size() / asm.InstructionSize)
	}
}

// label returns a new label without a position.
func (a *assembler) label() label {
	a.at = append(a.at, 0)
	return label(len(a.at) - 1)
}

// put sets the position of a label to the next instruction.
func (a *assembler) put(l label) { a.at[l] = a.slots }

// jumpTo emits a jump to a label.
func (a *assembler) jumpTo(in asm.Instruction, l label) {
	a.emit(in)
	a.jumps = append(a.jumps, jump{len(a.code) - 1, a.slots, l})
}

// finish sets the offsets of all jumps. It returns false if one does not fit into 16 bits.
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

// An unconditional jump, and jumps that compare all 64 bits of a register with another register or with
// a constant.

func always() asm.Instruction { return asm.Instruction{OpCode: asm.Ja.Op(asm.ImmSource)} }

func when(op asm.JumpOp, left, right asm.Register) asm.Instruction {
	return asm.Instruction{OpCode: op.Op(asm.RegSource), Dst: left, Src: right}
}

func whenConstant(op asm.JumpOp, left asm.Register, right int32) asm.Instruction {
	return asm.Instruction{OpCode: op.Op(asm.ImmSource), Dst: left, Constant: int64(right)}
}
