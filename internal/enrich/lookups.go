// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"tracer/internal/event"
	"tracer/internal/lookup"
)

// lookups read what functions looked up, by their addresses.
type lookups map[uint64]*lookup.Reader

// name tells it of a function that returned. What was kept of its entry may be gone.
func (l lookups) name(e *event.Event) {
	r := l[e.Addr]
	switch {
	case r == nil:
	case e.Dump.Lookup == nil:
		e.Names.Lookup = event.Lookup{Kind: r.Of.Kind, Unknown: true}
	default:
		e.Names.Lookup = r.Read(e.Dump.Lookup, e.Names.Result.Name)
	}
}
