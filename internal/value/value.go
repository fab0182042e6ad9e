// SPDX-License-Identifier: Apache-2.0

// Package value prints the raw bytes of a kernel object by its BTF type: as text
// and as typed JSON. The kernel can do this itself (bpf_snprintf_btf, 5.10), but
// only as text; here nothing is cut and addresses can be read.
//
// Bytes are in the order of the machine that it runs on.
package value

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// Format knows how to print the objects of one type. Offsets, names and enums are
// looked up once, in New; to print allocates nothing, as long as dst has room.
// Any number of goroutines may use one Format.
//
// Bytes may be fewer than Size. What they hold is printed; a missing member is null
// in JSON, "..." stands for it in text, and an array ends early.
type Format struct {
	value printer
	size  int
	cast  string // stands before the lines of an object that has parts
}

// printer prints one kind of value. The bytes given to it are at least need()
// and at most its size.
type printer interface {
	// need is the number of bytes without which there is nothing to print.
	need() int
	// zero tells that the value is 0, and each part of it.
	zero(raw []byte) bool
	// text appends the value as l wants it. It has no blanks where l has none.
	text(dst, raw []byte, l layout) []byte
	// json appends one complete JSON value.
	json(dst, raw []byte) []byte
}

// New makes the Format of a type that has a size.
func New(t btf.Type) (*Format, error) {
	size, err := btf.Sizeof(t)
	if err != nil {
		return nil, fmt.Errorf("type %q can't be printed: %w", typeName(t), err)
	}
	value, err := compile(t, 0)
	if err != nil {
		return nil, fmt.Errorf("type %q can't be printed: %w", typeName(t), err)
	}
	return &Format{value: value, size: size, cast: castOf(value, t)}, nil
}

// NewValue makes the Format of what an expression such as skb->dev->ifindex was
// found to be: a value of type t, or, if isString, the text that t holds or points
// to, which ends at the first NUL or with the bytes. A number may be extended to 8
// bytes, as it stands at their begin.
func NewValue(t btf.Type, isString bool) (*Format, error) {
	if isString {
		return &Format{value: text{}, size: anySize}, nil
	}
	return New(t)
}

// Size is the number of bytes that an object has. It is 0 for a string, which has
// as many as are given.
func (f *Format) Size() int {
	if f.size == anySize {
		return 0
	}
	return f.size
}

// AppendText appends the value as one word: it has no blanks, no line breaks, and
// nothing that speaks to a terminal. Members that are zero are left out.
func (f *Format) AppendText(dst, raw []byte) []byte {
	return appendText(dst, f.value, f.trim(raw), layout{})
}

// AppendLines appends the value as lines for a reader of C: a designated
// initialiser with the types of pointers, and a member to a line where it is long.
// Members that are zero are left out. Each line begins with indent blanks; the
// last one has no line break.
func (f *Format) AppendLines(dst, raw []byte, indent int) []byte {
	l := layout{blanks: true, block: true, indent: indent}
	dst = append(appendBlanks(dst, indent), f.cast...)
	return appendText(dst, f.value, f.trim(raw), l)
}

// AppendJSON appends the value as one JSON value on one line. It has every member.
func (f *Format) AppendJSON(dst, raw []byte) []byte {
	return appendJSON(dst, f.value, f.trim(raw))
}

// trim takes away what does not belong to the object.
func (f *Format) trim(raw []byte) []byte { return raw[:min(len(raw), f.size)] }

func appendText(dst []byte, value printer, raw []byte, l layout) []byte {
	if len(raw) < value.need() {
		return append(dst, missing...)
	}
	return value.text(dst, raw, l)
}

func appendJSON(dst []byte, value printer, raw []byte) []byte {
	if len(raw) < value.need() {
		return append(dst, "null"...)
	}
	return value.json(dst, raw)
}

func castOf(value printer, t btf.Type) string {
	switch value.(type) {
	case *structure, *array:
		return "(" + typeName(t) + ")"
	}
	return ""
}
