// SPDX-License-Identifier: Apache-2.0

package enrich

import "math/bits"

// table finds values by addresses. It is made once: open addressing in slots of which at most
// half are used, so that mostly the first one looked at is right. Address 0 is none.
type table[V any] struct{ slots []slot[V] }

type slot[V any] struct {
	addr  uint64
	value V
}

// newTable has room for n addresses.
func newTable[V any](n int) table[V] {
	return table[V]{make([]slot[V], 1<<bits.Len(uint(max(1, 2*n-1))))}
}

// set has the value found at the address, in place of one that was there.
func (t *table[V]) set(addr uint64, value V) {
	if addr != 0 {
		*t.slot(addr) = slot[V]{addr, value}
	}
}

// at is the value of an address, or nil.
func (t *table[V]) at(addr uint64) *V {
	if s := t.slot(addr); s.addr == addr && addr != 0 {
		return &s.value
	}
	return nil
}

// slot is where addr is, or where it belongs.
func (t *table[V]) slot(addr uint64) *slot[V] {
	last := uint64(len(t.slots) - 1)
	for i := hash(addr) >> (64 - bits.Len64(last)); ; i = (i + 1) & last {
		if s := &t.slots[i]; s.addr == addr || s.addr == 0 {
			return s
		}
	}
}
