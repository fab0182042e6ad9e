// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestID(t *testing.T) {
	of := func(l event.Lineage) event.Event { return event.Event{Lineage: l} }
	none, first := of(event.Lineage{}), of(event.Lineage{ID: 12, Part: 14, First: 14})
	clone := of(event.Lineage{ID: 12, Part: 15, Parent: 14, First: 14, Origin: event.Clone})
	segment := of(event.Lineage{ID: 12, Part: 17, Parent: 15, First: 14, Origin: event.Segment})
	checkCell(t, "id", none, "-", "null")
	checkCell(t, "id", first, "12", "12")
	checkCell(t, "id", clone, "12/15(clone)", "12")
	checkCell(t, "id", segment, "12/17(segment<15)", "12")
	for name, want := range map[string][3]string{
		"part": {"null", "14", "17"}, "parent": {"null", "null", "15"}, "origin": {"null", "null", `"segment"`},
	} {
		for i, e := range []event.Event{none, first, segment} {
			checkCell(t, name, e, "", want[i])
		}
	}
}
