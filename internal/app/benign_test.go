// SPDX-License-Identifier: Apache-2.0

package app

import (
	"testing"

	"tracer/internal/event"
)

// TestBenignDropsAreCountedApart: only drops that may be faults count as drops.
func TestBenignDropsAreCountedApart(t *testing.T) {
	var tr tracing
	for _, d := range []event.Drop{{}, {Dropped: true}, {Dropped: true, Benign: true}, {Dropped: true, Benign: true}} {
		e := event.Event{Drop: d}
		e.Names.Reason = "SKB_DROP_REASON_NO_SOCKET"
		tr.countDrop(&e)
	}
	const name = "SKB_DROP_REASON_NO_SOCKET"
	if tr.totals.Dropped != 1 || tr.drops.reasons[name] != 1 || tr.drops.benign[name] != 2 {
		t.Errorf("%d drops, by reason %v, benign %v", tr.totals.Dropped, tr.drops.reasons, tr.drops.benign)
	}
}
