// SPDX-License-Identifier: Apache-2.0

package source

import (
	"io"

	"tracer/internal/event"
)

// Events is a source of events in memory: clones or decoded events, since other sources reuse theirs.
type Events struct{ rest []*event.Event }

// NewEvents returns a source of these events.
func NewEvents(events []*event.Event) *Events { return &Events{events} }

// Next returns the next event, and io.EOF after the last one.
func (e *Events) Next() (*event.Event, error) {
	if len(e.rest) == 0 {
		return nil, io.EOF
	}
	next := e.rest[0]
	e.rest = e.rest[1:]
	return next, nil
}

// Close does nothing.
func (e *Events) Close() error { return nil }
