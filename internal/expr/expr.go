// SPDX-License-Identifier: Apache-2.0

// Package expr compiles C-like expressions to eBPF, with the types of the running kernel.
// The variables of an expression are called roots: the sk_buff, the xdp_buff, or the arguments
// and the result of a function. An expression is compiled to the body of a BPF function, which
// replaces the body of a placeholder function in the BPF programs.
//
// The language is that of C expressions: members by -> and . (interchangeable), array elements
// by [], * & ! ~ - +, casts, sizeof, arithmetic, shifts, comparisons, && and ||, with the
// precedence, integer promotions and signedness of C. Names are the roots, the constants
// of the kernel's enums, NULL, true and false. ntohs(), ntohl() and similar functions
// convert the byte order. A char array or a pointer to char can be compared with a string
// constant: skb->dev->name == "eth0".
//
// All memory is read with bpf_probe_read_kernel. If a read fails, for example because a
// pointer in the path is NULL, the whole condition is false, even if the read is in the
// operand of ! or on the left side of ||. Operands that && and || skip are not read.
// x / 0 is 0 and x % 0 is x. A shift uses the lowest 5 or 6 bits of its count.
package expr

import (
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// Program is a compiled expression.
type Program struct {
	// What is the kind of expression, such as "skb expression". Text is the expression.
	What, Text string

	// Body is a complete function. For a condition it is u32 f(u64 root), which returns
	// non-zero if the condition is true. For a value it is u32 f(u64 root, u8 *to), which
	// writes Size bytes and returns zero if the value could be read. See [Roots] for root.
	// The body runs on Linux 5.8 and later, calls only bpf_probe_read_kernel and
	// bpf_probe_read_kernel_str, uses at most 120 bytes of stack, and has neither
	// symbols nor references.
	Body asm.Instructions

	// Type is the type of a value; nil for a condition.
	Type btf.Type

	// Size is the size of a value in bytes, a multiple of 8. A number is extended to
	// 8 bytes, a string is padded with NULs, and any other value is padded with
	// zeros.
	Size int

	// String is set if the value is a string: a char array, or the target of a pointer to
	// char. It has at most 63 characters.
	String bool

	// Notes are warnings about valid but probably unintended code, such as a comparison of a member
	// in network byte order with a constant in host byte order.
	Notes []string

	value output
}

// Condition compiles an expression as a filter: packets match if it is non-zero.
func Condition(types Types, roots Roots, text string) (program *Program, err error) {
	defer caught(roots, text, &err)
	c := checker{types: finder{types}, roots: roots}
	root := c.truth(parse(c.types, text))
	checkWidth(root)
	body, ok := condition(root)
	if !ok {
		fail(0, "it is too long")
	}
	return &Program{What: roots.what(), Text: text, Body: body, Notes: c.notes}, nil
}

// condition generates a body that returns 1 if the root node is non-zero, and 0 if it is zero or a
// read fails. It returns false if the body is too long for the jumps.
func condition(root node) (asm.Instructions, bool) {
	g := generator{}
	g.failed = g.label()
	g.emit(asm.Mov.Reg(regRoot, asm.R1))
	g.branch(root, g.failed, false)
	g.emit(asm.Mov.Imm(regResult, 1), asm.Return())
	g.put(g.failed)
	g.emit(asm.Mov.Imm(regResult, 0), asm.Return())
	return g.finish()
}

// checkWidth rejects an expression with more intermediate results than registers and stack can hold.
func checkWidth(root node) {
	if width(root) > maxHeld {
		fail(0, "it computes too many values at the same time")
	}
}
