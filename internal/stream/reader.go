// SPDX-License-Identifier: Apache-2.0

// Package stream reads the ring buffer: it turns records into events, in order,
// and puts a marker where some are missing.
package stream

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

// patience is how long a lone event may wait in the ring: the kernel wakes the
// reader only when many have gathered.
const patience = 50 * time.Millisecond

// ErrIdle says that the ring is empty for now: a good moment to flush.
var ErrIdle = errors.New("no event")

// Reader reads events from a ring buffer. It is for one goroutine.
type Reader struct {
	ring   *ringbuf.Reader
	record ringbuf.Record
	layout Layout
	gaps   gaps
	// held is a record whose event has to wait behind the marker of a gap.
	held bool
}

// NewReader reads records of that layout from the map, which must be a ring buffer.
func NewReader(events *ebpf.Map, layout Layout) (*Reader, error) {
	ring, err := ringbuf.NewReader(events)
	if err != nil {
		return nil, fmt.Errorf("ring buffer: %w", err)
	}
	// Without a deadline the first events would wait for a wake-up.
	ring.SetDeadline(time.Now().Add(patience))
	return &Reader{ring: ring, layout: layout}, nil
}

// Next fills in the next event, which holds on to memory that is used again by
// the next call, or returns ErrIdle after a while without one,
// or os.ErrClosed.
func (r *Reader) Next(e *event.Event) error {
	if !r.held {
		if err := r.read(); err != nil {
			return err
		}
	}
	r.held = false
	if err := r.layout.Decode(r.record.RawSample, e); err != nil {
		return err
	}
	lost := coreOf(r.record.RawSample).Lost
	if cpu := e.CPU; r.gaps.mark(cpu, lost, e) {
		r.held = true
	}
	return nil
}

func (r *Reader) read() error {
	err := r.ring.ReadInto(&r.record)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		r.ring.SetDeadline(time.Now().Add(patience))
		return ErrIdle
	}
	return err
}

// Rest fills in a marker for losses that no later event has told of, one CPU at
// a time, and reports whether there was one.
func (r *Reader) Rest(counts []bpf.Counters, e *event.Event) bool {
	for cpu, c := range counts {
		if r.gaps.mark(uint32(cpu), uint32(c.Lost), e) {
			return true
		}
	}
	return false
}

// Close ends reading; a Next under way returns os.ErrClosed.
func (r *Reader) Close() error { return r.ring.Close() }
