// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/cilium/ebpf/asm"

// operations maps operators to eBPF operations on unsigned numbers. For signed numbers, see divideSigned
// and shift.
var operations = map[string]asm.ALUOp{
	"+": asm.Add, "-": asm.Sub, "*": asm.Mul, "/": asm.Div, "%": asm.Mod,
	"&": asm.And, "|": asm.Or, "^": asm.Xor, "<<": asm.LSh, ">>": asm.RSh,
}

// arithmetic computes with 64 bits, then truncates the result to its kind. The lower bits of a sum,
// difference, product or left shift do not depend on the upper bits of the operands.
func (g *generator) arithmetic(n arithmetic) {
	operation := operations[n.sign]
	switch n.sign {
	case "<<", ">>":
		g.shift(n, operation)
	case "/", "%":
		g.divide(n, operation)
	default:
		g.combine(n, operation)
	}
	if grows(n.sign) {
		g.wrap(regResult, n.kind)
	}
}

// grows reports whether the result of an operator may need more bits than its operands.
func grows(sign string) bool {
	switch sign {
	case "&", "|", "^", ">>", "%":
		return false
	}
	return true
}

func (g *generator) combine(n arithmetic, operation asm.ALUOp) {
	if constant, ok := constantOf(n.right); ok {
		g.evaluate(n.left)
		g.emit(operation.Imm(regResult, constant))
		return
	}
	g.both(n.left, n.right)
	g.emit(operation.Reg(regResult, regOther))
}

// shift uses only the lowest bits of the count, as CPUs do. Larger counts are undefined in C,
// and the verifier rejects constant counts that are too large.
func (g *generator) shift(n arithmetic, operation asm.ALUOp) {
	if n.sign == ">>" && n.kind.signed {
		operation = asm.ArSh
	}
	mask := int32(8*n.kind.size - 1)
	if count, ok := n.right.(number); ok {
		g.evaluate(n.left)
		g.emit(operation.Imm(regResult, int32(count)&mask))
		return
	}
	g.both(n.left, n.right)
	g.emit(asm.And.Imm(regOther, mask), operation.Reg(regResult, regOther))
}

// divide generates / and %. x / 0 is 0 and x % 0 is x.
func (g *generator) divide(n arithmetic, operation asm.ALUOp) {
	g.both(n.left, n.right)
	if n.kind.signed {
		g.divideSigned(n.sign, operation)
		return
	}
	g.emit(operation.Reg(regResult, regOther))
}

// divideSigned divides the absolute values and then applies the sign, since eBPF has signed division only
// from Linux 6.6 on. A remainder has the sign of the dividend; a quotient is negative if the
// signs differ. A sign is a register with all bits 1 or 0; (x ^ sign) - sign negates x if they are 1.
func (g *generator) divideSigned(sign string, operation asm.ALUOp) {
	g.signOf(regResult, asm.R2)
	g.signOf(regOther, asm.R3)
	g.emit(operation.Reg(regResult, regOther))
	if sign == "/" {
		g.emit(asm.Xor.Reg(asm.R2, asm.R3))
	}
	g.changeSign(regResult, asm.R2)
}

// signOf stores the sign of a number in a register, and replaces the number by its absolute value.
func (g *generator) signOf(number, sign asm.Register) {
	g.emit(asm.Mov.Reg(sign, number), asm.ArSh.Imm(sign, 63))
	g.changeSign(number, sign)
}

func (g *generator) changeSign(number, sign asm.Register) {
	g.emit(asm.Xor.Reg(number, sign), asm.Sub.Reg(number, sign))
}
