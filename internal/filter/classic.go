// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
)

// decode converts raw instructions to typed ones. It returns an error if an instruction is unknown or
// a jump goes backward or out of the program.
func decode(raw []bpf.RawInstruction) ([]bpf.Instruction, error) {
	classic, known := bpf.Disassemble(raw)
	if !known {
		return nil, fmt.Errorf("classic BPF with an unknown instruction in %v", raw)
	}
	if len(classic) == 0 {
		return nil, errors.New("classic BPF without instructions")
	}
	for pc := range classic {
		for _, next := range successors(classic, pc) {
			if next <= pc || next >= len(classic) {
				return nil, fmt.Errorf("classic BPF jumps backward or out of the program at instruction %d", pc)
			}
		}
	}
	return classic, nil
}

// successors returns the indexes of the instructions that may run after the one at pc.
func successors(classic []bpf.Instruction, pc int) []int {
	next := pc + 1
	switch in := classic[pc].(type) {
	case bpf.RetA, bpf.RetConstant:
		return nil
	case bpf.Jump:
		return []int{next + int(int32(in.Skip))}
	case bpf.JumpIf:
		return []int{next + int(in.SkipTrue), next + int(in.SkipFalse)}
	case bpf.JumpIfX:
		return []int{next + int(in.SkipTrue), next + int(in.SkipFalse)}
	}
	return []int{next}
}

// maxOffset is an upper bound of the size of any packet.
const maxOffset = 1 << 24

// define replaces instructions that the verifier would reject, and loads beyond the end of any packet, by
// instructions with the result of libpcap's interpreter.
func define(classic []bpf.Instruction) []bpf.Instruction {
	defined := make([]bpf.Instruction, len(classic))
	for pc, insn := range classic {
		defined[pc] = insn
		switch in := insn.(type) {
		case bpf.ALUOpConstant:
			defined[pc] = defineALU(in)
		case bpf.LoadAbsolute, bpf.LoadIndirect, bpf.LoadMemShift:
			defined[pc] = defineLoad(in)
		}
	}
	return defined
}

// defineLoad replaces a load beyond the end of any packet with a rejection. For an offset relative to X,
// it only checks the constant part. This is enough to keep the sum with X from wrapping: see farthest.
func defineLoad(insn bpf.Instruction) bpf.Instruction {
	end, _ := fixedEnd(insn)
	if in, ok := insn.(bpf.LoadIndirect); ok {
		end = int(in.Off) + in.Size
	}
	if end > maxOffset {
		return bpf.RetConstant{Val: 0}
	}
	return insn
}

// defineALU replaces a division by zero with a rejection, and a shift by more than 31 with the result 0.
func defineALU(in bpf.ALUOpConstant) bpf.Instruction {
	switch in.Op {
	case bpf.ALUOpDiv, bpf.ALUOpMod:
		if in.Val == 0 {
			return bpf.RetConstant{Val: 0}
		}
	case bpf.ALUOpShiftLeft, bpf.ALUOpShiftRight:
		if in.Val > 31 {
			return bpf.LoadConstant{Dst: bpf.RegA, Val: 0}
		}
	}
	return in
}

// fixedEnd returns the end offset of a load at a fixed offset.
func fixedEnd(insn bpf.Instruction) (end int, ok bool) {
	switch in := insn.(type) {
	case bpf.LoadAbsolute:
		return int(in.Off) + in.Size, true
	case bpf.LoadMemShift:
		return int(in.Off) + 1, true
	}
	return 0, false
}

func rejects(insn bpf.Instruction) bool {
	return insn == bpf.RetConstant{Val: 0}
}
