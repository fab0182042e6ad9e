// SPDX-License-Identifier: Apache-2.0

// Package value prints the raw bytes of a kernel object by its BTF type, as text
// and as typed JSON. The kernel can print objects itself (bpf_snprintf_btf, 5.10), but
// only as text, truncated to the buffer, and by default with hashed addresses.
//
// Numbers are decoded in the byte order of this machine, except __be16, __be32 and __be64.
package value

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// Format prints objects of one type. New looks up offsets, names and enums once; printing
// does not allocate if dst has enough capacity. A Format is safe for concurrent use.
//
// An object may be truncated to fewer bytes than Size. Then a missing member is null in
// JSON and "..." in text, and an array ends early.
type Format struct {
	value printer
	size  int
	cast  string // type in front of the lines of a struct, union or array
}

// printer prints one kind of value. It gets at least need() bytes and at most the
// size of its type.
type printer interface {
	// need returns the minimum number of bytes for any output.
	need() int
	// zero reports whether the value, or each part of it, is 0.
	zero(raw []byte) bool
	// text appends the value in the form that l selects.
	text(dst, raw []byte, l layout) []byte
	// json appends one complete JSON value.
	json(dst, raw []byte) []byte
}

// New returns the Format of a type that has a size.
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

// NewValue returns the Format for the value of an expression such as skb->dev->ifindex. It is
// a value of type t, or, if isString, the string in an array or at a pointer of type t, which
// ends at the first NUL or the last byte. Bytes after the size of t are ignored, so on
// little-endian machines a number may be extended to 8 bytes.
func NewValue(t btf.Type, isString bool) (*Format, error) {
	if isString {
		return &Format{value: text{}, size: anySize}, nil
	}
	return New(t)
}

// Size returns the size of an object in bytes. It is 0 for a string, whose size varies.
func (f *Format) Size() int {
	if f.size == anySize {
		return 0
	}
	return f.size
}

// AppendText appends the value as one word, without blanks, line breaks and control
// characters. Members that are zero are left out.
func (f *Format) AppendText(dst, raw []byte) []byte {
	return appendText(dst, f.value, f.trim(raw), layout{})
}

// AppendLines appends the value as a designated initialiser of C, with the types of pointers.
// A long value has one line for each member. Members that are zero are left out. Each line begins
// with at least indent blanks; the last one has no line break.
func (f *Format) AppendLines(dst, raw []byte, indent int) []byte {
	l := layout{blanks: true, block: true, indent: indent}
	dst = append(appendBlanks(dst, indent), f.cast...)
	return appendText(dst, f.value, f.trim(raw), l)
}

// AppendJSON appends the value as one JSON value on one line, with all members.
func (f *Format) AppendJSON(dst, raw []byte) []byte {
	return appendJSON(dst, f.value, f.trim(raw))
}

// trim removes the bytes after the end of the object.
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
