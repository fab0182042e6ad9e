// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"github.com/cilium/ebpf/asm"

	"tracer/internal/endian"
)

// Registers of a body. Those that live across a call are R6 to R9.
const (
	regRoot   = asm.R6 // the root, or the address of the roots
	regOutput = asm.R7 // where values go
	regResult = asm.R0
	regOther  = asm.R1 // the right side of an operator
)

// The stack of a body, from its top.
const (
	stackRead  = -8              // what a read brings
	stackHeld  = stackRead - 8*6 // numbers that are kept
	stackText  = stackHeld - 64  // the beginning of a string
	maxHeld    = len(heldIn) + 6 // numbers that can be kept
	maxString  = 64              // bytes of a string, its NUL included
	readKernel = asm.FnProbeReadKernel
	readString = asm.FnProbeReadKernelStr
)

// heldIn are registers for numbers that are kept; more are kept on the stack.
var heldIn = [...]asm.Register{asm.R8, asm.R9}

// generator makes eBPF of trees.
type generator struct {
	assembler
	failed label // where a read that fails goes
	held   int   // numbers that are kept now
}

// evaluate computes a number into R0.
func (g *generator) evaluate(n node) {
	switch n := n.(type) {
	case number, root, moved:
		g.evaluateTo(n, regResult)
	case read:
		g.read(n)
	case bitRead:
		g.bits(n)
	case conversion:
		g.evaluate(n.of)
		g.wrap(regResult, n.to)
	case arithmetic:
		g.arithmetic(n)
	case swapped:
		g.evaluate(n.of)
		g.emit(asm.HostTo(asm.BE, regResult, endian.Size(n.size)))
	default:
		g.decide(n)
	}
}

// evaluateTo computes a number into any register that calls may change.
func (g *generator) evaluateTo(n node, to asm.Register) {
	switch n := n.(type) {
	case number:
		g.emit(constantTo(to, uint64(n)))
	case root:
		g.emit(n.to(to))
	case moved:
		g.evaluateTo(n.from, to)
		g.emit(asm.Add.Imm(to, n.by))
	default:
		g.evaluate(n)
		if to != regResult {
			g.emit(asm.Mov.Reg(to, regResult))
		}
	}
}

// to puts a root into a register.
func (n root) to(to asm.Register) asm.Instruction {
	if n.listed {
		return asm.LoadMem(to, regRoot, int16(8*n.index), asm.DWord)
	}
	return asm.Mov.Reg(to, regRoot)
}

// constantTo puts a number into a register in the shortest way.
func constantTo(to asm.Register, value uint64) asm.Instruction {
	if fits(value) {
		return asm.Mov.Imm(to, int32(value))
	}
	if value>>32 == 0 {
		return asm.Mov.Imm32(to, int32(value))
	}
	return asm.LoadImm(to, int64(value), asm.DWord)
}

// fits tells a number that an instruction can hold: it has 32 bits, sign and all.
func fits(value uint64) bool { return int64(value) == int64(int32(value)) }

// constantOf is the number that an instruction can hold in place of a register.
func constantOf(n node) (int32, bool) {
	value, ok := n.(number)
	return int32(value), ok && fits(uint64(value))
}

// wrap makes a register hold a number of a kind.
func (g *generator) wrap(reg asm.Register, to kind) {
	switch {
	case to.size == 8:
	case to == kind{4, false}:
		g.emit(asm.Mov.Reg32(reg, reg))
	case to.signed:
		g.extend(reg, 64-8*to.size, asm.ArSh)
	default:
		g.emit(asm.And.Imm(reg, int32(1)<<(8*to.size)-1))
	}
}

// extend drops the bits above, and shifts in the sign or zeros for them.
func (g *generator) extend(reg asm.Register, above int, down asm.ALUOp) {
	g.emit(asm.LSh.Imm(reg, int32(above)), down.Imm(reg, int32(above)))
}

// both computes two numbers into R0 and R1. The one that takes more is computed first
// and kept while the other is.
func (g *generator) both(left, right node) {
	switch {
	case isSimple(right):
		g.evaluate(left)
		g.evaluateTo(right, regOther)
	case isSimple(left):
		g.evaluateTo(right, regOther)
		g.evaluateTo(left, regResult)
	case width(left) >= width(right):
		g.evaluate(left)
		g.keep()
		g.evaluateTo(right, regOther)
		g.fetch(regResult)
	default:
		g.evaluate(right)
		g.keep()
		g.evaluate(left)
		g.fetch(regOther)
	}
}

// keep puts R0 where calls do not change it, fetch takes what was kept last.
func (g *generator) keep() {
	if g.held < len(heldIn) {
		g.emit(asm.Mov.Reg(heldIn[g.held], regResult))
	} else {
		g.emit(asm.StoreMem(asm.R10, g.heldAt(g.held), regResult, asm.DWord))
	}
	g.held++
}

func (g *generator) fetch(to asm.Register) {
	g.held--
	if g.held < len(heldIn) {
		g.emit(asm.Mov.Reg(to, heldIn[g.held]))
	} else {
		g.emit(asm.LoadMem(to, asm.R10, g.heldAt(g.held), asm.DWord))
	}
}

func (g *generator) heldAt(i int) int16 { return int16(stackHeld + 8*(i-len(heldIn))) }
