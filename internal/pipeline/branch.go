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
	// printed, dropped, lost, drops, benign and causes count events that the sink got, filtered those that it
	// did not get.
	printed, filtered, dropped uint64
	lost                       [event.LossCauses]uint64
	drops, benign              journey.Reasons
	causes                     journey.Causes
	// ended means that the reader has closed the output, or that the sink has failed; err is the failure. The
	// sink gets nothing any more, since a new reader of the same FIFO could get it. Further events count as
	// filtered.
	ended  bool
	err    error
	totals event.Totals
}

func newBranch(o Output, scope journey.Scope) *branch {
	return &branch{Output: o, packets: journey.NewPackets(scope)}
}

// take gives the sink an event about a packet, unless the output's filter rejects it.
func (b *branch) take(e *event.Event) error {
	if b.ended || b.Filter != nil && !b.Filter(e) {
		b.skip(e)
		return nil
	}
	err := b.Sink.Take(e)
	if err != nil && !errors.Is(err, sink.ErrReaderGone) {
		b.skip(e)
		return err
	}
	b.printed++
	b.packets.Count(e)
	if e.IsDrop() {
		b.countDrop(e)
	}
	return err
}

// skip counts an event that the sink did not get.
func (b *branch) skip(e *event.Event) {
	b.filtered++
	b.packets.Skip(e)
}

// countDrop counts benign drops separately: only other drops may be faults.
func (b *branch) countDrop(e *event.Event) {
	if e.Drop.Benign {
		b.benign.Add(e.Names.Reason, 1)
		return
	}
	b.dropped++
	b.causes.Add(e)
	if e.Drop.Dropped {
		b.drops.Add(e.Names.Reason, 1)
	}
}

// mark gives the sink a loss marker.
func (b *branch) mark(e *event.Event) error {
	b.lost[e.Loss.Cause] += e.Loss.Count
	if b.ended {
		return nil
	}
	return b.Sink.Take(e)
}

func (b *branch) flush() error {
	if b.ended {
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
	t.Dropped, t.DropReasons, t.BenignReasons, t.Causes = b.dropped, b.drops.List(), b.benign.List(), b.causes.List()
	if b.ended {
		return nil
	}
	if err := b.Sink.Take(&event.Event{Kind: event.Summary, Totals: t}); err != nil {
		return err
	}
	return b.Sink.Flush()
}

// fail ends the output after an error of its sink. ErrReaderGone is a normal end.
func (b *branch) fail(err error) {
	b.ended = true
	if !errors.Is(err, sink.ErrReaderGone) {
		b.err = err
	}
}
