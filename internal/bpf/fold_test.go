// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tracer/internal/ktest"
)

// settingsMap is the name by which programs refer to the settings.
const settingsMap = ".rodata"

// TestSettingsAreNotRead checks that the programs of a usual run load no settings at run time.
func TestSettingsAreNotRead(t *testing.T) {
	spec, _, err := ReadObject().Collection(Spec{
		Programs: []Program{OnFunctions(1), {Name: "tp", Template: TracepointTemplate, Tracepoint: &TracepointParams{}}},
		Config:   Config{Filter: true, Meta: true, Tuple: true}, Bodies: Bodies{Filter: fixedFilter()},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range spec.Programs {
		if len(program.Instructions) == 0 {
			t.Errorf("%s is empty", name)
		}
		for i := range program.Instructions {
			if in := &program.Instructions[i]; in.Reference() == settingsMap {
				t.Errorf("%s, instruction %d: %v", name, i, in)
			}
		}
	}
}

// codeGenerator generates random functions that calculate with settings and with values known only at run time.
type codeGenerator struct {
	*rand.Rand
	code     asm.Instructions
	settings settings
	// begins are the indices of the first instructions of steps, which are the possible targets of jumps.
	// jumps are the indices of jumps without a target.
	begins, jumps []int
}

// register returns a random register for numbers. R9 is for addresses of settings.
func (g *codeGenerator) register() asm.Register { return asm.Register(g.IntN(9)) }

func (g *codeGenerator) add(code ...asm.Instruction) { g.code = append(g.code, code...) }

func (g *codeGenerator) number() int32 {
	return []int32{0, 1, -1, 255, 1 << 30, int32(g.Uint32())}[g.IntN(6)]
}

// function reads the sk_buff's mark and priority, mixes them in random steps, and returns a hash of all
// registers.
func (g *codeGenerator) function(steps int) asm.Instructions {
	const mark, priority = 8, 32 // of struct __sk_buff
	g.add(asm.LoadMem(asm.R6, asm.R1, mark, asm.Word), asm.LoadMem(asm.R7, asm.R1, priority, asm.Word))
	g.add(asm.StoreMem(asm.R10, -8, asm.R6, asm.DWord))
	for _, r := range []asm.Register{asm.R0, asm.R1, asm.R2, asm.R3, asm.R4, asm.R5, asm.R8, asm.R9} {
		g.add(asm.Mov.Imm(r, g.number()))
	}
	for range steps {
		g.begins = append(g.begins, len(g.code))
		g.step()
	}
	g.begins = append(g.begins, len(g.code))
	for r := asm.R1; r <= asm.R8; r++ {
		g.add(asm.Xor.Reg(asm.R0, r), asm.Mul.Imm(asm.R0, 31))
	}
	g.add(asm.Mov.Reg(asm.R1, asm.R0), asm.RSh.Imm(asm.R1, 32), asm.Xor.Reg(asm.R0, asm.R1), asm.Return())
	g.aim()
	return g.code
}

func (g *codeGenerator) step() {
	switch dst, src := g.register(), g.register(); g.IntN(8) {
	case 0, 1: // a setting
		size := []asm.Size{asm.Byte, asm.Half, asm.Word, asm.DWord}[g.IntN(4)]
		place, offset := g.IntN(len(g.settings.value)-16), int16(g.IntN(8))
		address := asm.LoadMapValue(asm.R9, 0, g.settings.offset+uint32(place)).WithReference(settingsMap)
		g.add(address, asm.LoadMem(dst, asm.R9, offset, size), asm.Mov.Imm(asm.R9, 0))
	case 2:
		g.add(asm.StoreMem(asm.R10, -8, src, asm.DWord), asm.LoadMem(dst, asm.R10, -8, asm.Word))
	case 3:
		g.add(asm.LoadImm(dst, int64(g.Uint64()), asm.DWord))
	case 4, 5:
		op := []asm.ALUOp{asm.Add, asm.Sub, asm.Or, asm.And, asm.Xor, asm.Mov, asm.Mul}[g.IntN(7)]
		g.add([]asm.Instruction{op.Reg(dst, src), op.Reg32(dst, src), op.Imm(dst, g.number()), op.Imm32(dst, g.number())}[g.IntN(4)])
	case 6:
		op := []asm.ALUOp{asm.LSh, asm.RSh, asm.ArSh}[g.IntN(3)]
		g.add([]asm.Instruction{op.Imm(dst, int32(g.IntN(64))), op.Imm32(dst, int32(g.IntN(32)))}[g.IntN(2)])
	case 7:
		op := []asm.JumpOp{asm.JEq, asm.JNE, asm.JGT, asm.JGE, asm.JLT, asm.JLE, asm.JSGT, asm.JSGE, asm.JSLT, asm.JSLE, asm.JSet}[g.IntN(11)]
		g.jumps = append(g.jumps, len(g.code))
		g.add([]asm.Instruction{op.Reg(dst, src, ""), op.Reg32(dst, src, ""), op.Imm(dst, g.number(), ""), op.Imm32(dst, g.number(), "")}[g.IntN(4)])
	}
}

// aim sets the target of each jump to a later step.
func (g *codeGenerator) aim() {
	offsets, at := make([]int, len(g.code)), 0
	for i := range g.code {
		offsets[i] = at
		at += int(g.code[i].Width())
	}
	for _, jump := range g.jumps {
		var later []int
		for _, begin := range g.begins {
			if begin > jump && len(later) < 6 {
				later = append(later, begin)
			}
		}
		in := &g.code[jump]
		*in = asm.Instruction{OpCode: in.OpCode, Dst: in.Dst, Src: in.Src, Constant: in.Constant}
		in.Offset = int16(offsets[later[g.IntN(len(later))]] - offsets[jump] - 1)
	}
}

// TestFoldedFunctionsReturnTheSame runs random functions in the kernel, unchanged and folded.
func TestFoldedFunctionsReturnTheSame(t *testing.T) {
	ktest.Root(t)
	value := make([]byte, 96)
	r := rand.New(rand.NewPCG(3, 4))
	for i := 16; i < 80; i++ { // the rest of the map is not part of the settings
		value[i] = byte(r.IntN(3)) * byte(r.Uint32())
	}
	known := settings{settingsMap, 16, value[16:80]}
	constants := frozen(t, value)
	shorter, before := 0, 0
	for seed := range uint64(400) {
		g := codeGenerator{Rand: rand.New(rand.NewPCG(seed, 1)), settings: known}
		code := g.function(40)
		folded := known.fold(code)
		before, shorter = before+len(code), shorter+len(code)-len(folded)
		a, b := loaded(t, code, constants), loaded(t, folded, constants)
		for range 8 {
			mark, priority := uint32(g.number()), uint32(g.number())
			if want, got := run(t, a, mark, priority), run(t, b, mark, priority); got != want {
				t.Fatalf("seed %d: mark %#x, priority %#x: returns %#x, folded %#x\n%v\nfolded\n%v", seed, mark, priority, want, got, code, folded)
			}
		}
		a.Close()
		b.Close()
	}
	if t.Logf("%d of %d instructions are removed", shorter, before); shorter*4 < before {
		t.Error("that is less than a quarter")
	}
}

// frozen returns a frozen map with one value, like the map of the settings.
func frozen(t *testing.T, value []byte) *ebpf.Map {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: ebpf.Array, KeySize: 4, ValueSize: uint32(len(value)), MaxEntries: 1, Flags: 0x80, // BPF_F_RDONLY_PROG
		Contents: []ebpf.MapKV{{Key: uint32(0), Value: value}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if err := m.Freeze(); err != nil {
		t.Fatal(err)
	}
	return m
}

func loaded(t *testing.T, code asm.Instructions, constants *ebpf.Map) *ebpf.Program {
	t.Helper()
	code = append(asm.Instructions(nil), code...)
	for i := range code {
		if code[i].Reference() == settingsMap {
			if err := code[i].AssociateMap(constants); err != nil {
				t.Fatal(err)
			}
		}
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, License: "GPL", Instructions: code})
	if err != nil {
		t.Fatalf("%v\n%v", err, code)
	}
	return p
}

func run(t *testing.T, p *ebpf.Program, mark, priority uint32) uint32 {
	t.Helper()
	context := make([]byte, 192) // struct __sk_buff
	binary.NativeEndian.PutUint32(context[8:], mark)
	binary.NativeEndian.PutUint32(context[32:], priority)
	result, err := p.Run(&ebpf.RunOptions{Data: make([]byte, 64), Context: context})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// BenchmarkCollection makes the collection of a usual run.
func BenchmarkCollection(b *testing.B) {
	s := Spec{
		Programs: []Program{OnFunctions(1), OnFunctions(2), OnFunctions(3), {Name: "tp", Template: TracepointTemplate, Tracepoint: &TracepointParams{}}},
		Config:   Config{Filter: true, Meta: true, Tuple: true}, Bodies: Bodies{Filter: fixedFilter()},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ReadObject().Collection(s); err != nil {
			b.Fatal(err)
		}
	}
}
