// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"github.com/cilium/ebpf/asm"

	"tracer/internal/endian"
)

// Registers of a body. R6 to R9 are preserved across calls.
const (
	regRoot   = asm.R6 // the root, or the address of the list of roots
	regOutput = asm.R7 // destination of values
	regResult = asm.R0
	regOther  = asm.R1 // right operand of an operator
)

// The stack of a body, from its top.
const (
	stackRead  = -8              // destination of a read
	stackHeld  = stackRead - 8*6 // saved intermediate results, the first one at the top, since each costs stack
	stackText  = stackHeld - 64  // the beginning of a string
	maxHeld    = len(heldIn) + 6 // maximum number of saved results
	maxString  = 64              // maximum size of a string with its NUL
	readKernel = asm.FnProbeReadKernel
	readString = asm.FnProbeReadKernelStr
)

// heldIn are the registers for saved intermediate results; the others are saved on the stack.
var heldIn = [...]asm.Register{asm.R8, asm.R9}

// generator generates eBPF from trees of nodes.
type generator struct {
	assembler
	failed label // target if a read fails
	held   int   // number of saved results
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

// evaluateTo computes a number into any caller-saved register.
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

// to returns the instruction that loads a root into a register.
func (n root) to(to asm.Register) asm.Instruction {
	if n.listed {
		return asm.LoadMem(to, regRoot, int16(8*n.index), asm.DWord)
	}
	return asm.Mov.Reg(to, regRoot)
}

// constantTo returns the shortest instruction that loads a number into a register.
func constantTo(to asm.Register, value uint64) asm.Instruction {
	if fits(value) {
		return asm.Mov.Imm(to, int32(value))
	}
	if value>>32 == 0 {
		return asm.Mov.Imm32(to, int32(value))
	}
	return asm.LoadImm(to, int64(value), asm.DWord)
}

// fits reports whether a number fits into the immediate operand of an instruction, which is sign-extended
// from 32 bits.
func fits(value uint64) bool { return int64(value) == int64(int32(value)) }

// constantOf returns a constant that fits into the immediate operand of an instruction.
func constantOf(n node) (int32, bool) {
	value, ok := n.(number)
	return int32(value), ok && fits(uint64(value))
}

// wrap converts a register to a kind: it truncates, and extends with the sign or zeros.
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

// extend clears the topmost bits, or replaces them with the sign (ArSh). above is their number.
func (g *generator) extend(reg asm.Register, above int, down asm.ALUOp) {
	g.emit(asm.LSh.Imm(reg, int32(above)), down.Imm(reg, int32(above)))
}

// both computes two numbers into R0 and R1. It computes the one with more intermediate
// results first, and saves it while it computes the other.
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

// keep saves R0 in a callee-saved register or on the stack.
func (g *generator) keep() {
	if g.held < len(heldIn) {
		g.emit(asm.Mov.Reg(heldIn[g.held], regResult))
	} else {
		g.emit(asm.StoreMem(asm.R10, g.heldAt(g.held), regResult, asm.DWord))
	}
	g.held++
}

// fetch restores the result that was saved last.
func (g *generator) fetch(to asm.Register) {
	g.held--
	if g.held < len(heldIn) {
		g.emit(asm.Mov.Reg(to, heldIn[g.held]))
	} else {
		g.emit(asm.LoadMem(to, asm.R10, g.heldAt(g.held), asm.DWord))
	}
}

func (g *generator) heldAt(i int) int16 { return int16(stackRead - 8*(i-len(heldIn)+1)) }
