// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"

	"github.com/cilium/ebpf/btf"
)

// infix checks a binary operator.
func (c *checker) infix(e *infix) operand {
	switch e.sign {
	case "&&", "||":
		code := junction{e.sign == "&&", c.truth(e.left), c.truth(e.right)}
		return operand{at: e.place(), typ: intType, code: code}
	case "==", "!=", "<", "<=", ">", ">=":
		return operand{at: e.place(), typ: intType, code: c.comparison(e)}
	case "+", "-":
		return c.additive(e)
	case "<<", ">>":
		return c.shift(e)
	}
	return c.arithmetic(e, c.operand(e.left).integer(e.sign), c.operand(e.right).integer(e.sign))
}

// arithmetic computes in the common kind of both operands.
func (c *checker) arithmetic(e *infix, left, right operand) operand {
	c.noteByteOrder(left, right)
	k := usual(left.promoted(), right.promoted())
	code := arithmetic{e.sign, convert(left.code, left.held(), k), convert(right.code, right.held(), k), k}
	return operand{at: e.place(), typ: k.typeOf(), code: code}
}

// shift computes in the promoted kind of the left operand.
func (c *checker) shift(e *infix) operand {
	left, right := c.operand(e.left).integer(e.sign), c.operand(e.right).integer(e.sign)
	k := left.promoted()
	code := arithmetic{e.sign, convert(left.code, left.held(), k), right.code, k}
	return operand{at: e.place(), typ: k.typeOf(), code: code}
}

// additive checks + and -, of numbers or pointers.
func (c *checker) additive(e *infix) operand {
	left, right := c.operand(e.left).loaded(), c.operand(e.right).loaded()
	leftTarget, leftPoints := left.target()
	rightTarget, rightPoints := right.target()
	switch {
	case leftPoints && rightPoints && e.sign == "-":
		return c.difference(e, left, right, leftTarget)
	case leftPoints && rightPoints:
		fail(e.place(), "two pointers can't be added: cast one to a number, as in (u64)x")
	case leftPoints:
		return c.offset(e, left, right, leftTarget)
	case rightPoints && e.sign == "+":
		return c.offset(e, right, left, rightTarget)
	}
	return c.arithmetic(e, left.integer(e.sign), right.integer(e.sign))
}

// offset checks the addition or subtraction of a number of elements to or from a pointer.
func (c *checker) offset(e *infix, pointer, count operand, target btf.Type) operand {
	count = count.integer(e.sign)
	by := count.code
	if e.sign == "-" {
		by = calculate("-", number(0), by, kind{8, true})
	}
	code := step(pointer.code, by, c.stride(target, e.place()))
	return operand{at: e.place(), typ: pointer.typ, code: code}
}

// difference checks the subtraction of two pointers, which gives a number of elements.
func (c *checker) difference(e *infix, left, right operand, target btf.Type) operand {
	size := c.stride(target, e.place())
	if size == 0 {
		fail(e.place(), "%s has no size", typeName(target))
	}
	k := kind{8, true}
	var code node = arithmetic{"-", left.code, right.code, k}
	if size != 1 {
		code = arithmetic{"/", code, number(size), k}
	}
	return operand{at: e.place(), typ: longType, code: code}
}

// comparison compares in the common kind of both operands. Pointers are compared as
// unsigned numbers.
func (c *checker) comparison(e *infix) node {
	if text, ok := e.right.(*literal); ok {
		return c.textComparison(e, e.left, text)
	}
	if text, ok := e.left.(*literal); ok {
		return c.textComparison(e, e.right, text)
	}
	left, right := c.operand(e.left), c.operand(e.right)
	rejectArray(e, left, right)
	rejectArray(e, right, left)
	left, right = left.loaded(), right.loaded()
	c.noteByteOrder(left, right)
	k := usual(left.promoted(), right.promoted())
	return comparison{e.sign, convert(left.code, left.held(), k), convert(right.code, right.held(), k), k.signed}
}

// rejectArray rejects the comparison of the address of an array with a number.
func rejectArray(e *infix, array, other operand) {
	if _, isPointer := other.loaded().target(); array.isArray() && !isPointer {
		fail(e.place(), "%s can't be compared with a number: name an element, or compare with a string in double quotes", typeName(array.typ))
	}
}

// maxLiteral is the maximum length in bytes of a string constant in a comparison. With
// two more bytes, which unequalString reads, it fits into 64 bytes of stack.
const maxLiteral = 62

// textComparison compares a string in kernel memory with a string constant.
func (c *checker) textComparison(e *infix, of expression, text *literal) node {
	if e.sign != "==" && e.sign != "!=" {
		fail(e.place(), "a string can only be compared with == or !=")
	}
	checkText(text)
	equal := c.equality(e, of, text)
	if e.sign == "!=" {
		return negation{equal}
	}
	return equal
}

func checkText(text *literal) {
	switch {
	case len(text.text) > maxLiteral:
		fail(text.place(), "the string is longer than %d bytes", maxLiteral)
	case strings.Contains(text.text, "\x00"):
		fail(text.place(), "the string contains a NUL byte")
	}
}

func (c *checker) equality(e *infix, of expression, text *literal) node {
	if _, ok := of.(*literal); ok {
		fail(e.place(), "two string constants are compared: one side must be a kernel string")
	}
	str := c.operand(of)
	array := -1
	if t, ok := btf.As[*btf.Array](str.typ); ok && str.place && t.Nelems > 0 {
		array = int(t.Nelems)
	}
	value := str.loaded()
	if target, ok := value.target(); !ok || !isChar(target) {
		fail(e.place(), "%s can't be compared with a string: only char arrays and pointers to char can", typeName(str.typ))
	}
	if array >= 0 && len(text.text) > array {
		fail(text.place(), "the string of %d bytes does not fit into %s", len(text.text), typeName(str.typ))
	}
	return equality{value.code, text.text, array}
}
