// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"testing"

	"tracer/internal/event"
)

// TestVerdictEndsAFrame checks that the next frame in the same memory is another packet, unless packets are
// followed by number.
func TestVerdictEndsAFrame(t *testing.T) {
	for _, c := range []struct{ id, want uint64 }{{0, 2}, {9, 1}} {
		p := NewPackets(Scope{})
		for range 2 {
			for _, kind := range []event.Kind{event.Program, event.Verdict} {
				e := event.Event{Kind: kind, Head: 0xffff888004b30000, Lineage: event.Lineage{ID: c.id}}
				if got, want := p.scope.Ends(&e), c.id == 0 && kind == event.Verdict; got != want {
					t.Errorf("number %d, %s: ends %v, want %v", c.id, kind, got, want)
				}
				p.Count(&e)
			}
		}
		if p.Total() != c.want {
			t.Errorf("number %d: %d packets, want %d", c.id, p.Total(), c.want)
		}
	}
}
