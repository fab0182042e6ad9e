// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"
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

// TestDropsAreCountedByCause checks that a silent drop is counted as a drop without a reason, and that benign drops have no
// cause in the totals.
func TestDropsAreCountedByCause(t *testing.T) {
	const name = "SKB_DROP_REASON_NO_SOCKET"
	b := newBranch(Output{Sink: &recorder{}}, journey.Scope{})
	for _, e := range []*event.Event{
		{Drop: event.Drop{Dropped: true}, Names: event.Names{Reason: name}, Why: &event.Why{Cause: "no-listener"}},
		{Drop: event.Drop{Dropped: true, Benign: true}, Names: event.Names{Reason: name}, Why: &event.Why{Cause: "no-listener"}},
		{Why: &event.Why{Cause: "accept-queue-full", Silent: true}},
		{Why: &event.Why{Cause: "accept-queue-full", Silent: true}},
	} {
		if err := b.take(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.summarize(&event.Totals{}, 0); err != nil {
		t.Fatal(err)
	}
	totals := b.totals
	if totals.Dropped != 3 || len(totals.DropReasons) != 1 || totals.DropReasons[0].Count != 1 {
		t.Errorf("%d drops, by reason %v", totals.Dropped, totals.DropReasons)
	}
	want := []event.CauseCount{{Cause: "accept-queue-full", Count: 2, Groups: 1}, {Cause: "no-listener", Count: 1, Groups: 1}}
	if !slices.Equal(totals.Causes, want) {
		t.Errorf("by cause %+v, want %+v", totals.Causes, want)
	}
}
