// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"strings"
	"testing"

	"tracer/internal/event"
	"tracer/internal/journey"
)

// dropped returns the totals of drops for these reasons.
func dropped(reasons ...string) event.Totals {
	var r journey.Reasons
	for _, name := range reasons {
		r.Add(name, 1)
	}
	return event.Totals{Dropped: uint64(len(reasons)), DropReasons: r.List()}
}

// dropLine returns the last lines of a run with these totals.
func dropLine(totals event.Totals) string {
	return strings.TrimSuffix(lines(false, func(n *Notifier) { n.drops(totals) }), "\n")
}

func TestDropLine(t *testing.T) {
	for reasons, want := range map[string]string{
		"SKB_DROP_REASON_NO_SOCKET":                               "1 drop: 1 × NO_SOCKET",
		"SKB_DROP_REASON_NO_SOCKET NETFILTER_DROP NETFILTER_DROP": "3 drops: 2 × NETFILTER_DROP, 1 × NO_SOCKET",
		"b a":                 "2 drops: 1 × a, 1 × b",
		"7 h g f e d c b a a": "10 drops: 2 × a, 1 × 7, 1 × b, 1 × c, 1 × d, 4 × other",
		"":                    "1 drop: 1 × no reason given (kernel before 5.17)",
	} {
		if got := dropLine(dropped(strings.Split(reasons, " ")...)); got != want {
			t.Errorf("%s: %q, want %q", reasons, got, want)
		}
	}
}

// TestBroadReasonsHaveANote checks that no other reason has one.
func TestBroadReasonsHaveANote(t *testing.T) {
	totals := event.Totals{DropReasons: []event.ReasonCount{
		{Name: "SKB_DROP_REASON_NO_SOCKET"}, {Name: "SKB_DROP_REASON_RECURSION_LIMIT"}, {Name: "SKB_DROP_REASON_SOCKET_FILTER"},
	}}
	notes := reasonNotes(totals)
	if len(notes) != 2 || !strings.HasPrefix(notes[0], "RECURSION_LIMIT: ") || !strings.HasPrefix(notes[1], "SOCKET_FILTER: ") {
		t.Errorf("%q", notes)
	}
}
