// SPDX-License-Identifier: Apache-2.0

package journey

import "testing"

func TestAddressesAreCountedOnce(t *testing.T) {
	a := newAddressSet()
	const different = 100_000
	for range 2 {
		for i := range uint64(different) {
			a.add(0xffff888100000000 + i*256)
			a.add(0)
		}
	}
	if a.count != different {
		t.Errorf("%d packets, want %d", a.count, different)
	}
}

func TestAddressesAreBounded(t *testing.T) {
	a := newAddressSet()
	for i := range uint64(addressesMost + 5000) {
		a.add(0xffff888100000000 + i*256)
	}
	if a.count != addressesMost || len(a.slots) > 4*addressesMost {
		t.Errorf("%d packets in %d slots, want %d", a.count, len(a.slots), addressesMost)
	}
}

// TestEndsSurviveGrowth checks that an ended address is counted again after the table has grown.
func TestEndsSurviveGrowth(t *testing.T) {
	a := newAddressSet()
	const different = 10_000
	for range 2 {
		for i := range uint64(different) {
			addr := 0xffff888100000000 + i*256
			a.add(addr)
			a.add(addr)
			a.end(addr)
		}
	}
	if a.count != 2*different {
		t.Errorf("%d packets, want %d", a.count, 2*different)
	}
}
