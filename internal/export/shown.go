// SPDX-License-Identifier: Apache-2.0

package export

import (
	"tracer/internal/column"
	"tracer/internal/event"
)

// shown are the members of the last printed event that cells can be copied for. Each output has its own,
// since outputs with different filters print different rows. The zero value is right for no event yet:
// no cells exist that could be copied.
type shown struct {
	skb     uint64
	cpu     uint32
	process event.Process
	meta    event.Meta
	tuple   event.Tuple
	tunnel  event.Tunnel // the zero value if there is none
}

// update takes over the members in uses from the event, and returns those that have not changed.
func (s *shown) update(e *event.Event, uses column.Members) (same column.Members) {
	keep(&s.skb, &e.Skb, column.OfSkb, uses, &same)
	keep(&s.cpu, &e.CPU, column.OfCPU, uses, &same)
	keep(&s.process, &e.Process, column.OfProcess, uses, &same)
	keep(&s.meta.Len, &e.Meta.Len, column.OfLen, uses, &same)
	s.meta.Len = e.Meta.Len // so that only the rest of Meta is compared
	keep(&s.meta, &e.Meta, column.OfMeta, uses, &same)
	keep(&s.tuple, &e.Tuple, column.OfTuple, uses, &same)
	keep(&s.tunnel, tunnelOf(e), column.OfTunnel, uses, &same)
	return same
}

var noTunnel event.Tunnel

func tunnelOf(e *event.Event) *event.Tunnel {
	if e.Tunnel == nil {
		return &noTunnel
	}
	return e.Tunnel
}

// keep copies one member if it is in uses and has changed, and otherwise adds it to same.
func keep[T comparable](last, now *T, member, uses column.Members, same *column.Members) {
	switch {
	case uses&member == 0:
	case *now == *last:
		*same |= member
	default:
		*last = *now
	}
}
