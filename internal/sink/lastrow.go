// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"tracer/internal/column"
	"tracer/internal/event"
)

// lastRow has the members of the last printed event whose cells can be copied. Each sink has its own, since
// sinks with different filters print different rows. The zero value is correct before the first event, when
// there are no cells to copy.
type lastRow struct {
	skb     uint64
	cpu     uint32
	process event.Process
	meta    event.Meta
	tuple   event.Tuple
	tunnel  event.Tunnel // zero if there is none
}

// update copies the members in uses from the event, and returns those that have not changed.
func (r *lastRow) update(e *event.Event, uses column.Members) (same column.Members) {
	keep(&r.skb, &e.Skb, column.OfSkb, uses, &same)
	keep(&r.cpu, &e.CPU, column.OfCPU, uses, &same)
	keep(&r.process, &e.Process, column.OfProcess, uses, &same)
	keep(&r.meta.Len, &e.Meta.Len, column.OfLen, uses, &same)
	r.meta.Len = e.Meta.Len // so that only the rest of Meta is compared
	keep(&r.meta, &e.Meta, column.OfMeta, uses, &same)
	keep(&r.tuple, &e.Tuple, column.OfTuple, uses, &same)
	keep(&r.tunnel, tunnelOf(e), column.OfTunnel, uses, &same)
	return same
}

var noTunnel event.Tunnel

func tunnelOf(e *event.Event) *event.Tunnel {
	if e.Tunnel == nil {
		return &noTunnel
	}
	return e.Tunnel
}

// keep copies a member in uses if it has changed, and else adds it to same.
func keep[T comparable](last, now *T, member, uses column.Members, same *column.Members) {
	switch {
	case uses&member == 0:
	case *now == *last:
		*same |= member
	default:
		*last = *now
	}
}
