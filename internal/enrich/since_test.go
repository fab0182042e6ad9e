// SPDX-License-Identifier: Apache-2.0

package enrich

import "testing"

func TestSinceLast(t *testing.T) {
	r := newRecent()
	for i, step := range []struct{ skb, time, want uint64 }{
		{0xa00, 1000, 0},
		{0xb00, 1100, 0},
		{0xa00, 1250, 250},
		{0xa00, 1200, 0}, // of another CPU, late
		{0xa00, 1300, 50},
		{0xb00, 1300, 200},
	} {
		if got := r.since(step.skb, step.time); got != step.want {
			t.Errorf("step %d: %d ns since the last event of %#x, want %d", i, got, step.skb, step.want)
		}
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r := newRecent()
	r.sets = r.sets[:1]
	same := sameSet(recentWays + 1)
	for i, skb := range same {
		r.since(skb, uint64(1000+i))
	}
	if got := r.since(same[recentWays], 5000); got != 5000-1000-recentWays {
		t.Errorf("the youngest was seen %d ns ago, want %d", got, 5000-1000-recentWays)
	}
	if got := r.since(same[0], 5001); got != 0 {
		t.Errorf("the oldest was seen %d ns ago, want it forgotten", got)
	}
}

// sameSet is n addresses that belong to the first set.
func sameSet(n int) []uint64 {
	var found []uint64
	for skb := uint64(0x100); len(found) < n; skb += 0x100 {
		if hash(skb)>>(64-recentBits) == 0 {
			found = append(found, skb)
		}
	}
	return found
}

// TestRecentIsSpread asks that addresses as a slab gives them do not crowd.
func TestRecentIsSpread(t *testing.T) {
	r := newRecent()
	const slab, count = 0xffff888100000000, 4096
	for i := range uint64(count) {
		r.since(slab+i*256, i+1)
	}
	forgotten := 0
	for i := range uint64(count) {
		if r.since(slab+i*256, count+1+i) == 0 {
			forgotten++
		}
	}
	if forgotten > count/100 {
		t.Errorf("%d of %d addresses were forgotten, want hardly one", forgotten, count)
	}
}
