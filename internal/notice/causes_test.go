// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"net/netip"
	"strings"
	"testing"

	"tracer/internal/event"
	"tracer/internal/journey"

	"github.com/google/go-cmp/cmp"
)

func udpTuple() event.Tuple {
	return event.Tuple{
		Network: event.IPv4, Protocol: 17, Source: netip.MustParseAddr("10.1.0.2"), Dest: netip.MustParseAddr("10.9.0.2"),
		Ports: true, SourcePort: 4000, DestPort: 53,
	}
}

func TestDropsByCause(t *testing.T) {
	reasons := []event.ReasonCount{{Name: "SKB_DROP_REASON_NO_SOCKET", Count: 4}, {Name: "SKB_DROP_REASON_SOCKET_FILTER", Count: 2}}
	unknown := []event.CauseCount{
		{Cause: event.UnknownCause, Groups: 1, Reason: "SKB_DROP_REASON_NO_SOCKET", Count: 3, Tuple: udpTuple()},
		{Cause: event.UnknownCause, Groups: 1, Reason: "SKB_DROP_REASON_SOCKET_FILTER", Count: 2},
	}
	for name, test := range map[string]struct {
		totals event.Totals
		want   string
	}{
		"no drops": {event.Totals{}, ""},
		"known causes": {
			event.Totals{Dropped: 4, DropReasons: reasons[:1], Causes: []event.CauseCount{
				{Cause: "no-route", Groups: 1, Count: 3, Text: "no route to 10.9.0.2", Tuple: udpTuple()}, {Cause: "ttl", Groups: 1, Count: 1},
			}},
			"4 drops:\n  3 × no-route: no route to 10.9.0.2  (first: 10.1.0.2:4000->10.9.0.2:53(udp))\n  1 × ttl\n",
		},
		"some causes": {
			event.Totals{Dropped: 10, DropReasons: reasons, Causes: append(unknown[:2:2],
				event.CauseCount{Cause: "ttl", Groups: 1, Count: 1}, event.CauseCount{Cause: event.OtherCauses, Count: 4, Groups: 3})},
			"10 drops:\n  1 × ttl\n  and 3 more causes: 4 drops\n  5 × unknown cause: 3 × NO_SOCKET, 2 × SOCKET_FILTER\n",
		},
		"several groups": {
			event.Totals{Dropped: 13, Causes: []event.CauseCount{
				{Cause: "no-listener", Count: 9, Groups: 7, Text: "port 1 to 9", Tuple: udpTuple()}, {Cause: "ttl", Count: 2}, {Cause: event.OtherCauses, Count: 2},
			}},
			"13 drops:\n  9 × no-listener (7 different): port 1 to 9  (for example: 10.1.0.2:4000->10.9.0.2:53(udp))\n  2 × ttl (many different)\n  and many more causes: 2 drops\n",
		},
		"unknown causes": {
			event.Totals{Dropped: 5, DropReasons: reasons, Causes: unknown}, "5 drops: 3 × NO_SOCKET, 2 × SOCKET_FILTER\n",
		},
		"unknown causes of silent drops": {
			event.Totals{Dropped: 4, DropReasons: []event.ReasonCount{{Name: "SKB_DROP_REASON_NO_SOCKET", Count: 3}}, Causes: append(unknown[:1:1],
				event.CauseCount{Cause: event.UnknownCause, Reason: journey.Unreported, Count: 1})},
			"4 drops: 3 × NO_SOCKET, 1 × consumed without a drop report\n",
		},
		"only silent drops": {
			event.Totals{Dropped: 2, Causes: []event.CauseCount{{Cause: "accept-queue-full", Groups: 1, Count: 2, Text: "full: 129 of 128"}}},
			"2 drops:\n  2 × accept-queue-full: full: 129 of 128\n",
		},
		"names of others": {
			event.Totals{Dropped: 1, Causes: []event.CauseCount{{Cause: "nft-rule", Groups: 1, Count: 1, Text: "comment a\n\x1b[31m"}}},
			"1 drop:\n  1 × nft-rule: comment a\\x0a\\x1b[31m\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(false, func(n *Notifier) { n.drops(test.totals) })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestExplainedReasonsHaveNoNote checks that a broad reason is only noted if the cause is unknown.
func TestExplainedReasonsHaveNoNote(t *testing.T) {
	totals := event.Totals{
		DropReasons: []event.ReasonCount{{Name: "SKB_DROP_REASON_SOCKET_FILTER", Count: 1}, {Name: "SKB_DROP_REASON_RECURSION_LIMIT", Count: 1}},
		Causes:      []event.CauseCount{{Cause: "cgroup-bpf", Groups: 1, Count: 1}, {Cause: event.UnknownCause, Groups: 1, Reason: "SKB_DROP_REASON_RECURSION_LIMIT", Count: 1}},
	}
	if notes := reasonNotes(totals); len(notes) != 1 || !strings.HasPrefix(notes[0], "RECURSION_LIMIT: ") {
		t.Errorf("%q", notes)
	}
}
