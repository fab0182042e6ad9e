// SPDX-License-Identifier: Apache-2.0

package enrich

import "math/bits"

// table maps addresses to values. It uses open addressing, in slots of which at most half are used, so that
// the first slot is mostly the right one. Address 0 is not valid.
type table[V any] struct{ slots []slot[V] }

type slot[V any] struct {
	addr  uint64
	value V
}

// newTable returns a table for n addresses.
func newTable[V any](n int) table[V] {
	return table[V]{make([]slot[V], 1<<bits.Len(uint(max(1, 2*n-1))))}
}

// set sets the value of an address.
func (t *table[V]) set(addr uint64, value V) {
	if addr != 0 {
		*t.slot(addr) = slot[V]{addr, value}
	}
}

// at returns the value of an address, or nil.
func (t *table[V]) at(addr uint64) *V {
	if s := t.slot(addr); s.addr == addr && addr != 0 {
		return &s.value
	}
	return nil
}

// slot returns the slot that has addr, or the free one where it belongs.
func (t *table[V]) slot(addr uint64) *slot[V] {
	last := uint64(len(t.slots) - 1)
	for i := hash(addr) >> (64 - bits.Len64(last)); ; i = (i + 1) & last {
		if s := &t.slots[i]; s.addr == addr || s.addr == 0 {
			return s
		}
	}
}

// hash spreads addresses, whose low bits are equal, over the upper bits (Fibonacci hashing).
func hash(addr uint64) uint64 { return addr * 0x9e3779b97f4a7c15 }
