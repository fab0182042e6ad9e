// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"slices"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"
)

// A list of hosts or ports becomes a row of comparisons of one value that all lead to the same
// place. A long row is translated to a binary search: it is quicker for the packet and for the
// verifier, which keeps a state for each comparison that it has passed.

const (
	leastSearched = 8 // shorter rows are left as they are
	mostCompared  = 4 // values at the end of a search
)

// row is how many comparisons from pc on can be searched, or 0. Nothing else may jump into them.
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
	if end-pc < leastSearched {
		return 0
	}
	return end - pc
}

// equals is the comparison for equality that an instruction is.
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

// searchTree goes to yes where A is one of the sorted values. It ends with the jump to no.
func searchTree(values []uint32, yes, no string) asm.Instructions {
	if len(values) <= mostCompared {
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

// entries counts the ways into each instruction.
func entries(classic []bpf.Instruction) []int {
	n := make([]int, len(classic))
	for pc := range classic {
		for _, next := range successors(classic, pc) {
			n[next]++
		}
	}
	return n
}
