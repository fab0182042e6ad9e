// SPDX-License-Identifier: Apache-2.0

package expr

import "math"

// node computes one number. In a register it has 64 bits; a number of fewer is
// extended as its sign says, which keeps comparisons and divisions of 64 bits right.
type node interface{}

type (
	// number is known already.
	number uint64
	// root is the value of a root: the body's first argument, or where they are listed
	// the one at an index behind the address that this is.
	root struct {
		index  int
		listed bool
	}
	// moved is an address so many bytes further.
	moved struct {
		from node
		by   int32
	}
	// read is a number in the kernel's memory.
	read struct {
		from node
		kind kind
	}
	// bitRead is a bitfield: width bits from the lowest one, counted from an address.
	bitRead struct {
		from          node
		lowest, width int
		signed        bool
	}
	// conversion makes a number one of a kind.
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
	// comparison is one of == != < <= > >=, and 1 or 0.
	comparison struct {
		sign        string
		left, right node
		signed      bool
	}
	// junction is && or ||, and 1 or 0. Right is looked at only where left does
	// not decide.
	junction struct {
		and         bool
		left, right node
	}
	// negation is !, and 1 or 0.
	negation struct{ of node }
	// swapped has its lower bytes, 2, 4 or 8, in the other order, and none above.
	swapped struct {
		of   node
		size int
	}
	// equality is whether a string in memory is the text, and 1 or 0.
	equality struct {
		from node
		text string
		// array is the size of the array that the string lies in, where its end may be
		// that of the string; -1 where only a NUL ends it.
		array int
	}
)

// convert makes a number of one kind one of another.
func convert(n node, from, to kind) node {
	if to.holds(from) {
		return n
	}
	if known, ok := n.(number); ok {
		return number(to.wrap(uint64(known)))
	}
	return conversion{n, to}
}

// advance is an address so many bytes further.
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

// step is an address so many elements further.
func step(from, count node, size int64) node {
	if known, ok := count.(number); ok {
		return advance(from, int64(known)*size)
	}
	if size != 1 {
		count = arithmetic{"*", count, number(size), kind{8, true}}
	}
	return arithmetic{"+", from, count, kind{8, false}}
}

// isSimple tells what one instruction puts into any register.
func isSimple(n node) bool {
	switch n.(type) {
	case number, root:
		return true
	}
	return false
}

// width is how many numbers are kept at the same time to compute one.
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

// widthOfBoth is the width of two numbers of which the wider is computed first and
// kept while the other is.
func widthOfBoth(a, b node) int {
	left, right := width(a), width(b)
	if isSimple(a) || isSimple(b) {
		return max(left, right)
	}
	return max(left, right, min(left, right)+1)
}
