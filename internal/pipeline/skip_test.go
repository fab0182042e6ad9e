// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"testing"

	"tracer/internal/event"
	"tracer/internal/journey"
	"tracer/internal/source"
)

// TestEndsThatAreNotPrintedEndPackets checks that an address belongs to another packet after an end that a limit
// suppressed or that a filter rejected.
func TestEndsThatAreNotPrintedEndPackets(t *testing.T) {
	notDropped := func(e *event.Event) bool { return !e.Drop.Dropped }
	for name, c := range map[string]struct {
		limits Limits
		filter func(*event.Event) bool
	}{
		"limit":  {limits: Limits{EventsPerPacket: 1}},
		"filter": {filter: notDropped},
	} {
		script := events("aAa")
		for _, e := range script {
			e.Skb = 2 // as in the kernel, even
		}
		out := &recorder{}
		totals, err := Run(t.Context(), source.NewEvents(script), nil, []Output{{Sink: out, Filter: c.filter}},
			Options{Limits: c.limits, Scope: journey.NewScope(nil, []string{"kfree_skb"})})
		if err != nil || totals[0].Printed != 2 || totals[0].Packets != 2 {
			t.Errorf("%s: %+v, error %v, want 2 events of 2 packets", name, totals, err)
		}
	}
}
