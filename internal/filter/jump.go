// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"
)

// comparison is the jump of eBPF for a test of classic BPF, and the one for the opposite test. One of the
// two may not exist.
type comparison struct{ op, opposite asm.JumpOp }

var comparisons = map[bpf.JumpTest]comparison{
	bpf.JumpEqual:          {asm.JEq, asm.JNE},
	bpf.JumpNotEqual:       {asm.JNE, asm.JEq},
	bpf.JumpGreaterThan:    {asm.JGT, asm.JLE},
	bpf.JumpLessThan:       {asm.JLT, asm.JGE},
	bpf.JumpGreaterOrEqual: {asm.JGE, asm.JLT},
	bpf.JumpLessOrEqual:    {asm.JLE, asm.JGT},
	bpf.JumpBitsSet:        {asm.JSet, asm.InvalidJumpOp},
	bpf.JumpBitsNotSet:     {asm.InvalidJumpOp, asm.JSet},
}

// jump translates a conditional or unconditional jump.
func (t *translator) jump(pc int) asm.Instructions {
	next := successors(t.classic, pc)
	if len(next) == 1 || next[0] == next[1] {
		return asm.Instructions{asm.Ja.Label(t.label(next[0]))}
	}
	switch in := t.classic[pc].(type) {
	case bpf.JumpIf:
		return t.branch(pc, next, comparisons[in.Cond], func(op asm.JumpOp, label string) asm.Instruction {
			return op.Imm32(regA, int32(in.Val), label)
		})
	case bpf.JumpIfX:
		return t.branch(pc, next, comparisons[in.Cond], func(op asm.JumpOp, label string) asm.Instruction {
			return op.Reg32(regA, regX, label)
		})
	}
	return nil
}

// branch jumps to next[0] if the comparison holds, else to next[1]. It falls through if one of them is
// the next instruction.
func (t *translator) branch(pc int, next []int, c comparison, test func(asm.JumpOp, string) asm.Instruction) asm.Instructions {
	yes, no := next[0], next[1]
	if c.op == asm.InvalidJumpOp || yes == pc+1 && c.opposite != asm.InvalidJumpOp {
		c.op, c.opposite = c.opposite, c.op
		yes, no = no, yes
	}
	insns := asm.Instructions{test(c.op, t.label(yes))}
	if no != pc+1 {
		insns = append(insns, asm.Ja.Label(t.label(no)))
	}
	return insns
}
