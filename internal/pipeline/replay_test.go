// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"testing"

	"tracer/internal/event"
	"tracer/internal/journey"
	"tracer/internal/source"
)

// TestReplayWithALimit checks that a limit ends what a replay prints, and that the stored Summary is still read.
func TestReplayWithALimit(t *testing.T) {
	for name, c := range map[string]struct {
		limits Limits
		script string
		rows   string
	}{
		"two packets that alternate": {Limits{Packets: 2}, "abab", "a b a b summary"},
		"a third packet":             {Limits{Packets: 2}, "abcabc", "a b a b summary"},
		"a packet that has ended":    {Limits{Packets: 1}, "AbA", "A summary"},
		"lines":                      {Limits{Lines: 2}, "ab!c!", "a b lost lost summary"},
	} {
		out := &recorder{}
		stored := append(events(c.script), summary(event.Totals{Matched: 100, Suppressed: 100 - uint64(len(c.script)), Missed: 7}))
		o := Options{Limits: c.limits, Scope: journey.NewScope(nil, []string{"kfree_skb"})}
		totals, err := Run(t.Context(), source.NewEvents(stored), nil, []Output{{Sink: out}}, o)
		if err != nil || out.rows() != c.rows || totals[0].Missed != 7 {
			t.Errorf("%s: %s, want %s; totals %+v, error %v", name, out.rows(), c.rows, totals, err)
		}
	}
}

// canceling is a source of stored events that cancels a context when it returns the event of an sk_buff.
type canceling struct {
	*source.Events
	cancel context.CancelFunc
	skb    uint64
}

func (c canceling) Next() (*event.Event, error) {
	e, err := c.Events.Next()
	if err == nil && e.Skb == c.skb {
		c.cancel()
	}
	return e, err
}

// TestReplayEndsWithItsContext checks that a replay does not read on for the Summary after its context has ended.
func TestReplayEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src, out := source.NewEvents(events("abcd")), &recorder{}
	if _, err := Run(ctx, canceling{src, cancel, 'b'}, nil, []Output{{Sink: out}}, Options{Limits: Limits{Lines: 1}}); err != nil {
		t.Fatal(err)
	}
	if e, err := src.Next(); err != nil || e.Skb != 'c' || out.rows() != "a summary" {
		t.Errorf("the sink got %s, and the source has %+v left, error %v", out.rows(), e, err)
	}
}
