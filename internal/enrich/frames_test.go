// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"

	"tracer/internal/event"
)

// TestFramesAreCountedByTheirRuns: a frame has ended as such with the verdict, and the next
// one in its memory is another, unless they are followed by number.
func TestFramesAreCountedByTheirRuns(t *testing.T) {
	for _, c := range []struct{ id, want uint64 }{{0, 2}, {9, 1}} {
		r := New(Options{})
		for range 2 {
			for _, kind := range []event.Kind{event.Program, event.Verdict} {
				e := event.Event{Kind: kind, Raw: event.Raw{ID: 7}, Head: 0xffff888004b30000, Lineage: event.Lineage{ID: c.id}}
				if got, want := r.Ends(&e), c.id == 0 && kind == event.Verdict; got != want {
					t.Errorf("number %d, %s: ends %v, want %v", c.id, kind, got, want)
				}
				r.Enrich(&e)
			}
		}
		if r.Packets() != c.want {
			t.Errorf("number %d: %d packets, want %d", c.id, r.Packets(), c.want)
		}
	}
}
