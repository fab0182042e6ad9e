// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"encoding/binary"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// settings are the constants that programs read from a frozen map: the variable CFG in its section.
type settings struct {
	section string
	offset  uint32
	value   []byte
}

// read returns the number with a size in bytes at an offset in the map. It returns false outside the settings.
func (s settings) read(offset uint64, size int) (uint64, bool) {
	at := offset - uint64(s.offset)
	if offset < uint64(s.offset) || at+uint64(size) > uint64(len(s.value)) {
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

// folder folds functions, and caches the results by name: most functions are in several programs, with the same
// code.
type folder struct {
	settings settings
	done     map[string]asm.Instructions
}

func newFolder(v *ebpf.VariableSpec) *folder {
	return &folder{settings{v.SectionName, v.Offset, v.Value}, map[string]asm.Instructions{}}
}

// fold folds the functions of a program that are still called, except those whose body was replaced.
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

// fold propagates the settings as constants through a function, and removes dead code: branches that are
// never taken, and values that are never used. The kernel's verifier removes such branches, too, but not
// the loads that decide them. A function with an unsupported instruction is returned unchanged.
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

// jumpTargets returns for each jump the index of its target, and -1 for all other instructions. It
// returns false if an instruction is not supported.
func jumpTargets(code asm.Instructions) ([]int, bool) {
	indices, at := make(map[int64]int, len(code)), int64(0)
	offsets := make([]int64, len(code))
	for i := range code {
		indices[at], offsets[i] = i, at
		at += int64(code[i].Width())
	}
	targets := make([]int, len(code))
	for i := range code {
		targets[i] = -1
		if !isSupported(&code[i]) {
			return nil, false
		}
		if !isBranch(&code[i]) {
			continue
		}
		target, ok := indices[offsets[i]+1+int64(code[i].Offset)]
		if !ok || code[i].Reference() != "" {
			return nil, false
		}
		targets[i] = target
	}
	return targets, true
}

func isSupported(in *asm.Instruction) bool {
	switch class := in.OpCode.Class(); {
	case class == asm.LdClass:
		return in.OpCode.IsDWordLoad()
	case class == asm.JumpClass || class == asm.Jump32Class:
		return in.OpCode.JumpOp() != asm.Ja || class == asm.JumpClass
	}
	return true
}

func isJump(in *asm.Instruction) bool { return in.OpCode.Class().IsJump() }

// isBranch reports whether the instruction jumps within the function.
func isBranch(in *asm.Instruction) bool {
	op := in.OpCode.JumpOp()
	return isJump(in) && op != asm.Call && op != asm.Exit
}

func isALU(in *asm.Instruction) bool { return in.OpCode.Class().IsALU() }

func is64(in *asm.Instruction) bool {
	return in.OpCode.Class() == asm.ALU64Class || in.OpCode.Class() == asm.JumpClass
}

// folding is the state of folding one function.
type folding struct {
	settings
	code    asm.Instructions
	targets []int
	// before are the known registers before each instruction that can be reached.
	before  []registers
	reached []bool
	// dropped are the instructions to remove.
	dropped []bool
}

// registers are the known values of all registers.
type registers [11]known

// known is the knowledge about a register: nothing, its value, or the offset in the map of the settings that
// it is the address of.
type known struct {
	kind  knowledge
	value uint64
}

type knowledge uint8

const (
	nothing knowledge = iota
	constant
	address
)

// propagate computes the known registers before all instructions that can be reached.
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

// meet merges the registers of another path into those before an instruction, and reports whether that
// changes them. A register stays known only if it is the same on all paths.
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

// successors returns the instructions that can be next. For a branch with known operands, that is only one.
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

// step updates the known registers by an instruction.
func (f *folding) step(r *registers, in *asm.Instruction) {
	switch in.OpCode.Class() {
	case asm.ALUClass, asm.ALU64Class:
		r[in.Dst] = result(in, r)
	case asm.LdClass:
		r[in.Dst] = f.immediate(in)
	case asm.LdXClass:
		r[in.Dst] = f.loaded(in, r[in.Src])
	case asm.StXClass:
		if in.OpCode.Mode() != asm.MemMode { // some atomic operations return the old value
			r[in.Src], r[asm.R0] = known{}, known{}
		}
	case asm.JumpClass:
		if in.OpCode.JumpOp() == asm.Call {
			clear(r[asm.R0 : asm.R5+1])
		}
	}
}

// isRelocated reports whether a CO-RE relocation changes the instruction's constant or offset.
func isRelocated(in *asm.Instruction) bool { return btf.CORERelocationMetadata(in) != nil }

func (f *folding) immediate(in *asm.Instruction) known {
	switch {
	case isRelocated(in):
		return known{}
	case in.Src == asm.PseudoMapValue && in.Reference() == f.section:
		return known{address, uint64(in.Constant) >> 32}
	case in.Src == 0 && in.Reference() == "":
		return known{constant, uint64(in.Constant)}
	}
	return known{}
}

func (f *folding) loaded(in *asm.Instruction, from known) known {
	if from.kind != address || in.OpCode.Mode() != asm.MemMode || isRelocated(in) {
		return known{}
	}
	value, ok := f.read(from.value+uint64(int64(in.Offset)), in.OpCode.Size().Sizeof())
	if !ok {
		return known{}
	}
	return known{constant, value}
}

// operands returns the known operands of an instruction.
func operands(in *asm.Instruction, r *registers) (left, right known) {
	right = known{constant, uint64(in.Constant)}
	if in.OpCode.Source() == asm.RegSource {
		right = r[in.Src]
	}
	if isRelocated(in) {
		right = known{}
	}
	return r[in.Dst], right
}

// result returns what is known of the result of an arithmetic instruction.
func result(in *asm.Instruction, r *registers) known {
	left, right := operands(in, r)
	op := in.OpCode.ALUOp()
	switch {
	case op == asm.Mov && is64(in):
		return right
	case op == asm.Mov && right.kind == constant:
		return known{constant, uint64(uint32(right.value))}
	case op == asm.Add && is64(in) && left.kind == address && right.kind == constant:
		return known{address, left.value + right.value}
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

// decide returns whether a branch is taken. decided is false unless both operands are known.
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

// rewrite replaces instructions with a known result by a load of the constant, and decided branches by
// unconditional jumps.
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

// load returns an instruction of one slot that loads the value, to replace in. It returns in if no such
// instruction can load the value.
func load(in *asm.Instruction, value uint64) asm.Instruction {
	short := asm.Mov.Imm(in.Dst, int32(value))
	switch {
	case value == uint64(int64(int32(value))):
	case value == uint64(uint32(value)):
		short = asm.Mov.Imm32(in.Dst, int32(value))
	default:
		return *in
	}
	short.Metadata = in.Metadata // the first instruction has the metadata of the function
	return short
}

// emit returns the remaining instructions. The first one always remains, since it has the metadata of the
// function.
func (f *folding) emit() asm.Instructions {
	f.dropped[0] = false
	for i := len(f.code) - 1; i > 0; i-- { // drop jumps to the next instruction
		if in := &f.code[i]; !f.dropped[i] && isBranch(in) && in.OpCode.JumpOp() == asm.Ja && f.kept(i+1) == f.kept(f.targets[i]) {
			f.dropped[i] = true
		}
	}
	offsets, at := make([]int, len(f.code)+1), 0
	for i := range f.code {
		offsets[i] = at
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
			f.code[i].Offset = int16(offsets[f.targets[i]] - offsets[i] - 1)
		}
		out = append(out, f.code[i])
	}
	return out
}

// kept returns the first remaining instruction from index i on.
func (f *folding) kept(i int) int {
	for i < len(f.code) && f.dropped[i] {
		i++
	}
	return i
}
