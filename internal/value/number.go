// SPDX-License-Identifier: Apache-2.0

package value

import (
	"encoding/binary"
	"strconv"

	"tracer/internal/endian"
)

// number describes where the bits of a number are within its bytes.
type number struct {
	bytes int // at most 9, for 64 bits that begin within a byte
	// shift is the offset of the first of its bits: from the least significant bit of the first
	// byte, or, on big-endian machines, from the most significant one.
	shift, bits uint
	signed      bool
}

func (n number) need() int            { return n.bytes }
func (n number) zero(raw []byte) bool { return n.load(raw) == 0 }

// load returns the number, extended to 64 bits with its sign if it is signed.
func (n number) load(raw []byte) uint64 {
	top := n.topLittle
	if endian.Big {
		top = n.topBig
	}
	unused := 64 - n.bits
	if n.signed {
		return uint64(int64(top(raw)) >> unused)
	}
	return top(raw) >> unused
}

// topLittle returns the number from little-endian bytes, in the most significant bits of the result.
func (n number) topLittle(raw []byte) uint64 {
	v := littleEndian(raw[:min(n.bytes, 8)]) >> n.shift
	if n.bytes > 8 {
		v |= uint64(raw[8]) << (64 - n.shift)
	}
	return v << (64 - n.bits)
}

// topBig is topLittle for big-endian bytes.
func (n number) topBig(raw []byte) uint64 {
	v := bigEndian(raw[:min(n.bytes, 8)]) << (64 - 8*uint(min(n.bytes, 8))) << n.shift
	if n.bytes > 8 {
		v |= uint64(raw[8]) >> (8 - n.shift)
	}
	return v
}

// littleEndian decodes a little-endian number of at most 8 bytes.
func littleEndian(raw []byte) (v uint64) {
	switch len(raw) {
	case 8:
		return binary.LittleEndian.Uint64(raw)
	case 4:
		return uint64(binary.LittleEndian.Uint32(raw))
	}
	for i, b := range raw {
		v |= uint64(b) << (8 * i)
	}
	return v
}

// bigEndian decodes a big-endian number of at most 8 bytes.
func bigEndian(raw []byte) (v uint64) {
	for _, b := range raw {
		v = v<<8 | uint64(b)
	}
	return v
}

// appendDecimal appends a result of load in decimal.
func (n number) appendDecimal(dst []byte, v uint64) []byte {
	if n.signed {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendUint(dst, v, 10)
}

// integer prints a number in decimal.
type integer struct{ number }

// text appends a number that looks like a kernel address in hexadecimal: many integer members
// are addresses with flags in the lowest bits (_nfct, _skb_refdst).
func (i integer) text(dst, raw []byte, _ layout) []byte {
	v := i.load(raw)
	if !i.signed && v>>48 == 0xffff {
		return appendHex(dst, v)
	}
	return i.appendDecimal(dst, v)
}

func (i integer) json(dst, raw []byte) []byte { return i.appendDecimal(dst, i.load(raw)) }

// boolean prints true or false.
type boolean struct{ number }

func (b boolean) text(dst, raw []byte, _ layout) []byte { return b.json(dst, raw) }

func (b boolean) json(dst, raw []byte) []byte { return strconv.AppendBool(dst, !b.zero(raw)) }
