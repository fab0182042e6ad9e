// SPDX-License-Identifier: Apache-2.0

package live

import (
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/event"

	"github.com/google/go-cmp/cmp"
)

// TestCountersOfAllCPUsAreAdded checks each counter.
func TestCountersOfAllCPUsAreAdded(t *testing.T) {
	var got event.Totals
	addCounts(&got, []bpf.Counters{
		{Matched: 1, Lost: 2, Suppressed: 4, Unreturned: 8, WithoutNetns: 1, WithoutDevice: 2, HeadlessFragments: 3},
		{Matched: 16, Lost: 32, Suppressed: 64, Unreturned: 128, WithoutNetns: 10, WithoutDevice: 20, HeadlessFragments: 30},
	})
	want := event.Totals{Matched: 17, Suppressed: 68, Unreturned: 136, WithoutNetns: 11, WithoutIfname: 22, Headless: 33}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
