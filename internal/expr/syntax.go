// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/cilium/ebpf/btf"

// expression is a node of the syntax tree, which has no types yet. place returns its byte
// offset in the text, for errors.
type expression interface{ place() int }

type at int

func (a at) place() int { return int(a) }

type (
	// name is a root such as skb, a constant of an enum, true, false or NULL.
	name struct {
		at
		text string
	}
	// constant is a number or a character.
	constant struct {
		at
		value uint64
		kind  kind
	}
	// literal is a string constant.
	literal struct {
		at
		text string
	}
	// member is x->name or x.name.
	member struct {
		at
		of   expression
		name string
	}
	// element is x[index].
	element struct {
		at
		of, index expression
	}
	// prefixed is an operator before its operand: * & ! ~ - +
	prefixed struct {
		at
		sign string
		of   expression
	}
	// infix is an operator between its operands.
	infix struct {
		at
		sign        string
		left, right expression
	}
	// cast is (type)x.
	cast struct {
		at
		to btf.Type
		of expression
	}
	// call is function(x).
	call struct {
		at
		function string
		argument expression
	}
	// sizeOf is sizeof x, or sizeof(type) if of is nil.
	sizeOf struct {
		at
		of expression
		to btf.Type
	}
)
