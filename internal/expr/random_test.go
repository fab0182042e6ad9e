// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Random expressions are compiled, and also computed in Go. Their text has only the parentheses
// that C needs, so that precedence is tested.

// term is a random expression.
type term struct {
	text  string
	binds int // precedence of the outermost operator
	eval  func(w *world) any
}

// leaves are operands. eval returns the type after C's integer promotions.
var leaves = []term{
	{"skb->ub", 12, func(w *world) any { return int32(w.Ub) }},
	{"skb->sb", 12, func(w *world) any { return int32(w.Sb) }},
	{"skb->us", 12, func(w *world) any { return int32(w.Us) }},
	{"skb->ss", 12, func(w *world) any { return int32(w.Ss) }},
	{"skb->ui", 12, func(w *world) any { return w.Ui }},
	{"skb->si", 12, func(w *world) any { return w.Si }},
	{"skb->ul", 12, func(w *world) any { return w.Ul }},
	{"skb->sl", 12, func(w *world) any { return w.Sl }},
	{"skb->b2", 12, func(w *world) any { return int32(w.B2) }},
	{"skb->c2", 12, func(w *world) any { return w.C2 }},
	{"skb->c3", 12, func(w *world) any { return int32(w.C3) }},
	{"skb->e1", 12, func(w *world) any { return w.E1 }},
	{"skb->d2", 12, func(w *world) any { return int32(w.D2) }},
	{"skb->arr[skb->b2 & 3]", 12, func(w *world) any { return w.Arr[w.B2&3] }},
	{"((struct inner *)skb->raw)->x", 12, func(w *world) any { return w.X }},
	{"0", 12, func(*world) any { return int32(0) }},
	{"1", 12, func(*world) any { return int32(1) }},
	{"7u", 12, func(*world) any { return uint32(7) }},
	{"0x80000000", 12, func(*world) any { return uint32(0x80000000) }},
	{"2147483647", 12, func(*world) any { return int32(2147483647) }},
	{"4294967295", 12, func(*world) any { return int64(4294967295) }},
	{"0x123456789abcdef0", 12, func(*world) any { return int64(0x123456789abcdef0) }},
	{"0xfedcba9876543210", 12, func(*world) any { return uint64(0xfedcba9876543210) }},
}

// levels are the binary operators of C by precedence.
var levels = [][]string{
	1: {"||"}, 2: {"&&"}, 3: {"|"}, 4: {"^"}, 5: {"&"}, 6: {"==", "!="}, 7: {"<", "<=", ">", ">="},
	8: {"<<", ">>"}, 9: {"+", "-"}, 10: {"*", "/", "%"},
}

func randomTerm(random *rand.Rand, depth int) term {
	if depth == 0 || random.IntN(8) == 0 {
		return leaves[random.IntN(len(leaves))]
	}
	if random.IntN(4) == 0 {
		return randomUnary(random, randomTerm(random, depth-1))
	}
	left, right := randomTerm(random, depth-1), randomTerm(random, depth-1)
	level := 1 + random.IntN(len(levels)-1)
	sign := levels[level][random.IntN(len(levels[level]))]
	text := bracketed(left, left.binds < level) + " " + sign + " " + bracketed(right, right.binds <= level)
	return term{text, level, func(w *world) any { return combine(sign, left.eval(w), right.eval(w)) }}
}

func bracketed(t term, needed bool) string {
	if needed {
		return "(" + t.text + ")"
	}
	return t.text
}

func randomUnary(random *rand.Rand, of term) term {
	sign := []string{"-", "~", "!", "+", "(s8)", "(u16)", "(int)", "(unsigned)", "(s64)", "(u64)", "(bool)"}[random.IntN(11)]
	inner := bracketed(of, of.binds < 11)
	if strings.HasPrefix(inner, sign) {
		sign += " "
	}
	return term{sign + inner, 11, func(w *world) any { return change(strings.TrimSpace(sign), of.eval(w)) }}
}

// change applies a unary operator or a cast.
func change(sign string, v any) any {
	n := extended(v)
	switch sign {
	case "!":
		return is(n == 0)
	case "(bool)":
		return is(n != 0)
	case "(s8)":
		return int32(int8(n))
	case "(u16)":
		return int32(uint16(n))
	case "(int)":
		return int32(n)
	case "(unsigned)":
		return uint32(n)
	case "(s64)":
		return int64(n)
	case "(u64)":
		return n
	case "-":
		return combine("-", int32(0), v)
	case "~":
		return combine("^", v, int32(-1))
	}
	return v
}

type integerType interface {
	int32 | uint32 | int64 | uint64
}

// combine applies a binary operator.
func combine(sign string, a, b any) any {
	x, y := extended(a), extended(b)
	switch sign {
	case "&&":
		return is(x != 0 && y != 0)
	case "||":
		return is(x != 0 || y != 0)
	case "<<", ">>":
		return shifted(sign, a, y)
	}
	switch common(a, b).(type) {
	case int32:
		return compute(sign, int32(x), int32(y))
	case uint32:
		return compute(sign, uint32(x), uint32(y))
	case int64:
		return compute(sign, int64(x), int64(y))
	}
	return compute(sign, x, y)
}

// common returns the operand whose type is the common type of both in C.
func common(a, b any) any {
	rank := func(v any) int {
		switch v.(type) {
		case int32:
			return 0
		case uint32:
			return 1
		case int64:
			return 2
		}
		return 3
	}
	if rank(a) > rank(b) {
		return a
	}
	return b
}

func shifted(sign string, a any, count uint64) any {
	switch a := a.(type) {
	case int32:
		return shiftedBy(sign, a, count&31)
	case uint32:
		return shiftedBy(sign, a, count&31)
	case int64:
		return shiftedBy(sign, a, count&63)
	}
	return shiftedBy(sign, a.(uint64), count&63)
}

func shiftedBy[T integerType](sign string, a T, count uint64) any {
	if sign == "<<" {
		return a << count
	}
	return a >> count
}

func compute[T integerType](sign string, a, b T) any {
	switch sign {
	case "==":
		return is(a == b)
	case "!=":
		return is(a != b)
	case "<":
		return is(a < b)
	case "<=":
		return is(a <= b)
	case ">":
		return is(a > b)
	case ">=":
		return is(a >= b)
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "&":
		return a & b
	case "|":
		return a | b
	case "^":
		return a ^ b
	}
	return divided(sign, a, b)
}

func divided[T integerType](sign string, a, b T) any {
	switch {
	case sign == "/" && b == 0:
		return T(0)
	case sign == "/":
		return a / b
	case b == 0:
		return a
	}
	return a % b
}

// TestKernelComputesRandomExpressions compares random expressions with the results of Go.
func TestKernelComputesRandomExpressions(t *testing.T) {
	l := newLab(t)
	types := newTypes()
	random := rand.New(rand.NewPCG(3, 4))
	var worlds []*world
	for range 10 {
		worlds = append(worlds, randomWorld(random, l.address))
	}
	for i := range 1000 {
		root := randomTerm(random, 1+i%5)
		s := l.sample(t, types, sample{root.text, root.eval})
		for _, w := range worlds {
			l.show(t, l.address+packetAt, w.bytes())
			l.check(t, s, w)
		}
		s.condition.Close()
		s.value.Close()
		if t.Failed() {
			t.Fatal(fmt.Sprint("expression ", i))
		}
	}
}
