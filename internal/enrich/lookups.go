// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"tracer/internal/event"
	"tracer/internal/lookup"
)

// lookups decode the lookups of functions.
type lookups struct {
	// readers are keyed by the addresses of the functions.
	readers map[uint64]*lookup.Reader
	// last is the lookup of the last event.
	last event.Lookup
}

// name sets the lookup of a function that returned. The data of its entry may be missing.
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
