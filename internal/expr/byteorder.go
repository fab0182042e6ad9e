// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/endian"
)

// networkOrder maps the kernel's types for numbers in network byte order to the function that
// converts a constant.
var networkOrder = map[string]string{"__be16": "htons", "__be32": "htonl", "__be64": "cpu_to_be64"}

// noteByteOrder adds a note if one operand is in network byte order and the other is a constant in host
// byte order. There is no note for constants that are the same in both orders.
func (c *checker) noteByteOrder(left, right operand) {
	c.noteConstant(left, right)
	c.noteConstant(right, left)
}

func (c *checker) noteConstant(of, constant operand) {
	name := orderedType(of.typ)
	value, isNumber := constant.code.(number)
	if name == "" || !isNumber || endian.Big {
		return
	}
	function := networkOrder[name]
	if swap(uint64(value), functions[function]) == uint64(value) {
		return
	}
	c.notes = append(c.notes, fmt.Sprintf("%s is in network byte order: write %s(%#x) instead of %#[3]x", name, function, uint64(value)))
}

// orderedType returns the name of a type in network byte order, or "" for any other.
func orderedType(t btf.Type) string {
	for {
		switch typed := t.(type) {
		case *btf.Typedef:
			if networkOrder[typed.Name] != "" {
				return typed.Name
			}
			t = typed.Type
		case *btf.Const:
			t = typed.Type
		case *btf.Volatile:
			t = typed.Type
		default:
			return ""
		}
	}
}

// swap reverses the lower size bytes of a number.
func swap(value uint64, size int) (swapped uint64) {
	for range size {
		swapped = swapped<<8 | value&0xff
		value >>= 8
	}
	return swapped
}
