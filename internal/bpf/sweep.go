// SPDX-License-Identifier: Apache-2.0

package bpf

import "github.com/cilium/ebpf/asm"

// registerSet has a bit for each.
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

// sweep leaves out what makes values that nobody looks at.
func (f *folding) sweep() {
	looked := f.looked()
	for i := range f.code {
		if in := &f.code[i]; !f.dropped[i] && isPure(in) && looked[i]&setOf(in.Dst) == 0 {
			f.dropped[i] = true
		}
	}
}

// isPure says that an instruction does nothing but make a value.
func isPure(in *asm.Instruction) bool { return isALU(in) || in.OpCode.Class() == asm.LdClass }

// looked is which registers are looked at behind each instruction.
func (f *folding) looked() []registerSet {
	behind := make([]registerSet, len(f.code))
	for changed := true; changed; {
		changed = false
		for i := len(f.code) - 1; i >= 0; i-- {
			if !f.reached[i] {
				continue
			}
			var set registerSet
			for _, next := range f.following(i) {
				set |= lookedBefore(&f.code[next], behind[next])
			}
			if set != behind[i] {
				behind[i], changed = set, true
			}
		}
	}
	return behind
}

// following are the instructions behind one, after the rewriting.
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

// lookedBefore is which registers are looked at in front of an instruction.
func lookedBefore(in *asm.Instruction, behind registerSet) registerSet {
	switch in.OpCode.Class() {
	case asm.ALUClass, asm.ALU64Class:
		if behind&setOf(in.Dst) == 0 {
			return behind // it will be left out
		}
		before := behind &^ setOf(in.Dst)
		if in.OpCode.ALUOp() != asm.Mov {
			before |= setOf(in.Dst)
		}
		return before | sourceOf(in)
	case asm.LdClass:
		return behind &^ setOf(in.Dst)
	case asm.LdXClass:
		return behind&^setOf(in.Dst) | setOf(in.Src)
	case asm.StClass:
		return behind | setOf(in.Dst)
	case asm.StXClass:
		return behind | setOf(in.Dst, in.Src, asm.R0)
	}
	switch in.OpCode.JumpOp() {
	case asm.Call:
		return behind&^callerRegisters | argumentsOf(in)
	case asm.Exit:
		return setOf(asm.R0)
	case asm.Ja:
		return behind
	}
	return behind | setOf(in.Dst) | sourceOf(in)
}

// helperArguments are the numbers of arguments of helpers that programs often call, as
// include/uapi/linux/bpf.h declares them.
var helperArguments = map[asm.BuiltinFunc]int{
	asm.FnMapLookupElem: 2, asm.FnMapUpdateElem: 4, asm.FnMapDeleteElem: 2,
	asm.FnProbeRead: 3, asm.FnProbeReadKernel: 3,
	asm.FnRingbufReserve: 3, asm.FnRingbufSubmit: 2, asm.FnRingbufDiscard: 2, asm.FnRingbufQuery: 2,
}

// argumentsOf is which registers a call looks at: all that may be arguments, where the number of
// arguments isn't known.
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
