// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"math"

	"golang.org/x/net/bpf"
)

// state is what is known before an instruction runs, on every path to it.
type state struct {
	reached bool
	length  int     // minimum length of the frame in bytes
	written storage // registers and memory words that were written
	header  bool    // X may be the length of an IPv4 header
}

// flow is the result of the data flow analysis of a program.
type flow struct {
	before []state // for each instruction
	// lengths is, for each instruction, the minimum length of a frame that can
	// still match.
	lengths []int
	// unset are the registers and memory words that are read before they are written. They hold zero.
	unset storage
}

func analyse(classic []bpf.Instruction) flow {
	f := flow{before: make([]state, len(classic)), lengths: neededLengths(classic)}
	f.before[0].reached = true
	for pc, insn := range classic {
		if !f.before[pc].reached {
			continue
		}
		f.unset |= reads(insn) &^ f.before[pc].written
		after := f.after(pc, insn)
		for _, next := range successors(classic, pc) {
			f.before[next] = merge(f.before[next], after)
		}
	}
	return f
}

// after returns the state after the instruction at pc.
func (f flow) after(pc int, insn bpf.Instruction) state {
	s := f.before[pc]
	s.written |= writes(insn)
	if end, ok := fixedEnd(insn); ok && end <= HeadSize {
		s.length = max(s.length, f.lengths[pc])
	}
	if writes(insn)&storageX != 0 {
		_, s.header = insn.(bpf.LoadMemShift)
	}
	return s
}

func merge(a, b state) state {
	if !a.reached {
		return b
	}
	return state{
		reached: true,
		length:  min(a.length, b.length),
		written: a.written & b.written,
		header:  a.header || b.header,
	}
}

// neededLengths computes flow.lengths from the last instruction to the first. A frame that is too
// short for every path to a match can be rejected early.
func neededLengths(classic []bpf.Instruction) []int {
	lengths := make([]int, len(classic))
	for pc := len(classic) - 1; pc >= 0; pc-- {
		lengths[pc] = max(neededLater(classic, lengths, pc), ownLength(classic[pc]))
	}
	return lengths
}

func neededLater(classic []bpf.Instruction, lengths []int, pc int) int {
	least := math.MaxInt
	for _, next := range successors(classic, pc) {
		if !rejects(classic[next]) {
			least = min(least, lengths[next])
		}
	}
	if least == math.MaxInt {
		return 0
	}
	return least
}

func ownLength(insn bpf.Instruction) int {
	end, _ := fixedEnd(insn)
	return end
}
