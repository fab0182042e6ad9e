// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"

	"tracer/internal/event"
	"tracer/internal/kernel"

	"github.com/google/go-cmp/cmp"
)

func enricher(t *testing.T) *Enricher {
	t.Helper()
	r := New(Options{
		Symbols:     symbolsOf(t, kallsyms),
		Functions:   []kernel.Function{{Name: "ip_rcv", Addr: 0xffffffff81000100}},
		Tracepoints: []kernel.Tracepoint{{Name: "kfree_skb"}, {Name: "br_drop", Module: "bridge"}},
		Reasons:     map[uint32]string{3: "SKB_DROP_REASON_NO_SOCKET"},
		WallTime:    true,
	})
	r.clock = newClock(func() (before, wall, after int64) { return 0, 5000, 0 })
	return r
}

func TestEnrich(t *testing.T) {
	r := enricher(t)
	for _, c := range []struct {
		event event.Event
		want  event.Names
	}{
		{
			event.Event{Kind: event.Function, Addr: 0xffffffff81000100, Skb: 0xa00, Time: 10},
			event.Names{Func: "ip_rcv", WallTime: 5010},
		},
		{
			event.Event{
				Kind: event.Tracepoint, Raw: event.Raw{ID: 0}, Skb: 0xa00, Time: 30,
				Drop: event.Drop{Dropped: true, HasReason: true, Reason: 3, Location: 0xffffffff810003a3},
			},
			event.Names{
				Func: "kfree_skb", Reason: "SKB_DROP_REASON_NO_SOCKET", Location: "icmp_rcv+0x1a3", WallTime: 5030,
			},
		},
		{
			event.Event{Kind: event.Tracepoint, Raw: event.Raw{ID: 1}, Skb: 0xb00, Time: 40},
			event.Names{Func: "br_drop", Module: "bridge", WallTime: 5040},
		},
		{
			event.Event{Kind: event.Tracepoint, Raw: event.Raw{ID: 2}, Skb: 0xb00, Time: 50, Names: event.Names{Func: "of another event"}},
			event.Names{WallTime: 5050},
		},
		{event.Event{Kind: event.Lost, Skb: 0xc00, Time: 60, Loss: &event.Loss{}}, event.Names{}},
	} {
		r.Enrich(&c.event)
		if diff := cmp.Diff(c.want, c.event.Names); diff != "" {
			t.Errorf("%s at %d (-want +got):\n%s", c.event.Kind, c.event.Time, diff)
		}
	}
}

// TestNameSetsOnlyTheFunction checks that Name sets the name of the function, which limits need, and no other name.
func TestNameSetsOnlyTheFunction(t *testing.T) {
	r := enricher(t)
	e := event.Event{Kind: event.Tracepoint, Drop: event.Drop{HasReason: true, Reason: 3}, Names: event.Names{Reason: "of another event"}}
	r.Name(&e)
	if diff := cmp.Diff(event.Names{Func: "kfree_skb"}, e.Names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEnrichAllocatesNothing(t *testing.T) {
	r := enricher(t)
	r.clock = newClock(readClocks)
	r.clock.due = 0 // the first event measures
	e := event.Event{
		Kind: event.Tracepoint, Skb: 0xa00, Time: 1,
		Drop: event.Drop{HasReason: true, Reason: 77, Location: 0xffffffff810003a3},
	}
	f := event.Event{Kind: event.Function, Addr: 0xffffffff81000104, Skb: 0xa00}
	if n := testing.AllocsPerRun(100, func() {
		e.Time += measureEvery
		r.Enrich(&e)
		r.Enrich(&f)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkEnrich(b *testing.B) {
	r := New(Options{Functions: []kernel.Function{{Name: "ip_rcv", Addr: 0xffffffff81000100}}})
	e := event.Event{Kind: event.Function, Addr: 0xffffffff81000100, Skb: 0xa00}
	b.ReportAllocs()
	for b.Loop() {
		e.Time += 1000
		r.Enrich(&e)
	}
}
