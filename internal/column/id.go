// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

func idColumns() []Column {
	return []Column{
		{
			Name: "id", Header: "ID", Key: "id", Type: Number, Width: 8,
			Screen: Screen{Steps: []Step{{rankID, 10}, {45, 16}}},
			Help:   "number of the packet; /PART(ORIGIN<PARENT) for all but its first part",
			Group:  ID, Text: idText, JSON: id,
		},
		{
			Name: "part", Key: "part", Type: Number, Help: "number of this sk_buff; the parts of all packets are counted together",
			Group: ID, JSON: partNumber,
		},
		{
			Name: "parent", Key: "parent", Type: Number, Help: "part that this one was made from, null for the first",
			Group: ID, JSON: parent,
		},
		{
			Name: "origin", Key: "origin", Type: String,
			Help:  "how this part was made, such as clone or segment; null for the first",
			Group: ID, JSON: origin,
		},
	}
}

// idText appends text like `12` for the first part of packet 12, `12/15(clone)` for a clone of it, or
// `12/17(segment<15)` for a segment of another part, 15.
func idText(dst []byte, e *event.Event) []byte {
	l := &e.Lineage
	if l.ID == 0 {
		return append(dst, '-')
	}
	dst = appendUint(dst, l.ID)
	if l.Origin == event.First {
		return dst
	}
	dst = append(appendUint(append(dst, '/'), l.Part), '(')
	dst = append(dst, l.Origin.String()...)
	if l.Parent != l.First {
		dst = appendUint(append(dst, '<'), l.Parent)
	}
	return append(dst, ')')
}

func id(dst []byte, e *event.Event) []byte { return appendUintOrNull(dst, e.Lineage.ID) }

func partNumber(dst []byte, e *event.Event) []byte { return appendUintOrNull(dst, e.Lineage.Part) }

func parent(dst []byte, e *event.Event) []byte { return appendUintOrNull(dst, e.Lineage.Parent) }

func origin(dst []byte, e *event.Event) []byte {
	return appendStringOrNull(dst, e.Lineage.Origin.String())
}
