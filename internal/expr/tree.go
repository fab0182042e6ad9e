// SPDX-License-Identifier: Apache-2.0

package expr

import "math"

// node computes one number. In a register, a number is always extended to 64 bits with its
// sign or zeros, so 64-bit comparisons and divisions are correct.
type node interface{}

type (
	// number is a constant.
	number uint64
	// root is the value of a root: the body's first argument, or, if listed, the element at
	// index of the array that this argument points to.
	root struct {
		index  int
		listed bool
	}
	// moved is an address plus a constant number of bytes.
	moved struct {
		from node
		by   int32
	}
	// read is a number in kernel memory.
	read struct {
		from node
		kind kind
	}
	// bitRead is a bitfield of width bits in kernel memory, which begins at bit lowest from an address.
	bitRead struct {
		from          node
		lowest, width int
		signed        bool
	}
	// conversion converts a number to a kind.
	conversion struct {
		of node
		to kind
	}
	// arithmetic is one of + - * / % << >> & | ^ in a kind of 4 or 8 bytes.
	arithmetic struct {
		sign        string
		left, right node
		kind        kind
	}
	// comparison is one of == != < <= > >=; its value is 1 or 0.
	comparison struct {
		sign        string
		left, right node
		signed      bool
	}
	// junction is && or ||; its value is 1 or 0. right is evaluated only if left does not
	// decide.
	junction struct {
		and         bool
		left, right node
	}
	// negation is !; its value is 1 or 0.
	negation struct{ of node }
	// swapped converts the lower 2, 4 or 8 bytes between network and host byte order, and clears the
	// others.
	swapped struct {
		of   node
		size int
	}
	// equality compares a string in kernel memory with a constant; its value is 1 or 0.
	equality struct {
		from node
		text string
		// array is the size of the array that contains the string, which then may have no
		// NUL; -1 if the string is not in an array of known size.
		array int
	}
)

// convert converts a number to another kind. It adds no node if the register does not change.
func convert(n node, from, to kind) node {
	if to.holds(from) {
		return n
	}
	if known, ok := n.(number); ok {
		return number(to.wrap(uint64(known)))
	}
	return conversion{n, to}
}

// advance adds a constant number of bytes to an address.
func advance(n node, by int64) node {
	if before, ok := n.(moved); ok {
		n, by = before.from, by+int64(before.by)
	}
	if known, ok := n.(number); ok {
		return number(uint64(known) + uint64(by))
	}
	switch {
	case by == 0:
		return n
	case by < math.MinInt32 || by > math.MaxInt32:
		return arithmetic{"+", n, number(by), kind{8, false}}
	}
	return moved{n, int32(by)}
}

// step adds count elements of a size in bytes to an address.
func step(from, count node, size int64) node {
	if known, ok := count.(number); ok {
		return advance(from, int64(known)*size)
	}
	if size != 1 {
		count = arithmetic{"*", count, number(size), kind{8, true}}
	}
	return arithmetic{"+", from, count, kind{8, false}}
}

// isSimple reports whether one instruction can load the node into any register.
func isSimple(n node) bool {
	switch n.(type) {
	case number, root:
		return true
	}
	return false
}

// width returns how many intermediate results are saved at the same time to compute a node.
func width(n node) int {
	switch n := n.(type) {
	case moved:
		return width(n.from)
	case read:
		return width(n.from)
	case bitRead:
		return width(n.from)
	case conversion:
		return width(n.of)
	case negation:
		return width(n.of)
	case swapped:
		return width(n.of)
	case equality:
		return width(n.from)
	case junction:
		return max(width(n.left), width(n.right))
	case arithmetic:
		return widthOfBoth(n.left, n.right)
	case comparison:
		return widthOfBoth(n.left, n.right)
	}
	return 0
}

// widthOfBoth returns the width of two operands: the wider one is computed first, and
// saved while the other is computed.
func widthOfBoth(a, b node) int {
	left, right := width(a), width(b)
	if isSimple(a) || isSimple(b) {
		return max(left, right)
	}
	return max(left, right, min(left, right)+1)
}
