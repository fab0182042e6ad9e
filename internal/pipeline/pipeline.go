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
// buffered; after a limit, it reads stored events up to their Summary. At the end, each output gets a Summary with
// its own totals. Run also returns these totals, in the order of the outputs.
//
// An error of a sink ends its output. The run goes on for the others, and ends if all sinks have failed, as it does
// without readers. An error of the source ends the run, after a flush of the outputs. Run returns all errors joined,
// and the totals also with an error. The totals are nil if they are unknown, because the source failed before its
// Summary. Those of a failed output count rows that may not have been written.
//
// The order is: source, limits, stages, filters of the outputs, sinks. The caller closes source and sinks.
func Run(ctx context.Context, src source.Source, stages []Stage, outputs []Output, o Options) ([]event.Totals, error) {
	r := newRun(src, stages, outputs, o)
	err := r.start(o.Started)
	if err == nil {
		ctx, cancel := o.Limits.within(ctx)
		defer cancel()
		err = r.move(ctx)
	}
	return r.result(err)
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
	// unread means that all outputs have ended, failed that all sinks have failed.
	unread, failed bool
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
	if r.flush(); r.failed || started == nil {
		return nil
	}
	return started()
}

// move moves all events of the run. After an error of the source, it flushes the outputs.
func (r *run) move(ctx context.Context) error {
	err := r.follow(ctx)
	if err == nil {
		err = r.finish(ctx)
	}
	if err != nil {
		r.flush()
	}
	return err
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
		r.take(e)
	case errors.Is(err, source.ErrIdle):
		r.flush()
	case errors.Is(err, io.EOF):
		r.ended = true
	default:
		return err
	}
	return nil
}

// take passes an event about a packet through limits, stages and outputs, and other events to the outputs.
func (r *run) take(e *event.Event) {
	switch e.Kind {
	case event.Lost:
		r.lost += e.Loss.Count
		r.each(func(b *branch) error { return b.mark(e) })
		return
	case event.Summary:
		r.summarize(e.Totals)
		return
	}
	if (r.full || r.limited) && !r.admits(e) {
		r.suppressed++
		return
	}
	for _, stage := range r.stages {
		stage(e)
	}
	for _, b := range r.branches {
		if err := b.take(e); err != nil {
			r.fail(b, err)
		}
	}
	r.admitted++
	r.full = r.full || r.lines != 0 && r.admitted >= r.lines
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

func (r *run) flush() { r.each((*branch).flush) }

func (r *run) each(do func(*branch) error) {
	for _, b := range r.branches {
		if err := do(b); err != nil {
			r.fail(b, err)
		}
	}
}

// fail ends an output after an error of its sink, and the run when all outputs have ended.
func (r *run) fail(b *branch, err error) {
	b.fail(err)
	r.unread, r.failed = true, true
	for _, b := range r.branches {
		r.unread = r.unread && b.ended
		r.failed = r.failed && b.err != nil
	}
	r.full = r.full || r.unread
}

// finish stops a live source, and delivers what is left. If the source had no Summary, it gives the outputs one.
func (r *run) finish(ctx context.Context) error {
	if err := r.drain(ctx); err != nil || r.summarized {
		return err
	}
	r.summarize(&event.Totals{Matched: r.admitted + r.suppressed + r.lost}) // only events that were read
	return nil
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

func (r *run) summarize(source *event.Totals) {
	r.summarized = true
	r.each(func(b *branch) error { return b.summarize(source, r.suppressed) })
}

// result returns the totals, if they are known, and the errors of the source and of all sinks.
func (r *run) result(err error) ([]event.Totals, error) {
	errs := []error{err}
	for _, b := range r.branches {
		errs = append(errs, b.err)
	}
	err = errors.Join(errs...)
	if !r.summarized {
		return nil, err
	}
	return r.totals(), err
}

func (r *run) totals() []event.Totals {
	all := make([]event.Totals, len(r.branches))
	for i, b := range r.branches {
		all[i] = b.totals
	}
	return all
}
