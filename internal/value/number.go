// SPDX-License-Identifier: Apache-2.0

package value

import (
	"encoding/binary"
	"strconv"
)

// number is where in its bytes a number is.
type number struct {
	bytes       int // at most 9, for 64 bits that begin within a byte
	shift, bits uint
	signed      bool
}

func (n number) need() int            { return n.bytes }
func (n number) zero(raw []byte) bool { return n.load(raw) == 0 }

// load is the number, extended to 64 bits by its sign if it has one.
func (n number) load(raw []byte) uint64 {
	v := loadWord(raw, n.bytes) >> n.shift
	if n.bytes > 8 {
		v |= uint64(raw[8]) << (64 - n.shift)
	}
	unused := 64 - n.bits
	if n.signed {
		return uint64(int64(v<<unused) >> unused)
	}
	return v << unused >> unused
}

// loadWord reads the first size bytes, at most 8.
func loadWord(raw []byte, size int) uint64 {
	switch size {
	case 1:
		return uint64(raw[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(raw))
	case 4:
		return uint64(binary.LittleEndian.Uint32(raw))
	case 8, 9:
		return binary.LittleEndian.Uint64(raw)
	}
	var v uint64
	for i := range size {
		v |= uint64(raw[i]) << (8 * i)
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
