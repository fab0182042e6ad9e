// SPDX-License-Identifier: Apache-2.0

package value

import (
	"encoding/binary"
	"strconv"

	"tracer/internal/endian"
)

// number is where in its bytes a number is.
type number struct {
	bytes int // at most 9, for 64 bits that begin within a byte
	// shift is where its bits begin: counted from the lowest bit of the first byte where
	// that has the lowest bits, else (big-endian) from the highest.
	shift, bits uint
	signed      bool
}

func (n number) need() int            { return n.bytes }
func (n number) zero(raw []byte) bool { return n.load(raw) == 0 }

// load is the number, extended to 64 bits by its sign if it has one.
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

// topLittle is the number in the highest bits of a word, from little-endian bytes.
func (n number) topLittle(raw []byte) uint64 {
	v := littleEndian(raw[:min(n.bytes, 8)]) >> n.shift
	if n.bytes > 8 {
		v |= uint64(raw[8]) << (64 - n.shift)
	}
	return v << (64 - n.bits)
}

// topBig is the same from big-endian bytes.
func (n number) topBig(raw []byte) uint64 {
	v := bigEndian(raw[:min(n.bytes, 8)]) << (64 - 8*uint(min(n.bytes, 8))) << n.shift
	if n.bytes > 8 {
		v |= uint64(raw[8]) >> (8 - n.shift)
	}
	return v
}

// littleEndian is the number that at most 8 bytes are, of which the first has the lowest bits.
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

// bigEndian is the same where the first has the highest bits.
func bigEndian(raw []byte) (v uint64) {
	for _, b := range raw {
		v = v<<8 | uint64(b)
	}
	return v
}

// appendDecimal appends what load returned.
func (n number) appendDecimal(dst []byte, v uint64) []byte {
	if n.signed {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendUint(dst, v, 10)
}

// integer is printed decimal.
type integer struct{ number }

// text shows a number that looks like an address of the kernel as one: many members
// are an address with flags in its last bits (_nfct, _skb_refdst).
func (i integer) text(dst, raw []byte, _ layout) []byte {
	v := i.load(raw)
	if !i.signed && v>>48 == 0xffff {
		return appendHex(dst, v)
	}
	return i.appendDecimal(dst, v)
}

func (i integer) json(dst, raw []byte) []byte { return i.appendDecimal(dst, i.load(raw)) }

// boolean is true or false.
type boolean struct{ number }

func (b boolean) text(dst, raw []byte, _ layout) []byte { return b.json(dst, raw) }

func (b boolean) json(dst, raw []byte) []byte { return strconv.AppendBool(dst, !b.zero(raw)) }
