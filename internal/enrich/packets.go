// SPDX-License-Identifier: Apache-2.0

package enrich

import "math/bits"

const (
	packetsFirst = 1 << 10
	// packetsMost bounds the addresses remembered, to 16 MiB of memory.
	packetsMost = 1 << 20
)

// packets counts different addresses. It is an open-addressing table that is
// never more than half full; 0 is no address and marks a free slot.
type packets struct {
	slots []uint64
	count uint64
}

func newPackets() packets { return packets{slots: make([]uint64, packetsFirst)} }

func (p *packets) add(addr uint64) {
	slot := p.slot(addr)
	if addr == 0 || *slot == addr || p.count == packetsMost {
		return
	}
	*slot = addr
	p.count++
	if p.count*2 > uint64(len(p.slots)) {
		p.grow()
	}
}

// slot is where addr is, or where it belongs.
func (p *packets) slot(addr uint64) *uint64 {
	last := uint64(len(p.slots) - 1)
	for i := hash(addr) >> (64 - bits.Len64(last)); ; i = (i + 1) & last {
		if p.slots[i] == addr || p.slots[i] == 0 {
			return &p.slots[i]
		}
	}
}

func (p *packets) grow() {
	old := p.slots
	p.slots = make([]uint64, 2*len(old))
	for _, addr := range old {
		if addr != 0 {
			*p.slot(addr) = addr
		}
	}
}
