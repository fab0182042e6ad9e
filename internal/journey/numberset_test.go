// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"math/rand/v2"
	"testing"
)

func TestNumbersAreCountedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		numbers []uint64
		want    uint64
	}{
		"in order":           {[]uint64{1, 1, 2, 1, 3, 2}, 3},
		"out of order":       {[]uint64{5, 3, 5, 4, 3}, 3},
		"a jump":             {[]uint64{1, 10 * numberWindow, 1}, 2},
		"the window's end":   {[]uint64{1, numberWindow, 1}, 2},
		"the slot is reused": {[]uint64{1, numberWindow + 1, numberWindow + 1, 2}, 3},
		"below the window":   {[]uint64{9, numberWindow + 20, 8}, 2},
	} {
		var s numberSet
		for _, n := range c.numbers {
			s.add(n)
		}
		if s.count != c.want {
			t.Errorf("%s: %d numbers, want %d", name, s.count, c.want)
		}
	}
}

// TestNumberSetAgreesWithAMap adds numbers that grow slowly and appear out of order.
func TestNumberSetAgreesWithAMap(t *testing.T) {
	d := rand.New(rand.NewPCG(3, 4))
	var s numberSet
	want := map[uint64]bool{}
	for i := range uint64(3 * numberWindow) {
		n := i + 1 + d.Uint64N(1000)
		s.add(n)
		want[n] = true
	}
	if s.count != uint64(len(want)) {
		t.Errorf("%d numbers, want %d", s.count, len(want))
	}
}
