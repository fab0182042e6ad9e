// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/cilium/ebpf/asm"

// decide computes the truth value of a node into R0: 1 or 0.
func (g *generator) decide(n node) {
	no, done := g.label(), g.label()
	g.branch(n, no, false)
	g.emit(asm.Mov.Imm(regResult, 1))
	g.jumpTo(always(), done)
	g.put(no)
	g.emit(asm.Mov.Imm(regResult, 0))
	g.put(done)
}

// branch jumps if the truth value of a node equals wanted. The jump is conditional even if the value
// is a constant, since the verifier rejects unreachable instructions.
func (g *generator) branch(n node, to label, wanted bool) {
	switch n := n.(type) {
	case junction:
		g.branchJunction(n, to, wanted)
	case negation:
		g.branch(n.of, to, !wanted)
	case comparison:
		g.branchComparison(n, to, wanted)
	case equality:
		g.branchEquality(n, to, wanted)
	default:
		g.evaluate(n)
		g.jumpTo(whenConstant(zeroTest(wanted), regResult, 0), to)
	}
}

func zeroTest(wanted bool) asm.JumpOp {
	if wanted {
		return asm.JNE
	}
	return asm.JEq
}

// branchJunction evaluates the right operand only if the left one does not decide: a left
// operand of && decides if it is false, one of || if it is true.
func (g *generator) branchJunction(n junction, to label, wanted bool) {
	deciding := !n.and
	if wanted == deciding {
		g.branch(n.left, to, wanted)
		g.branch(n.right, to, wanted)
		return
	}
	over := g.label()
	g.branch(n.left, over, deciding)
	g.branch(n.right, to, wanted)
	g.put(over)
}

func (g *generator) branchEquality(n equality, to label, wanted bool) {
	if !wanted {
		g.unequal(n, to)
		return
	}
	over := g.label()
	g.unequal(n, over)
	g.jumpTo(always(), to)
	g.put(over)
}

// tests has the jumps for unsigned and for signed numbers.
var tests = map[string][2]asm.JumpOp{
	"==": {asm.JEq, asm.JEq}, "!=": {asm.JNE, asm.JNE},
	"<": {asm.JLT, asm.JSLT}, "<=": {asm.JLE, asm.JSLE},
	">": {asm.JGT, asm.JSGT}, ">=": {asm.JGE, asm.JSGE},
}

var opposite = map[string]string{"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}

func (g *generator) branchComparison(n comparison, to label, wanted bool) {
	sign := n.sign
	if !wanted {
		sign = opposite[sign]
	}
	test := tests[sign][0]
	if n.signed {
		test = tests[sign][1]
	}
	if constant, ok := constantOf(n.right); ok {
		g.evaluate(n.left)
		g.jumpTo(whenConstant(test, regResult, constant), to)
		return
	}
	g.both(n.left, n.right)
	g.jumpTo(when(test, regResult, regOther), to)
}
