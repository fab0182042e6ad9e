// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"

	"tracer/internal/event"
	"tracer/internal/kernel"
)

// packetsOf counts the packets of events that are all about one address.
func packetsOf(o Options, kind event.Kind, numbers ...uint64) uint64 {
	r := New(o)
	for _, n := range numbers {
		r.Enrich(&event.Event{Kind: kind, Skb: 0xffff888100000000, Addr: n, Raw: event.Raw{ID: n}})
	}
	return r.Packets()
}

func TestAnAddressUsedAgainIsAnotherPacket(t *testing.T) {
	functions := Options{Functions: []kernel.Function{{Name: "ip_rcv", Addr: 1}, {Name: "consume_skb", Addr: 2}, {Name: "kfree_skbmem", Addr: 3}}}
	tracepoints := Options{Tracepoints: []kernel.Tracepoint{{Name: "netif_rx"}, {Name: "consume_skb"}, {Name: "kfree_skb"}}}
	for _, test := range []struct {
		name    string
		options Options
		kind    event.Kind
		numbers []uint64
		want    uint64
	}{
		{"functions to the last one", functions, event.Function, []uint64{1, 2, 3, 1, 2, 3, 1}, 3},
		{"no last function traced", Options{Functions: functions.Functions[:2]}, event.Function, []uint64{1, 2, 1, 2}, 1},
		{"tracepoints", tracepoints, event.Tracepoint, []uint64{0, 0, 1, 0, 2, 0}, 3},
	} {
		if got := packetsOf(test.options, test.kind, test.numbers...); got != test.want {
			t.Errorf("%s: %d packets, want %d", test.name, got, test.want)
		}
	}
}

func TestKnowsEnds(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		want    bool
	}{
		"the last function":        {Options{Functions: []kernel.Function{{Name: "ip_rcv"}, {Name: "kfree_skbmem"}}}, true},
		"other functions":          {Options{Functions: []kernel.Function{{Name: "ip_rcv"}}, Tracepoints: []kernel.Tracepoint{{Name: "kfree_skb"}}}, false},
		"both tracepoints":         {Options{Tracepoints: []kernel.Tracepoint{{Name: "netif_rx"}, {Name: "kfree_skb"}, {Name: "consume_skb"}}}, true},
		"one of them among others": {Options{Tracepoints: []kernel.Tracepoint{{Name: "netif_rx"}, {Name: "kfree_skb"}}}, false},
		"drops alone":              {Options{Tracepoints: []kernel.Tracepoint{{Name: "kfree_skb"}}}, true},
	} {
		if got := New(test.options).KnowsEnds(); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestAnEndThatIsNotShownCounts: the address is then another packet's.
func TestAnEndThatIsNotShownCounts(t *testing.T) {
	r := New(Options{Tracepoints: []kernel.Tracepoint{{Name: "netif_rx"}, {Name: "consume_skb"}}})
	for range 3 {
		r.Enrich(&event.Event{Kind: event.Tracepoint, Skb: 0xffff888100000000, Raw: event.Raw{ID: 0}})
		r.Pass(&event.Event{Kind: event.Tracepoint, Skb: 0xffff888100000000, Raw: event.Raw{ID: 0}})
		r.Pass(&event.Event{Kind: event.Tracepoint, Skb: 0xffff888100000000, Raw: event.Raw{ID: 1}})
	}
	if got := r.Packets(); got != 3 {
		t.Errorf("%d packets, want 3", got)
	}
}
