// SPDX-License-Identifier: Apache-2.0

// Package source has the beginning of the pipeline: where events come from.
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

// Live is a source whose events happen while it is read, until it is stopped.
type Live interface {
	Source
	// Start makes events flow.
	Start() error
	// Stop ends them. Next then returns the events that are under way, markers for losses that were not
	// reported yet, the Summary, and io.EOF.
	Stop() error
}

// ErrIdle means that no event is ready: a good moment to flush what was buffered.
var ErrIdle = errors.New("no event is ready")
