// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/net/bpf"
)

// FuzzVerdict compares the verdicts of kernel and libpcap for some expressions on arbitrary frames.
func FuzzVerdict(f *testing.F) {
	l := newLab(f)
	var subjects []*subject
	for _, expr := range []string{
		"host 1.1.1.1", "tcp and port 80", "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420", "vlan and ip6 and udp",
		"geneve and tcp port 80", "ip[0] << ip[1] > ip[2] / ip[3]", "ether[ip[2:2] - ip[8]:2] != 0", "len > ip[2:2] + 14",
	} {
		subjects = append(subjects, newSubject(f, l, expectation{expr: expr}))
	}
	for _, frame := range wholeFrames() {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		frame = frame[:min(len(frame), maxFrame)]
		l.show(t, frame)
		for _, s := range subjects {
			s.compare(t, frame)
		}
	})
}

// FuzzClassic compares kernel and libpcap on random classic programs. Unlike programs compiled by
// libpcap, these have loads, arithmetic and jumps in any order.
func FuzzClassic(f *testing.F) {
	l := newLab(f)
	for seed := range uint64(200) {
		f.Add(seed, uint8(seed))
	}
	frames := wholeFrames()
	f.Fuzz(func(t *testing.T, seed uint64, length uint8) {
		random := rand.New(rand.NewPCG(seed, 0))
		classic := randomProgram(random, 1+int(length))
		body, need, err := translate(classic)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := bpf.Assemble(classic)
		if err != nil {
			t.Fatal(err)
		}
		s := &subject{expectation: expectation{expr: "random program"}, classic: raw, prog: l.load(t, body, need)}
		for range 8 {
			frame := frames[random.IntN(len(frames))]
			l.show(t, frame)
			s.compare(t, frame)
		}
		s.prog.Close()
		if t.Failed() {
			t.Logf("%s", (&Program{Classic: classic, Body: body}).ClassicText()+(&Program{Body: body}).EBPFText())
		}
	})
}

// randomProgram returns n random instructions with forward jumps. Before them, it sets all registers
// and memory words, which libpcap's interpreter does not initialize. The last instruction is a return.
func randomProgram(random *rand.Rand, n int) []bpf.Instruction {
	program := []bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegA}, bpf.LoadConstant{Dst: bpf.RegX, Val: plainHeader}}
	for slot := range memorySlots {
		program = append(program, bpf.StoreScratch{Src: bpf.Register(slot & 1), N: slot})
	}
	for left := n; left > 0; left-- {
		program = append(program, randomInstruction(random, left))
	}
	return append(program, bpf.RetA{})
}

// randomInstruction returns a random instruction; a jump skips at most left-1 instructions.
func randomInstruction(random *rand.Rand, left int) bpf.Instruction {
	register := bpf.Register(random.IntN(2))
	size := 1 << random.IntN(3)
	skip := func() uint8 { return uint8(random.IntN(left)) }
	switch random.IntN(16) {
	case 0, 1:
		return bpf.LoadAbsolute{Off: randomOffset(random), Size: size}
	case 2, 3:
		return bpf.LoadIndirect{Off: randomOffset(random), Size: size}
	case 4:
		return bpf.LoadMemShift{Off: randomOffset(random)}
	case 5:
		return bpf.LoadConstant{Dst: register, Val: randomValue(random)}
	case 6:
		return bpf.LoadScratch{Dst: register, N: random.IntN(memorySlots)}
	case 7:
		return bpf.StoreScratch{Src: register, N: random.IntN(memorySlots)}
	case 8:
		return randomConstant(random)
	case 9:
		return bpf.ALUOpX{Op: randomOp(random)}
	case 10:
		return bpf.JumpIf{Cond: randomTest(random), Val: randomValue(random), SkipTrue: skip(), SkipFalse: skip()}
	case 11:
		return bpf.JumpIfX{Cond: randomTest(random), SkipTrue: skip(), SkipFalse: skip()}
	case 12:
		return bpf.TAX{}
	case 13:
		return bpf.TXA{}
	case 14:
		return bpf.LoadExtension{Num: bpf.ExtLen}
	}
	return randomRare(random, left)
}

// randomConstant returns an operation with a constant. It does not divide by zero or shift by more than
// 31: libpcap's compiler rejects that, and its interpreter crashes or has undefined behaviour.
func randomConstant(random *rand.Rand) bpf.Instruction {
	in := bpf.ALUOpConstant{Op: randomOp(random), Val: randomValue(random)}
	switch in.Op {
	case bpf.ALUOpShiftLeft, bpf.ALUOpShiftRight:
		in.Val %= 32
	case bpf.ALUOpDiv, bpf.ALUOpMod:
		in.Val |= 1
	}
	return in
}

func randomRare(random *rand.Rand, left int) bpf.Instruction {
	switch random.IntN(4) {
	case 0:
		return bpf.RetConstant{Val: uint32(random.IntN(2))}
	case 1:
		return bpf.Jump{Skip: uint32(random.IntN(left))}
	case 2:
		return bpf.RetA{}
	}
	return bpf.NegateA{}
}

func randomOffset(random *rand.Rand) uint32 {
	if random.IntN(8) == 0 {
		return randomValue(random)
	}
	return uint32(random.IntN(160))
}

func randomValue(random *rand.Rand) uint32 {
	switch random.IntN(4) {
	case 0:
		return uint32(random.IntN(40))
	case 1:
		return uint32(random.IntN(1 << 16))
	case 2:
		return -uint32(random.IntN(40))
	}
	return random.Uint32()
}

func randomOp(random *rand.Rand) bpf.ALUOp {
	ops := []bpf.ALUOp{
		bpf.ALUOpAdd, bpf.ALUOpSub, bpf.ALUOpMul, bpf.ALUOpDiv, bpf.ALUOpOr,
		bpf.ALUOpAnd, bpf.ALUOpShiftLeft, bpf.ALUOpShiftRight, bpf.ALUOpMod, bpf.ALUOpXor,
	}
	return ops[random.IntN(len(ops))]
}

func randomTest(random *rand.Rand) bpf.JumpTest {
	tests := []bpf.JumpTest{
		bpf.JumpEqual, bpf.JumpNotEqual, bpf.JumpGreaterThan, bpf.JumpLessThan,
		bpf.JumpGreaterOrEqual, bpf.JumpLessOrEqual, bpf.JumpBitsSet, bpf.JumpBitsNotSet,
	}
	return tests[random.IntN(len(tests))]
}
