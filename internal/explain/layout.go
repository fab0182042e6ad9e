// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/binary"

	"tracer/internal/lookup"
)

// Layout says where the values of sites and decisions are in the records of drops. Entries of a record have
// indexes of its lists.
type Layout struct {
	Table     *Table
	Sites     []Placement
	Decisions []Placement
}

// Placement has the positions of the values of a site or a decision.
type Placement struct {
	// Prefix is that of the keys, such as "route." for a decision; empty for a site. Function is the function
	// of a decision.
	Prefix, Function string
	Reads            []Read
	// Placed are the positions of the values of Reads, in the same order.
	Placed []lookup.FieldSlots
}

// The parts of an entry in a record (struct record_why_entry in bpf/core/event.h).
const (
	headerSize      = 8
	entryHeaderSize = 8
	siteEntry       = 0
	decisionEntry   = 1
)

// read decodes the entries of a record. It calls use with the placement and the values of each.
func (l *Layout) read(raw []byte, use func(p *Placement, values []byte)) {
	raw = raw[min(headerSize, len(raw)):]
	for len(raw) >= entryHeaderSize {
		number, size := binary.NativeEndian.Uint16(raw), int(binary.NativeEndian.Uint16(raw[2:]))
		list := l.Sites
		if raw[4] == decisionEntry {
			list = l.Decisions
		}
		raw = raw[entryHeaderSize:]
		if size > len(raw) || int(number) >= len(list) {
			return
		}
		use(&list[number], raw[:size])
		raw = raw[size:]
	}
}

// add adds the values that could be read.
func (v Values) add(p *Placement, raw []byte, buffer []lookup.Value) {
	for i := range p.Reads {
		r, placed := &p.Reads[i], &p.Placed[i]
		if r.Where != "" {
			where, ok := lookup.Take(buffer[:0], placed.Where, raw)
			if !ok || where[0].Number() == 0 {
				continue
			}
		}
		if values, ok := lookup.Take(buffer[:0], placed.Values, raw); ok {
			v[p.Prefix+r.Key] = r.Value(values)
		}
	}
}
