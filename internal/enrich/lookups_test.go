// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"

	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
)

// TestLookups checks the lookup of a return, with and without the data of the entry.
func TestLookups(t *testing.T) {
	r := New(Options{
		Functions: []kernel.Function{{Name: "sch_direct_xmit", Addr: 8}, {Name: "ip_rcv", Addr: 9}},
		Lookups:   map[uint64]*lookup.Reader{8: lookup.NewReader(lookup.Layout{Of: &lookup.Lookup{Kind: "qdisc"}})},
	})
	for _, test := range []struct {
		event   event.Event
		kind    string
		unknown bool
	}{
		{event.Event{Kind: event.Looked, Addr: 8, Skb: 16, Raw: event.Raw{Lookup: make([]byte, 8)}}, "qdisc", false},
		{event.Event{Kind: event.Return, Addr: 8, Skb: 16}, "qdisc", true},
		{event.Event{Kind: event.Return, Addr: 9, Skb: 16}, "", false},
		{event.Event{Kind: event.Function, Addr: 8, Skb: 16}, "", false},
	} {
		r.Enrich(&test.event)
		l := test.event.Lookup
		if l == nil {
			l = &event.Lookup{}
		}
		if l.Kind != test.kind || l.Unknown != test.unknown {
			t.Errorf("%v of %d: %+v", test.event.Kind, test.event.Addr, l)
		}
	}
}
