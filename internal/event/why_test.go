// SPDX-License-Identifier: Apache-2.0

package event

import "testing"

// TestIsDrop checks that a silent drop is a drop, and that a cause alone does not make an event one.
func TestIsDrop(t *testing.T) {
	for name, test := range map[string]struct {
		event Event
		want  bool
	}{
		"no drop":         {Event{}, false},
		"reported":        {Event{Drop: Drop{Dropped: true}}, true},
		"explained":       {Event{Drop: Drop{Dropped: true}, Why: &Why{Cause: "no-route"}}, true},
		"silent":          {Event{Why: &Why{Cause: "accept-queue-full", Silent: true}}, true},
		"only with a why": {Event{Why: &Why{Cause: UnknownCause}}, false},
	} {
		if got := test.event.IsDrop(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
