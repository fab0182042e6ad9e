// SPDX-License-Identifier: Apache-2.0

package journey

import "math/bits"

const (
	addressesFirst = 1 << 10
	// addressesMost bounds the addresses remembered, to 16 MiB of memory. Further ones are not counted.
	addressesMost = 1 << 20
)

// addressSet counts packets by address. It is an open-addressing table that is never more than half full; 0 is
// not a valid address and marks a free slot.
type addressSet struct {
	slots []uint64
	used  uint64
	count uint64
	// last is the last address that was added, unless a packet has ended since. The next event is often about
	// the same packet.
	last uint64
}

// ended marks the address of a packet that has ended. Addresses are even.
const ended = 1

func newAddressSet() addressSet { return addressSet{slots: make([]uint64, addressesFirst)} }

// add counts the packet at addr unless it was counted and has not ended.
func (a *addressSet) add(addr uint64) {
	if addr != a.last {
		a.addOther(addr)
	}
}

func (a *addressSet) addOther(addr uint64) {
	slot := a.slot(addr)
	if addr == 0 || *slot == 0 && a.used == addressesMost {
		return
	}
	a.last = addr
	if *slot == addr {
		return
	}
	fresh := *slot == 0
	*slot = addr
	a.count++
	if fresh {
		a.use()
	}
}

// end records that the next packet at addr is another one.
func (a *addressSet) end(addr uint64) {
	a.last = 0
	if slot := a.slot(addr); *slot != 0 {
		*slot |= ended
	}
}

func (a *addressSet) use() {
	a.used++
	if a.used*2 > uint64(len(a.slots)) {
		a.grow()
	}
}

// slot returns the slot that has addr, or the free one where it belongs.
func (a *addressSet) slot(addr uint64) *uint64 {
	last := uint64(len(a.slots) - 1)
	for i := hash(addr) >> (64 - bits.Len64(last)); ; i = (i + 1) & last {
		if a.slots[i]&^ended == addr || a.slots[i] == 0 {
			return &a.slots[i]
		}
	}
}

func (a *addressSet) grow() {
	old := a.slots
	a.slots = make([]uint64, 2*len(old))
	for _, addr := range old {
		if addr != 0 {
			*a.slot(addr &^ ended) = addr
		}
	}
}

// hash spreads addresses, whose low bits are equal, over the upper bits (Fibonacci hashing).
func hash(addr uint64) uint64 { return addr * 0x9e3779b97f4a7c15 }
