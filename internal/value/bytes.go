// SPDX-License-Identifier: Apache-2.0

package value

import (
	"bytes"
	"encoding/hex"
	"unicode/utf8"

	"tracer/internal/printable"
)

// octets is a number of bytes, printed in the order of memory as 0x and two digits
// each: an array of bytes, or what JSON has no number for.
type octets int

func (o octets) need() int { return int(o) }

func (o octets) zero(raw []byte) bool { return isZero(raw[:o]) }

func (o octets) text(dst, raw []byte, _ layout) []byte {
	return hex.AppendEncode(append(dst, "0x"...), raw[:o])
}

func (o octets) json(dst, raw []byte) []byte {
	return append(o.text(append(dst, '"'), raw, layout{}), '"')
}

// chars is an array of char. It is printed as the text that it holds, and as octets
// where it holds anything else.
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

// controlBuffer is how the kernel names room that a layer may use as it likes, as in
// sk_buff. It is declared as an array of char and never holds text.
const controlBuffer = "cb"

// keepOctets has control buffers printed as octets, whatever they look like.
func (s *structure) keepOctets() {
	for i := range s.members {
		if c, ok := s.members[i].value.(chars); ok && s.members[i].name == controlBuffer {
			s.members[i].value = octets(c)
		}
	}
}

// holdsText tells whether everything can be seen. Behind the text's end may be
// what is left of a longer one. Text that looks like octets is printed as octets,
// so that one can be told from the other.
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

// text is a string known as such, of any size.
type text struct{}

const anySize = int(^uint(0) >> 1)

func (text) need() int { return 0 }

func (text) zero(raw []byte) bool { return len(untilNUL(raw)) == 0 }

// text appends "" for what is empty, so that a cell is never without a word.
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
