// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"errors"

	"tracer/internal/event"
	"tracer/internal/journey"
	"tracer/internal/sink"
)

// Output is a sink with a filter.
type Output struct {
	Sink sink.Sink
	// Filter reports whether the sink gets an event about a packet; nil means all. Loss markers and the
	// Summary are not filtered.
	Filter func(*event.Event) bool
}

// branch is an output with its own counts, so that matched = printed + suppressed + lost holds for each.
type branch struct {
	Output
	packets *journey.Packets
	// printed, dropped, lost, drops and benign count events that the sink got, filtered those that it did not
	// get.
	printed, filtered, dropped uint64
	lost                       [event.LossCauses]uint64
	drops, benign              journey.Reasons
	// gone means that the reader has closed the output. The sink gets nothing any more, since a new reader of
	// the same FIFO could get it. Further events count as filtered.
	gone   bool
	totals event.Totals
}

func newBranch(o Output, scope journey.Scope) *branch {
	return &branch{Output: o, packets: journey.NewPackets(scope)}
}

// take gives the sink an event about a packet, unless the output's filter rejects it.
func (b *branch) take(e *event.Event) error {
	if b.gone || b.Filter != nil && !b.Filter(e) {
		b.filtered++
		b.packets.Skip(e)
		return nil
	}
	err := b.Sink.Take(e)
	if err != nil && !errors.Is(err, sink.ErrReaderGone) {
		return err
	}
	b.printed++
	b.packets.Count(e)
	if e.Drop.Dropped {
		b.countDrop(e)
	}
	return err
}

// countDrop counts benign drops separately: only other drops may be faults.
func (b *branch) countDrop(e *event.Event) {
	if e.Drop.Benign {
		b.benign.Add(e.Names.Reason, 1)
		return
	}
	b.dropped++
	b.drops.Add(e.Names.Reason, 1)
}

// mark gives the sink a loss marker.
func (b *branch) mark(e *event.Event) error {
	b.lost[e.Loss.Cause] += e.Loss.Count
	if b.gone {
		return nil
	}
	return b.Sink.Take(e)
}

func (b *branch) flush() error {
	if b.gone {
		return nil
	}
	return b.Sink.Flush()
}

// summarize completes the totals of the source with those of the output, and gives them to the sink.
func (b *branch) summarize(source *event.Totals, suppressed uint64) error {
	b.totals = *source
	t := &b.totals
	t.Printed, t.Suppressed, t.Lost = b.printed, source.Suppressed+suppressed+b.filtered, b.lost
	t.Packets = b.packets.Total()
	t.Dropped, t.DropReasons, t.BenignReasons = b.dropped, b.drops.List(), b.benign.List()
	if b.gone {
		return nil
	}
	if err := b.Sink.Take(&event.Event{Kind: event.Summary, Totals: t}); err != nil {
		return err
	}
	return b.Sink.Flush()
}

// outputError returns the error of an output, except ErrReaderGone: that ends the output, and the run when all
// outputs have ended.
func (r *run) outputError(b *branch, err error) error {
	if err == nil || !errors.Is(err, sink.ErrReaderGone) {
		return err
	}
	b.gone = true
	for _, other := range r.branches {
		if !other.gone {
			return nil
		}
	}
	r.full, r.unread = true, true
	return nil
}
