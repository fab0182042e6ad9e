// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"
)

// libpcap compiles a list of hosts or ports to a row: consecutive comparisons of the accumulator with
// constants that all jump to the same instruction if equal. A long row is translated to a binary
// search: fewer instructions run per packet, and the verifier explores fewer states.

const (
	minSearched = 8 // minimum length of a row for a binary search
	maxCompared = 4 // values that are compared one by one in a leaf of the search tree
)

// row returns the length of the row that begins at pc, or 0 if it is shorter than minSearched. A row
// ends before an instruction that is also the target of another jump.
func (t *translator) row(pc int) int {
	first, ok := equals(t.classic[pc])
	if !ok {
		return 0
	}
	yes := pc + 1 + int(first.SkipTrue)
	end := pc
	for in := first; ok && end+1+int(in.SkipTrue) == yes && (end == pc || t.entries[end] == 1); {
		end++
		if in.SkipFalse != 0 || end == len(t.classic) {
			break
		}
		in, ok = equals(t.classic[end])
	}
	if end-pc < minSearched {
		return 0
	}
	return end - pc
}

// equals returns the instruction if it is a conditional jump on equality.
func equals(insn bpf.Instruction) (bpf.JumpIf, bool) {
	in, ok := insn.(bpf.JumpIf)
	return in, ok && in.Cond == bpf.JumpEqual && in.SkipTrue != in.SkipFalse
}

// search translates a row of n comparisons.
func (t *translator) search(pc, n int) asm.Instructions {
	var values []uint32
	for _, insn := range t.classic[pc : pc+n] {
		values = append(values, insn.(bpf.JumpIf).Val)
	}
	slices.Sort(values)
	next := successors(t.classic, pc+n-1)
	insns := searchTree(slices.Compact(values), t.label(next[0]), t.label(next[1]))
	if next[1] == pc+n {
		return insns[:len(insns)-1]
	}
	return insns
}

// searchTree jumps to yes if the accumulator is one of the sorted values, else to no. The jump to no
// is its last instruction.
func searchTree(values []uint32, yes, no string) asm.Instructions {
	if len(values) <= maxCompared {
		var insns asm.Instructions
		for _, v := range values {
			insns = append(insns, asm.JEq.Imm32(regA, int32(v), yes))
		}
		return append(insns, asm.Ja.Label(no))
	}
	middle := len(values) / 2
	low := searchTree(values[:middle], yes, no)
	insns := append(asm.Instructions{skip(asm.JGE, regA, values[middle], len(low))}, low...)
	return append(insns, searchTree(values[middle:], yes, no)...)
}

// entries counts the predecessors of each instruction.
func entries(classic []bpf.Instruction) []int {
	n := make([]int, len(classic))
	for pc := range classic {
		for _, next := range successors(classic, pc) {
			n[next]++
		}
	}
	return n
}
