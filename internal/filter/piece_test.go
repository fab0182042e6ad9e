// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"testing"
)

// TestPieces combines pieces as the program does, in both byte orders.
func TestPieces(t *testing.T) {
	head := make([]byte, HeadSize)
	for i := range head {
		head[i] = byte(i*7 + 1)
	}
	orders := map[bool]binary.ByteOrder{false: binary.LittleEndian, true: binary.BigEndian}
	for big, order := range orders {
		for offset := range 16 {
			for _, size := range []int{1, 2, 4} {
				var got uint64
				for _, p := range pieces(offset, size, big) {
					if (offsetHead+p.offset)%p.size != 0 {
						t.Errorf("%d bytes at %d: a piece of %d at %d", size, offset, p.size, p.offset)
					}
					got = got<<(8*p.size) | number(order, head[p.offset:p.offset+p.size])
				}
				if want := number(order, head[offset:offset+size]); got != want {
					t.Errorf("%v: %d bytes at %d: %#x, want %#x", order, size, offset, got, want)
				}
			}
		}
	}
}

func number(order binary.ByteOrder, b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(order.Uint16(b))
	}
	return uint64(order.Uint32(b))
}
