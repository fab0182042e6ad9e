// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
)

// decode turns raw instructions into typed ones, all of which are known and jump
// forward only.
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

// successors are the instructions that may run after the one at pc.
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

// maxOffset is beyond the end of any packet.
const maxOffset = 1 << 24

// define replaces instructions that eBPF does not have by what libpcap's
// interpreter does for them.
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

// defineLoad: what lies beyond any packet rejects. An offset relative to X does not wrap
// at 32 bits either.
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

// defineALU: a division by zero rejects, a shift by more than 31 leaves nothing.
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

// fixedEnd is where the bytes of a load at a fixed offset end.
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
