// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"encoding/binary"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// settings are what programs read as constants: a part of a map that never changes.
type settings struct {
	section string
	offset  uint32
	value   []byte
}

// read is the number of that size, in bytes, at a place in the map; false where there are no
// settings.
func (s settings) read(place uint64, size int) (uint64, bool) {
	at := place - uint64(s.offset)
	if place < uint64(s.offset) || at+uint64(size) > uint64(len(s.value)) {
		return 0, false
	}
	switch b := s.value[at : at+uint64(size)]; size {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(binary.NativeEndian.Uint16(b)), true
	case 4:
		return uint64(binary.NativeEndian.Uint32(b)), true
	default:
		return binary.NativeEndian.Uint64(b), true
	}
}

// folder folds the functions of an object, each once: most are part of several programs, and
// the same in all of them.
type folder struct {
	settings settings
	done     map[string]asm.Instructions
}

func newFolder(v *ebpf.VariableSpec) *folder {
	return &folder{settings{v.SectionName, v.Offset, v.Value}, map[string]asm.Instructions{}}
}

// fold folds the functions of a program that have the body of the object, as far as they are
// still called.
func (f *folder) fold(program *parts) {
	seen := map[string]bool{}
	for work := []string{program.order[0]}; len(work) > 0; {
		name := work[len(work)-1]
		work = work[:len(work)-1]
		if seen[name] || !program.has(name) {
			continue
		}
		seen[name] = true
		if !program.replaced[name] {
			program.code[name] = f.folded(name, program.code[name])
		}
		work = append(work, program.calls(name)...)
	}
}

func (f *folder) folded(name string, code asm.Instructions) asm.Instructions {
	if f.done[name] == nil {
		f.done[name] = f.settings.fold(code)
	}
	return f.done[name]
}

// fold has a function work with the settings as constants, and leaves out what that leaves
// without use: branches that are never taken, and numbers that nobody looks at. The kernel's
// verifier leaves out such branches, too, but not the loads that decide them. A function with
// anything that is not understood is returned as it is.
func (s settings) fold(code asm.Instructions) asm.Instructions {
	targets, ok := jumpTargets(code)
	if !ok {
		return code
	}
	f := folding{settings: s, code: slices.Clone(code), targets: targets}
	f.propagate()
	f.rewrite()
	f.sweep()
	return f.emit()
}

// jumpTargets are the instructions that jumps lead to, by index; -1 for all else.
func jumpTargets(code asm.Instructions) ([]int, bool) {
	positions, at := make(map[int64]int, len(code)), int64(0)
	places := make([]int64, len(code))
	for i := range code {
		positions[at], places[i] = i, at
		at += int64(code[i].Width())
	}
	targets := make([]int, len(code))
	for i := range code {
		targets[i] = -1
		if !isUnderstood(&code[i]) {
			return nil, false
		}
		if !isBranch(&code[i]) {
			continue
		}
		target, ok := positions[places[i]+1+int64(code[i].Offset)]
		if !ok || code[i].Reference() != "" {
			return nil, false
		}
		targets[i] = target
	}
	return targets, true
}

func isUnderstood(in *asm.Instruction) bool {
	switch class := in.OpCode.Class(); {
	case class == asm.LdClass:
		return in.OpCode.IsDWordLoad()
	case class == asm.JumpClass || class == asm.Jump32Class:
		return in.OpCode.JumpOp() != asm.Ja || class == asm.JumpClass
	}
	return true
}

func isJump(in *asm.Instruction) bool { return in.OpCode.Class().IsJump() }

// isBranch says that there is another instruction to go on with than the next.
func isBranch(in *asm.Instruction) bool {
	op := in.OpCode.JumpOp()
	return isJump(in) && op != asm.Call && op != asm.Exit
}

func isALU(in *asm.Instruction) bool { return in.OpCode.Class().IsALU() }

func is64(in *asm.Instruction) bool {
	return in.OpCode.Class() == asm.ALU64Class || in.OpCode.Class() == asm.JumpClass
}

// folding is a function on its way.
type folding struct {
	settings
	code    asm.Instructions
	targets []int
	// before is what is known in front of each instruction that can be come to.
	before  []registers
	reached []bool
	// dropped are the instructions that are left out.
	dropped []bool
}

// registers are what is known of each.
type registers [11]known

// known is what is known of a register: nothing, its value, or a place among the settings.
type known struct {
	kind  knowledge
	value uint64
}

type knowledge uint8

const (
	nothing knowledge = iota
	constant
	place
)

// propagate goes through all that can be come to, with what is known there.
func (f *folding) propagate() {
	f.before, f.reached = make([]registers, len(f.code)), make([]bool, len(f.code))
	f.reached[0] = true
	for work := []int{0}; len(work) > 0; {
		i := work[len(work)-1]
		work = work[:len(work)-1]
		after := f.before[i]
		f.step(&after, &f.code[i])
		for _, next := range f.successors(i) {
			if f.meet(next, after) {
				work = append(work, next)
			}
		}
	}
}

// meet notes another way to an instruction, and says whether that changes what is known there.
func (f *folding) meet(i int, r registers) bool {
	if !f.reached[i] {
		f.reached[i], f.before[i] = true, r
		return true
	}
	changed := false
	for n := range r {
		if b := &f.before[i][n]; b.kind != nothing && *b != r[n] {
			*b, changed = known{}, true
		}
	}
	return changed
}

// successors are the instructions that can be next, as far as that is known.
func (f *folding) successors(i int) []int {
	in := &f.code[i]
	switch {
	case !isJump(in) || in.OpCode.JumpOp() == asm.Call:
		return []int{i + 1}
	case in.OpCode.JumpOp() == asm.Exit:
		return nil
	case in.OpCode.JumpOp() == asm.Ja:
		return []int{f.targets[i]}
	}
	taken, decided := decide(in, &f.before[i])
	switch {
	case !decided:
		return []int{i + 1, f.targets[i]}
	case taken:
		return []int{f.targets[i]}
	}
	return []int{i + 1}
}

// step is what an instruction does to what is known.
func (f *folding) step(r *registers, in *asm.Instruction) {
	switch in.OpCode.Class() {
	case asm.ALUClass, asm.ALU64Class:
		r[in.Dst] = result(in, r)
	case asm.LdClass:
		r[in.Dst] = f.immediate(in)
	case asm.LdXClass:
		r[in.Dst] = f.loaded(in, r[in.Src])
	case asm.StXClass:
		if in.OpCode.Mode() != asm.MemMode { // some give back what was there
			r[in.Src], r[asm.R0] = known{}, known{}
		}
	case asm.JumpClass:
		if in.OpCode.JumpOp() == asm.Call {
			clear(r[asm.R0 : asm.R5+1])
		}
	}
}

// isFitted says that the kernel's types decide what the instruction's number is.
func isFitted(in *asm.Instruction) bool { return btf.CORERelocationMetadata(in) != nil }

func (f *folding) immediate(in *asm.Instruction) known {
	switch {
	case isFitted(in):
		return known{}
	case in.Src == asm.PseudoMapValue && in.Reference() == f.section:
		return known{place, uint64(in.Constant) >> 32}
	case in.Src == 0 && in.Reference() == "":
		return known{constant, uint64(in.Constant)}
	}
	return known{}
}

func (f *folding) loaded(in *asm.Instruction, from known) known {
	if from.kind != place || in.OpCode.Mode() != asm.MemMode || isFitted(in) {
		return known{}
	}
	value, ok := f.read(from.value+uint64(int64(in.Offset)), in.OpCode.Size().Sizeof())
	if !ok {
		return known{}
	}
	return known{constant, value}
}

// operands are the two of an instruction.
func operands(in *asm.Instruction, r *registers) (left, right known) {
	right = known{constant, uint64(in.Constant)}
	if in.OpCode.Source() == asm.RegSource {
		right = r[in.Src]
	}
	if isFitted(in) {
		right = known{}
	}
	return r[in.Dst], right
}

// result is what arithmetic comes to.
func result(in *asm.Instruction, r *registers) known {
	left, right := operands(in, r)
	op := in.OpCode.ALUOp()
	switch {
	case op == asm.Mov && is64(in):
		return right
	case op == asm.Mov && right.kind == constant:
		return known{constant, uint64(uint32(right.value))}
	case op == asm.Add && is64(in) && left.kind == place && right.kind == constant:
		return known{place, left.value + right.value}
	case left.kind != constant || right.kind != constant:
		return known{}
	case is64(in):
		return calculate(op, left.value, right.value, 64)
	}
	return calculate(op, uint64(uint32(left.value)), uint64(uint32(right.value)), 32)
}

func calculate(op asm.ALUOp, left, right uint64, bits uint64) known {
	value := left
	switch op {
	case asm.Add:
		value += right
	case asm.Sub:
		value -= right
	case asm.Or:
		value |= right
	case asm.And:
		value &= right
	case asm.Xor:
		value ^= right
	case asm.LSh:
		value <<= right & (bits - 1)
	case asm.RSh:
		value >>= right & (bits - 1)
	default:
		return known{}
	}
	if bits == 32 {
		value = uint64(uint32(value))
	}
	return known{constant, value}
}

// decide says whether a branch is taken, where both its operands are known.
func decide(in *asm.Instruction, r *registers) (taken, decided bool) {
	a, b := operands(in, r)
	if a.kind != constant || b.kind != constant {
		return false, false
	}
	left, right, signedLeft, signedRight := a.value, b.value, int64(a.value), int64(b.value)
	if !is64(in) {
		left, right = uint64(uint32(left)), uint64(uint32(right))
		signedLeft, signedRight = int64(int32(left)), int64(int32(right))
	}
	switch in.OpCode.JumpOp() {
	case asm.JEq:
		return left == right, true
	case asm.JNE:
		return left != right, true
	case asm.JGT:
		return left > right, true
	case asm.JGE:
		return left >= right, true
	case asm.JLT:
		return left < right, true
	case asm.JLE:
		return left <= right, true
	case asm.JSet:
		return left&right != 0, true
	case asm.JSGT:
		return signedLeft > signedRight, true
	case asm.JSGE:
		return signedLeft >= signedRight, true
	case asm.JSLT:
		return signedLeft < signedRight, true
	case asm.JSLE:
		return signedLeft <= signedRight, true
	}
	return false, false
}

// rewrite puts numbers in place of what makes them, and jumps in place of decided branches.
func (f *folding) rewrite() {
	f.dropped = make([]bool, len(f.code))
	for i := range f.code {
		in := &f.code[i]
		switch f.dropped[i] = !f.reached[i]; {
		case f.dropped[i]:
		case isBranch(in):
			if next := f.successors(i); len(next) == 1 {
				f.targets[i], *in = next[0], asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Ja)}.WithSource(in.Source())
			}
		case isALU(in) || in.OpCode.Class() == asm.LdXClass:
			after := f.before[i]
			f.step(&after, in)
			if k := after[in.Dst]; k.kind == constant {
				f.code[i] = load(in, k.value)
			}
		}
	}
}

// load is the shortest instruction for a number, in place of another.
func load(in *asm.Instruction, value uint64) asm.Instruction {
	short := asm.Mov.Imm(in.Dst, int32(value))
	switch {
	case value == uint64(int64(int32(value))):
	case value == uint64(uint32(value)):
		short = asm.Mov.Imm32(in.Dst, int32(value))
	default:
		return *in
	}
	short.Metadata = in.Metadata // of a first instruction that is the function's, too
	return short
}

// emit is what is left. The first instruction stays, since it carries what the function is.
func (f *folding) emit() asm.Instructions {
	f.dropped[0] = false
	for i := len(f.code) - 1; i > 0; i-- { // a jump to what is next anyway
		if in := &f.code[i]; !f.dropped[i] && isBranch(in) && in.OpCode.JumpOp() == asm.Ja && f.kept(i+1) == f.kept(f.targets[i]) {
			f.dropped[i] = true
		}
	}
	places, at := make([]int, len(f.code)+1), 0
	for i := range f.code {
		places[i] = at
		if !f.dropped[i] {
			at += int(f.code[i].Width())
		}
	}
	var out asm.Instructions
	for i := range f.code {
		if f.dropped[i] {
			continue
		}
		if f.targets[i] >= 0 {
			f.code[i].Offset = int16(places[f.targets[i]] - places[i] - 1)
		}
		out = append(out, f.code[i])
	}
	return out
}

// kept is the first instruction from i on that stays.
func (f *folding) kept(i int) int {
	for i < len(f.code) && f.dropped[i] {
		i++
	}
	return i
}
