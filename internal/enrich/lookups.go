// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"tracer/internal/event"
	"tracer/internal/lookup"
)

// lookups read what functions looked up.
type lookups struct {
	// readers are by the addresses of the functions.
	readers map[uint64]*lookup.Reader
	// last is the look-up of the last event.
	last event.Lookup
}

// name sets the look-up of a function that returned. The data of its entry may be gone.
func (l *lookups) name(e *event.Event) {
	r := l.readers[e.Addr]
	if r == nil {
		return
	}
	e.Lookup = &l.last
	switch {
	case e.Raw.Lookup == nil:
		l.last = event.Lookup{Kind: r.Of.Kind, Unknown: true}
	default:
		l.last = r.Read(e.Raw.Lookup, e.Names.Result.Name)
	}
}
