// SPDX-License-Identifier: Apache-2.0

// Package stream reads the ring buffer. It turns the records into events, in order, and inserts a marker
// where events are missing.
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

// maxWait is the longest time that an event waits in the ring: the programs wake the reader only when the ring
// has many events.
const maxWait = 50 * time.Millisecond

// ErrIdle means that the ring is empty now, so that the caller can flush the output.
var ErrIdle = errors.New("no event")

// Reader reads events from a ring buffer. It is for one goroutine.
type Reader struct {
	ring    *ringbuf.Reader
	record  ringbuf.Record
	decoder *Decoder
	gaps    gaps
	// held is the event that is returned after a loss marker.
	held *event.Event
}

// NewReader returns a reader of records of the layout from the map, which must be a ring buffer.
func NewReader(events *ebpf.Map, layout Layout) (*Reader, error) {
	ring, err := ringbuf.NewReader(events)
	if err != nil {
		return nil, fmt.Errorf("ring buffer: %w", err)
	}
	// Without a deadline, the first events would wait for a wake-up.
	ring.SetDeadline(time.Now().Add(maxWait))
	return &Reader{ring: ring, decoder: NewDecoder(layout)}, nil
}

// Next returns the next event, which is valid until the next call, or ErrIdle if there is none for 50 ms, or
// os.ErrClosed.
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
	if marker := r.gaps.mark(e.CPU, r.decoder.lost, e.Time); marker != nil {
		r.held = e
		return marker, nil
	}
	return e, nil
}

func (r *Reader) read() error {
	err := r.ring.ReadInto(&r.record)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		r.ring.SetDeadline(time.Now().Add(maxWait))
		return ErrIdle
	}
	return err
}

// Rest returns a marker for a CPU whose last losses are not reported by an event, or nil if there is none.
func (r *Reader) Rest(counts []bpf.Counters) *event.Event {
	for cpu, c := range counts {
		if marker := r.gaps.mark(uint32(cpu), uint32(c.Lost), 0); marker != nil {
			return marker
		}
	}
	return nil
}

// Close ends the reading. A blocked Next returns os.ErrClosed.
func (r *Reader) Close() error { return r.ring.Close() }
