// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/cilium/ebpf/btf"

// checkRange rejects a constant index that is out of the array's range.
func checkRange(e *element, array operand, index node) {
	t, ok := btf.As[*btf.Array](array.typ)
	if !ok || !array.place || array.flexible || t.Nelems == 0 {
		return
	}
	i, known := knownValue(index)
	if known && (int64(i) < 0 || i >= uint64(t.Nelems)) {
		fail(e.index.place(), "index %d is out of range: %s has the elements 0 to %d", int64(i), typeName(array.typ), t.Nelems-1)
	}
}

// isFlexible reports whether an array may have more elements than declared: it is the last member and has
// a length of 0 or 1, the idiom before C99 introduced flexible array members.
func isFlexible(members []btf.Member, found btf.Member) bool {
	array, ok := btf.As[*btf.Array](found.Type)
	return ok && array.Nelems <= 1 && members[len(members)-1].Name == found.Name
}

// knownValue returns the value of a constant expression.
func knownValue(n node) (value uint64, known bool) {
	switch n := n.(type) {
	case number:
		return uint64(n), true
	case conversion:
		value, known = knownValue(n.of)
		return n.to.wrap(value), known
	case arithmetic:
		left, leftKnown := knownValue(n.left)
		right, rightKnown := knownValue(n.right)
		if leftKnown && rightKnown {
			return folded(n, left, right)
		}
	}
	return 0, false
}

// folded computes + - * of constants; it returns false for other operators, which are rare in an index.
func folded(n arithmetic, left, right uint64) (value uint64, known bool) {
	switch n.sign {
	case "+":
		value = left + right
	case "-":
		value = left - right
	case "*":
		value = left * right
	default:
		return 0, false
	}
	return n.kind.wrap(value), true
}
