// SPDX-License-Identifier: Apache-2.0

package enrich

import "testing"

func TestPacketsCountsDifferentAddresses(t *testing.T) {
	p := newPackets()
	const different = 100_000
	for range 2 {
		for i := range uint64(different) {
			p.see(0xffff888100000000 + i*256)
			p.see(0)
		}
	}
	if p.count != different {
		t.Errorf("%d packets, want %d", p.count, different)
	}
}

func TestPacketsIsBounded(t *testing.T) {
	p := newPackets()
	for i := range uint64(packetsMost + 5000) {
		p.see(0xffff888100000000 + i*256)
	}
	if p.count != packetsMost || len(p.slots) > 4*packetsMost {
		t.Errorf("%d packets in %d slots, want %d", p.count, len(p.slots), packetsMost)
	}
}

func TestPacketsSurviveGrowthEnded(t *testing.T) {
	p := newPackets()
	const different = 10_000
	for range 2 {
		for i := range uint64(different) {
			addr := 0xffff888100000000 + i*256
			p.see(addr)
			p.see(addr)
			p.end(addr)
		}
	}
	if p.count != 2*different {
		t.Errorf("%d packets, want %d", p.count, 2*different)
	}
}
