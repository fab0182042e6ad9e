// SPDX-License-Identifier: Apache-2.0

// Package pipeline moves events from a source through stages to sinks, within limits. It has no state outside
// of a run, so several can run in one process.
package pipeline

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"tracer/internal/event"
	"tracer/internal/journey"
	"tracer/internal/source"
)

// Stage adds something to an event about a packet.
type Stage = func(*event.Event)

// Limits end a run early or suppress events; 0 means no limit.
type Limits struct {
	// Duration ends the run this long after events began to flow.
	Duration time.Duration
	// Lines ends the run after that many events have passed the other limits.
	Lines uint64
	// Packets is the number of packets whose events are printed. The run ends when they have ended.
	Packets uint64
	// EventsPerPacket is the number of events that are printed of each packet.
	EventsPerPacket uint64
}

// Options tune a run. The zero value has no limits.
type Options struct {
	Limits Limits
	// Scope describes which events of the source end a packet.
	Scope journey.Scope
	// Started is called after the source has started and the sinks have written their headers; it may be
	// nil.
	Started func() error
}

// Run moves events until the source ends, ctx is done, a limit is reached, or the readers of all outputs have
// closed them. None of these is an error. Run then stops a live source and delivers the events that are still
// buffered. At the end, each output gets a Summary with its own totals. Run also returns these totals, in the
// order of the outputs.
//
// The order is: source, limits, stages, filters of the outputs, sinks. The caller closes source and sinks.
func Run(ctx context.Context, src source.Source, stages []Stage, outputs []Output, o Options) ([]event.Totals, error) {
	r := newRun(src, stages, outputs, o)
	if err := r.start(o.Started); err != nil {
		return nil, err
	}
	ctx, cancel := o.Limits.within(ctx)
	defer cancel()
	if err := r.follow(ctx); err != nil {
		return nil, err
	}
	err := r.finish(ctx)
	return r.totals(), err
}

// within returns a context that is done after the duration, counted from now.
func (l Limits) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.Duration == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, l.Duration)
}

// run is the state of one run.
type run struct {
	src source.Source
	// live is the source if it is a live one, and nil otherwise; now returns its time.
	live     source.Live
	now      func() uint64
	stages   []Stage
	branches []*branch
	lines    uint64
	quota    *journey.Quota
	// limited means that the quota may suppress events.
	limited bool
	// admitted and suppressed count the events about packets that the limits let pass and that they rejected;
	// lost counts the events of all loss markers.
	admitted, suppressed, lost uint64
	// full means that no more events are printed: a limit is reached, or no output has a reader.
	full bool
	// unread means that no output has a reader.
	unread bool
	// ended means that the source has no more events, summarized that the outputs have their Summary.
	ended, summarized bool
}

func newRun(src source.Source, stages []Stage, outputs []Output, o Options) *run {
	r := &run{src: src, stages: stages, lines: o.Limits.Lines}
	if live, ok := src.(source.Live); ok {
		r.live, r.now = live, live.Now
	}
	r.quota = journey.NewQuota(o.Limits.Packets, o.Limits.EventsPerPacket, o.Scope)
	r.limited = r.quota.Limits()
	for _, out := range outputs {
		r.branches = append(r.branches, newBranch(out, o.Scope))
	}
	return r
}

// start starts a live source, flushes the sinks, so that the header of a table appears before the first event,
// and calls started.
func (r *run) start(started func() error) error {
	if r.live != nil {
		if err := r.live.Start(); err != nil {
			return err
		}
	}
	if err := r.flush(); err != nil || started == nil {
		return err
	}
	return started()
}

// follow moves events until ctx is done, the source ends, or no more are printed.
func (r *run) follow(ctx context.Context) error {
	var stop atomic.Bool
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	for !stop.Load() && !r.full && !r.ended {
		if err := r.next(); err != nil {
			return err
		}
		if r.limited && r.quota.Done(r.now) {
			r.full = true
		}
	}
	return nil
}

// next moves one event through the pipeline. If none is ready, it flushes the sinks.
func (r *run) next() error {
	e, err := r.src.Next()
	switch {
	case err == nil:
		return r.take(e)
	case errors.Is(err, source.ErrIdle):
		return r.flush()
	case errors.Is(err, io.EOF):
		r.ended = true
		return nil
	}
	return err
}

// take passes an event about a packet through limits, stages and outputs, and other events to the outputs.
func (r *run) take(e *event.Event) error {
	switch e.Kind {
	case event.Lost:
		r.lost += e.Loss.Count
		return r.each(func(b *branch) error { return b.mark(e) })
	case event.Summary:
		return r.summarize(e.Totals)
	}
	if (r.full || r.limited) && !r.admits(e) {
		r.suppressed++
		return nil
	}
	for _, stage := range r.stages {
		stage(e)
	}
	for _, b := range r.branches {
		if err := b.take(e); err != nil {
			if err = r.outputError(b, err); err != nil {
				return err
			}
		}
	}
	r.admitted++
	r.full = r.full || r.lines != 0 && r.admitted >= r.lines
	return nil
}

// admits reports whether the limits let an event be printed.
func (r *run) admits(e *event.Event) bool {
	if r.full {
		return false
	}
	admitted := r.quota.Admits(e)
	if !admitted {
		for _, b := range r.branches {
			b.packets.Skip(e)
		}
	}
	return admitted
}

func (r *run) flush() error { return r.each((*branch).flush) }

func (r *run) each(do func(*branch) error) error {
	for _, b := range r.branches {
		if err := r.outputError(b, do(b)); err != nil {
			return err
		}
	}
	return nil
}

// finish stops a live source, and delivers what is left. If the source had no Summary, it gives the outputs one.
func (r *run) finish(ctx context.Context) error {
	if err := r.drain(ctx); err != nil || r.summarized {
		return err
	}
	return r.summarize(&event.Totals{Matched: r.admitted + r.suppressed + r.lost}) // only events that were read
}

// drain reads the rest of the source, up to the Summary. It reads other sources than live ones only while ctx is not
// done and an output has a reader.
func (r *run) drain(ctx context.Context) error {
	if r.live != nil && !r.ended {
		if err := r.live.Stop(); err != nil {
			return err
		}
	}
	for !r.ended && (r.live != nil || ctx.Err() == nil && !r.unread) {
		if err := r.next(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) summarize(source *event.Totals) error {
	r.summarized = true
	return r.each(func(b *branch) error { return b.summarize(source, r.suppressed) })
}

func (r *run) totals() []event.Totals {
	all := make([]event.Totals, len(r.branches))
	for i, b := range r.branches {
		all[i] = b.totals
	}
	return all
}
