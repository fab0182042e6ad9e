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
	ring    *ringbuf.Reader
	record  ringbuf.Record
	decoder *Decoder
	gaps    gaps
	// held is an event that has to wait behind the marker of a gap.
	held *event.Event
}

// NewReader reads records of that layout from the map, which must be a ring buffer.
func NewReader(events *ebpf.Map, layout Layout) (*Reader, error) {
	ring, err := ringbuf.NewReader(events)
	if err != nil {
		return nil, fmt.Errorf("ring buffer: %w", err)
	}
	// Without a deadline the first events would wait for a wake-up.
	ring.SetDeadline(time.Now().Add(patience))
	return &Reader{ring: ring, decoder: NewDecoder(layout)}, nil
}

// Next returns the next event, which is good until the next call, or ErrIdle after a while
// without one, or os.ErrClosed.
func (r *Reader) Next() (*event.Event, error) {
	if e := r.held; e != nil {
		r.held = nil
		return e, nil
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	e, err := r.decoder.Decode(r.record.RawSample)
	if err != nil {
		return nil, err
	}
	if marker := r.gaps.mark(e.CPU, r.decoder.core.Lost, e.Time); marker != nil {
		r.held = e
		return marker, nil
	}
	return e, nil
}

func (r *Reader) read() error {
	err := r.ring.ReadInto(&r.record)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		r.ring.SetDeadline(time.Now().Add(patience))
		return ErrIdle
	}
	return err
}

// Rest returns a marker for losses that no later event has told of, one CPU at a time, or nil.
func (r *Reader) Rest(counts []bpf.Counters) *event.Event {
	for cpu, c := range counts {
		if marker := r.gaps.mark(uint32(cpu), uint32(c.Lost), 0); marker != nil {
			return marker
		}
	}
	return nil
}

// Close ends reading; a Next under way returns os.ErrClosed.
func (r *Reader) Close() error { return r.ring.Close() }
