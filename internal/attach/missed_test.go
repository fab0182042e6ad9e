// SPDX-License-Identifier: Apache-2.0

package attach

import "testing"

// TestMissesOfCopiesDoNotCount checks that misses of a program with two copies do not count: if an interrupt
// arrives while one copy is running, the other copy runs.
func TestMissesOfCopiesDoNotCount(t *testing.T) {
	for _, c := range []struct {
		misses map[string]uint64
		want   uint64
	}{
		{map[string]uint64{"kprobe_skb_1": 3, "end": 7, "end_again": 0, "free": 5, "free_again": 2}, 3},
		{map[string]uint64{"free": 2, "free_again": 5}, 0},
		{map[string]uint64{"end": 4}, 4},
		{nil, 0},
	} {
		if got := missedBy(c.misses); got != c.want {
			t.Errorf("%v: %d missed, want %d", c.misses, got, c.want)
		}
	}
}
