// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"testing"

	"tracer/internal/event"
)

func TestSinceLast(t *testing.T) {
	s := NewSinceLast()
	for i, step := range []struct{ skb, time, want uint64 }{
		{0xa00, 1000, 0},
		{0xb00, 1100, 0},
		{0xa00, 1250, 250},
		{0xa00, 1200, 0}, // late, from another CPU
		{0xa00, 1300, 50},
		{0xb00, 1300, 200},
	} {
		e := event.Event{Skb: step.skb, Time: step.time}
		if s.Name(&e); e.Names.SinceLast != step.want {
			t.Errorf("step %d: %d ns since the last event of %#x, want %d", i, e.Names.SinceLast, step.skb, step.want)
		}
	}
}

func TestFullSetReplacesTheOldest(t *testing.T) {
	s := NewSinceLast()
	s.sets = s.sets[:1]
	same := sameSet(recentWays + 1)
	for i, skb := range same {
		s.since(skb, uint64(1000+i))
	}
	if got := s.since(same[recentWays], 5000); got != 5000-1000-recentWays {
		t.Errorf("the newest was seen %d ns ago, want %d", got, 5000-1000-recentWays)
	}
	if got := s.since(same[0], 5001); got != 0 {
		t.Errorf("the oldest was seen %d ns ago, want it replaced", got)
	}
}

// sameSet returns n addresses that belong to the first set.
func sameSet(n int) []uint64 {
	var found []uint64
	for skb := uint64(0x100); len(found) < n; skb += 0x100 {
		if hash(skb)>>(64-recentBits) == 0 {
			found = append(found, skb)
		}
	}
	return found
}

// TestSlabAddressesAreSpread checks that consecutive addresses of a slab hardly collide.
func TestSlabAddressesAreSpread(t *testing.T) {
	s := NewSinceLast()
	const slab, count = 0xffff888100000000, 4096
	for i := range uint64(count) {
		s.since(slab+i*256, i+1)
	}
	forgotten := 0
	for i := range uint64(count) {
		if s.since(slab+i*256, count+1+i) == 0 {
			forgotten++
		}
	}
	if forgotten > count/100 {
		t.Errorf("%d of %d addresses were replaced, want at most 1 %%", forgotten, count)
	}
}
