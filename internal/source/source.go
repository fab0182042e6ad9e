// SPDX-License-Identifier: Apache-2.0

// Package source defines the input of the pipeline: where events come from.
package source

import (
	"errors"

	"tracer/internal/event"
)

// Source yields the events of a run. It is for one goroutine.
type Source interface {
	// Next returns the next event, which is valid until the next call; stages of the pipeline may change
	// it. It returns ErrIdle if no event is ready, and io.EOF after the last one. The last event is a
	// Summary with the totals of the source, if it knows them.
	Next() (*event.Event, error)
	// Close releases what the source holds.
	Close() error
}

// Live is a source of events that happen while it is read, until it is stopped.
type Live interface {
	Source
	// Start makes events flow.
	Start() error
	// Stop stops the flow. Next then returns the events that are still buffered, markers for losses that
	// were not reported yet, the Summary, and io.EOF. Further calls do nothing.
	Stop() error
	// Now returns the current time of the clock of event times, in ns.
	Now() uint64
}

// ErrIdle means that no event is ready: a good time to flush the sinks.
var ErrIdle = errors.New("no event is ready")
