// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/cilium/ebpf/asm"

// operations are those of eBPF. Division and >> of signed numbers are others.
var operations = map[string]asm.ALUOp{
	"+": asm.Add, "-": asm.Sub, "*": asm.Mul, "/": asm.Div, "%": asm.Mod,
	"&": asm.And, "|": asm.Or, "^": asm.Xor, "<<": asm.LSh, ">>": asm.RSh,
}

// arithmetic computes with all 64 bits, which gives the right lower ones, and then cuts
// off what a number of 4 bytes has no place for.
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

// grows tells the operators whose result may need more bits than the operands.
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

// shift looks at the lowest bits of the count only, as the machines do. C leaves open
// what comes of others, and the verifier refuses constants that are too large.
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

// divide divides. By zero the result is 0, and the rest is all there was.
func (g *generator) divide(n arithmetic, operation asm.ALUOp) {
	g.both(n.left, n.right)
	if n.kind.signed {
		g.divideSigned(n.sign, operation)
		return
	}
	g.emit(operation.Reg(regResult, regOther))
}

// divideSigned divides without signs, for eBPF knows it only since Linux 6.6, and then
// gives the result its sign: that of the dividend for the rest, or else negative where
// the signs differ. A sign is all ones or zero in a register, and (x ^ sign) - sign
// changes it.
func (g *generator) divideSigned(sign string, operation asm.ALUOp) {
	g.signOf(regResult, asm.R2)
	g.signOf(regOther, asm.R3)
	g.emit(operation.Reg(regResult, regOther))
	if sign == "/" {
		g.emit(asm.Xor.Reg(asm.R2, asm.R3))
	}
	g.changeSign(regResult, asm.R2)
}

// signOf takes the sign of a number away into a register.
func (g *generator) signOf(number, sign asm.Register) {
	g.emit(asm.Mov.Reg(sign, number), asm.ArSh.Imm(sign, 63))
	g.changeSign(number, sign)
}

func (g *generator) changeSign(number, sign asm.Register) {
	g.emit(asm.Xor.Reg(number, sign), asm.Sub.Reg(number, sign))
}
