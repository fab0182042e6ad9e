// SPDX-License-Identifier: Apache-2.0

// Package expr turns C-like expressions into eBPF, on the types of the running kernel:
// about the sk_buff, or what else their roots are. The body of a function comes out of
// it, for the place where our programs keep one free.
//
// The language is that of C expressions: members by -> and . (each is taken for the
// other), elements, * & ! ~ - +, casts, sizeof, arithmetic, shifts, comparisons, && and
// ||, with the precedence, the promotions and the signs of C. Names are the roots, the
// constants of the kernel's enums, NULL, true and false. ntohs(), ntohl() and their
// like change the order of bytes. A char array or a pointer to char can be compared
// with a text: skb->dev->name == "eth0".
//
// Everything is read with bpf_probe_read_kernel. A read that fails, since a pointer on
// the way is NULL, makes a whole condition false, even behind a ! or before a ||; what
// && and || skip is not read. Dividing by zero gives 0 and leaves all as the rest, and
// a shift looks at the lowest 5 or 6 bits of its count.
package expr

import (
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// Program is a compiled expression.
type Program struct {
	// What is the sort of expression, as in "skb expression".
	What, Text string

	// Body is a complete function: of a condition u32 f(u64 root), non-zero where it is
	// true, and of a value u32 f(u64 root, u8 *to), zero where it was read into Size
	// bytes. root is what the [Roots] say. The body runs on Linux 5.8 and later, calls nothing but
	// bpf_probe_read_kernel and bpf_probe_read_kernel_str, uses at most 120 bytes of
	// stack, and has neither symbols nor references.
	Body asm.Instructions

	// Type is that of a value, nil of a condition.
	Type btf.Type

	// Size is how many bytes a value has, a multiple of 8: a number is extended to
	// 8 bytes, a string is filled up with NULs, and anything else has its own bytes
	// and zeros behind them.
	Size int

	// String tells a value that is a string: a char array, or what a pointer to char
	// points to. There are at most 63 letters of it.
	String bool

	// Notes warn of what is valid but probably not intended, such as a plain number compared with
	// one in network byte order.
	Notes []string

	value output
}

// Condition compiles an expression that tells which packets match.
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

// condition is the body for a number that is not zero where the packet matches.
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

// checkWidth refuses what needs more numbers at the same time than can be kept.
func checkWidth(root node) {
	if width(root) > maxHeld {
		fail(0, "it computes too many values at the same time")
	}
}
