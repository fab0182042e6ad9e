// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"testing"

	"tracer/internal/event"
	"tracer/internal/journey"
)

// TestBenignDropsAreCountedSeparately checks that only drops that may be faults count as drops.
func TestBenignDropsAreCountedSeparately(t *testing.T) {
	const name = "SKB_DROP_REASON_NO_SOCKET"
	b := newBranch(Output{Sink: &recorder{}}, journey.Scope{})
	for _, d := range []event.Drop{{}, {Dropped: true}, {Dropped: true, Benign: true}, {Dropped: true, Benign: true}} {
		if err := b.take(&event.Event{Kind: event.Tracepoint, Drop: d, Names: event.Names{Reason: name}}); err != nil {
			t.Fatal(err)
		}
	}
	if b.dropped != 1 || b.drops[name] != 1 || b.benign[name] != 2 {
		t.Errorf("%d drops, by reason %v, benign %v", b.dropped, b.drops, b.benign)
	}
}
