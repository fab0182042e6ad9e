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
	length  uint32
	process event.Process
	// versions are those of the last event's sections. A section whose version is unknown is kept in meta,
	// tuple or tunnel, to be compared. The tunnel is zero if there is none.
	versions event.Versions
	meta     event.Meta
	tuple    event.Tuple
	tunnel   event.Tunnel
}

// update copies the members in uses from the event, and returns those that have not changed. uses must be the
// same in each call.
func (r *lastRow) update(e *event.Event, uses column.Members) (same column.Members) {
	keep(&r.skb, &e.Skb, column.OfSkb, uses, &same)
	keep(&r.cpu, &e.CPU, column.OfCPU, uses, &same)
	keep(&r.process, &e.Process, column.OfProcess, uses, &same)
	keep(&r.length, &e.Meta.Len, column.OfLen, uses, &same)
	return same | r.updateSections(e, uses)
}

// updateSections is update for the members that have versions.
func (r *lastRow) updateSections(e *event.Event, uses column.Members) column.Members {
	same, unknown := compareVersions(&r.versions, &e.Raw.Versions)
	if unknown &= uses; unknown != 0 {
		same |= r.compareValues(e, unknown)
	}
	r.versions = e.Raw.Versions
	return same & uses
}

// compareVersions returns the members whose version is the last one, and those whose version is unknown.
func compareVersions(last, now *event.Versions) (same, unknown column.Members) {
	switch now.Meta {
	case 0:
		unknown |= column.OfMeta
	case last.Meta:
		same |= column.OfMeta
	}
	switch now.Tuple {
	case 0:
		unknown |= column.OfTuple
	case last.Tuple:
		same |= column.OfTuple
	}
	switch now.Tunnel {
	case 0:
		unknown |= column.OfTunnel
	case last.Tunnel:
		same |= column.OfTunnel
	}
	return same, unknown
}

// compareValues updates the members in unknown, and returns those that were kept from the last event and have
// not changed.
func (r *lastRow) compareValues(e *event.Event, unknown column.Members) (same column.Members) {
	r.meta.Len = e.Meta.Len // so that only the rest of Meta is compared
	keep(&r.meta, &e.Meta, column.OfMeta, unknown, &same)
	keep(&r.tuple, &e.Tuple, column.OfTuple, unknown, &same)
	keep(&r.tunnel, tunnelOf(e), column.OfTunnel, unknown, &same)
	_, kept := compareVersions(&r.versions, &r.versions)
	return same & kept
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
