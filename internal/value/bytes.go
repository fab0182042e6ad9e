// SPDX-License-Identifier: Apache-2.0

package value

import (
	"bytes"
	"encoding/hex"
	"unicode/utf8"

	"tracer/internal/printable"
)

// octets prints that many bytes in memory order, as 0x and two digits each. It is for arrays
// of bytes, for floats, and for integers of 16 bytes or other unusual sizes.
type octets int

func (o octets) need() int { return int(o) }

func (o octets) zero(raw []byte) bool { return isZero(raw[:o]) }

func (o octets) text(dst, raw []byte, _ layout) []byte {
	return hex.AppendEncode(append(dst, "0x"...), raw[:o])
}

func (o octets) json(dst, raw []byte) []byte {
	return append(o.text(append(dst, '"'), raw, layout{}), '"')
}

// chars prints an array of that many chars: as text if it contains text, else as octets.
type chars int

func (c chars) need() int { return int(c) }

func (c chars) zero(raw []byte) bool { return isZero(raw[:c]) }

func (c chars) text(dst, raw []byte, l layout) []byte {
	if !holdsText(raw[:c]) {
		return octets(c).text(dst, raw, l)
	}
	return append(appendEscaped(append(dst, '"'), untilNUL(raw[:c]), l), '"')
}

func (c chars) json(dst, raw []byte) []byte {
	if !holdsText(raw[:c]) {
		return octets(c).json(dst, raw)
	}
	return appendJSONString(dst, untilNUL(raw[:c]))
}

// controlBuffer is the kernel's name for members that each layer uses for its own data, as in
// sk_buff. They are declared as arrays of char and never contain text.
const controlBuffer = "cb"

// keepOctets makes control buffers print as octets, even if their bytes look like text.
func (s *structure) keepOctets() {
	for i := range s.members {
		if c, ok := s.members[i].value.(chars); ok && s.members[i].name == controlBuffer {
			s.members[i].value = octets(c)
		}
	}
}

// holdsText reports whether all characters are printable or NUL. The bytes after the first NUL
// may be the remainder of a longer text. It is false for text that begins with 0x, so that text
// and octets can be distinguished in the output.
func holdsText(raw []byte) bool {
	if raw[0] == 0 || bytes.HasPrefix(raw, []byte("0x")) {
		return isZero(raw)
	}
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		if r != 0 && !printable.Visible(r, size) {
			return false
		}
		raw = raw[size:]
	}
	return true
}

// text prints a string of any size, which ends at the first NUL.
type text struct{}

const anySize = int(^uint(0) >> 1)

func (text) need() int { return 0 }

func (text) zero(raw []byte) bool { return len(untilNUL(raw)) == 0 }

// text appends "" for an empty string, so that a column is never empty.
func (t text) text(dst, raw []byte, l layout) []byte {
	if t.zero(raw) {
		return append(dst, '"', '"')
	}
	return appendEscaped(dst, untilNUL(raw), l)
}

func (text) json(dst, raw []byte) []byte { return appendJSONString(dst, untilNUL(raw)) }

func untilNUL(raw []byte) []byte {
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		return raw[:i]
	}
	return raw
}

func isZero(raw []byte) bool {
	for _, b := range raw {
		if b != 0 {
			return false
		}
	}
	return true
}
