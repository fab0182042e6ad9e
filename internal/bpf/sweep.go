// SPDX-License-Identifier: Apache-2.0

package bpf

import "github.com/cilium/ebpf/asm"

// registerSet has a bit for each register.
type registerSet uint16

func setOf(list ...asm.Register) (s registerSet) {
	for _, r := range list {
		s |= 1 << r
	}
	return s
}

var (
	argumentRegisters = setOf(asm.R1, asm.R2, asm.R3, asm.R4, asm.R5)
	callerRegisters   = argumentRegisters | setOf(asm.R0)
)

// sweep drops instructions whose only effect is to set a register that is never read.
func (f *folding) sweep() {
	live := f.liveAfter()
	for i := range f.code {
		if in := &f.code[i]; !f.dropped[i] && isPure(in) && live[i]&setOf(in.Dst) == 0 {
			f.dropped[i] = true
		}
	}
}

// isPure reports whether the only effect of an instruction is to set its destination register.
func isPure(in *asm.Instruction) bool { return isALU(in) || in.OpCode.Class() == asm.LdClass }

// liveAfter returns the live registers after each instruction: those that may still be read.
func (f *folding) liveAfter() []registerSet {
	after := make([]registerSet, len(f.code))
	for changed := true; changed; {
		changed = false
		for i := len(f.code) - 1; i >= 0; i-- {
			if !f.reached[i] {
				continue
			}
			var set registerSet
			for _, next := range f.following(i) {
				set |= liveBefore(&f.code[next], after[next])
			}
			if set != after[i] {
				after[i], changed = set, true
			}
		}
	}
	return after
}

// following returns the instructions that can be next, after rewrite.
func (f *folding) following(i int) []int {
	in := &f.code[i]
	switch {
	case !isBranch(in) && isJump(in) && in.OpCode.JumpOp() == asm.Exit:
		return nil
	case !isBranch(in):
		return []int{i + 1}
	case in.OpCode.JumpOp() == asm.Ja:
		return []int{f.targets[i]}
	}
	return []int{i + 1, f.targets[i]}
}

// liveBefore returns the live registers before an instruction, from those after it.
func liveBefore(in *asm.Instruction, after registerSet) registerSet {
	switch in.OpCode.Class() {
	case asm.ALUClass, asm.ALU64Class:
		if after&setOf(in.Dst) == 0 {
			return after // the instruction will be dropped
		}
		before := after &^ setOf(in.Dst)
		if in.OpCode.ALUOp() != asm.Mov {
			before |= setOf(in.Dst)
		}
		return before | sourceOf(in)
	case asm.LdClass:
		return after &^ setOf(in.Dst)
	case asm.LdXClass:
		return after&^setOf(in.Dst) | setOf(in.Src)
	case asm.StClass:
		return after | setOf(in.Dst)
	case asm.StXClass:
		return after | setOf(in.Dst, in.Src, asm.R0)
	}
	switch in.OpCode.JumpOp() {
	case asm.Call:
		return after&^callerRegisters | argumentsOf(in)
	case asm.Exit:
		return setOf(asm.R0)
	case asm.Ja:
		return after
	}
	return after | setOf(in.Dst) | sourceOf(in)
}

// helperArguments are the numbers of arguments of frequently called helpers, as declared in
// include/uapi/linux/bpf.h.
var helperArguments = map[asm.BuiltinFunc]int{
	asm.FnMapLookupElem: 2, asm.FnMapUpdateElem: 4, asm.FnMapDeleteElem: 2,
	asm.FnProbeRead: 3, asm.FnProbeReadKernel: 3,
	asm.FnRingbufReserve: 3, asm.FnRingbufSubmit: 2, asm.FnRingbufDiscard: 2, asm.FnRingbufQuery: 2,
}

// argumentsOf returns the registers that a call reads: all argument registers if the number of arguments is
// unknown.
func argumentsOf(in *asm.Instruction) registerSet {
	n, known := helperArguments[asm.BuiltinFunc(in.Constant)]
	if !known || !in.IsBuiltinCall() {
		return argumentRegisters
	}
	return argumentRegisters & (1<<(n+1) - 1)
}

func sourceOf(in *asm.Instruction) registerSet {
	if in.OpCode.Source() == asm.RegSource {
		return setOf(in.Src)
	}
	return 0
}
