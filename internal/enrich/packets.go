// SPDX-License-Identifier: Apache-2.0

package enrich

import "math/bits"

const (
	packetsFirst = 1 << 10
	// packetsMost bounds the addresses remembered, to 16 MiB of memory.
	packetsMost = 1 << 20
)

// packets counts sk_buffs: different addresses, and one address anew when the
// sk_buff there was seen to end. It is an open-addressing table that is never
// more than half full; 0 is no address and marks a free slot.
type packets struct {
	slots []uint64
	used  uint64
	count uint64
}

// ended marks the address of an sk_buff that is gone; addresses are even.
const ended = 1

func newPackets() packets { return packets{slots: make([]uint64, packetsFirst)} }

// see counts the sk_buff at addr unless it is known already.
func (p *packets) see(addr uint64) {
	slot := p.slot(addr)
	if addr == 0 || *slot == addr || *slot == 0 && p.used == packetsMost {
		return
	}
	fresh := *slot == 0
	*slot = addr
	p.count++
	if fresh {
		p.use()
	}
}

// end says that the next sk_buff at addr is another one.
func (p *packets) end(addr uint64) {
	if slot := p.slot(addr); *slot != 0 {
		*slot |= ended
	}
}

func (p *packets) use() {
	p.used++
	if p.used*2 > uint64(len(p.slots)) {
		p.grow()
	}
}

// slot is where addr is, or where it belongs.
func (p *packets) slot(addr uint64) *uint64 {
	last := uint64(len(p.slots) - 1)
	for i := hash(addr) >> (64 - bits.Len64(last)); ; i = (i + 1) & last {
		if p.slots[i]&^ended == addr || p.slots[i] == 0 {
			return &p.slots[i]
		}
	}
}

func (p *packets) grow() {
	old := p.slots
	p.slots = make([]uint64, 2*len(old))
	for _, addr := range old {
		if addr != 0 {
			*p.slot(addr &^ ended) = addr
		}
	}
}
