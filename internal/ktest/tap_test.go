// SPDX-License-Identifier: Apache-2.0

package ktest

import "testing"

func TestTapsReceivePackets(t *testing.T) {
	a, b := pair(t)
	taps := []*Tap{NewTap(t, a, "va"), NewTap(t, b, "vb")}
	pings(t, a, "10.9.0.2")
	for i, tap := range taps {
		if n, err := tap.Drain(); err != nil || n < 2 {
			t.Errorf("tap %d got %d packets, %v, want a request and a reply", i, n, err)
		}
	}
}
