// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/binary"

	"tracer/internal/lookup"
)

// Layout describes the values of sites and decisions in the records of drops. The number of an entry in a record is an
// index of Sites or of Decisions.
type Layout struct {
	// Families are the chosen families of causes.
	Families  []string
	Sites     []Placement
	Decisions []Placement
}

// Placement has the positions of the values of a site or a decision.
type Placement struct {
	// Name is the name of the site or decision. Function is the probed function of a decision.
	Name, Function string
	// Placed are the positions of the values of its reads, in the same order.
	Placed []lookup.FieldSlots
}

// reader reads the values of the entries of records.
type reader struct{ sites, decisions []placement }

// placement is a Placement with its reads. The prefix of the keys is empty for a site.
type placement struct {
	*Placement
	prefix string
	reads  []Read
	// dies is set for a decision with Dies.
	dies bool
}

func newReader(t *Table, l Layout) reader {
	var r reader
	for i := range l.Sites {
		p := &l.Sites[i]
		r.sites = append(r.sites, placement{Placement: p, reads: t.site(p.Name).Reads})
	}
	for i := range l.Decisions {
		p := &l.Decisions[i]
		d := t.Decision(p.Name)
		r.decisions = append(r.decisions, placement{p, p.Name + ".", d.Reads, d.Dies})
	}
	return r
}

// read decodes the entries of a record, and calls use with the placement and the values of each. It ignores what follows a
// truncated or unknown entry.
func (r *reader) read(raw []byte, use func(p *placement, values []byte)) {
	raw = raw[min(headerSize, len(raw)):]
	for len(raw) >= entryValues {
		number, size := binary.NativeEndian.Uint16(raw[entryNumber:]), int(binary.NativeEndian.Uint16(raw[entrySize:]))
		list := r.sites
		if raw[entryKind] == decisionEntry {
			list = r.decisions
		}
		raw = raw[entryValues:]
		if size > len(raw) || int(number) >= len(list) {
			return
		}
		use(&list[number], raw[:size])
		raw = raw[size:]
	}
}

// add adds the values of an entry that could be read.
func (v Values) add(p *placement, raw []byte, buffer []lookup.Value) {
	for i := range p.reads {
		r, placed := &p.reads[i], &p.Placed[i]
		if r.Where != "" {
			where, ok := lookup.Take(buffer[:0], placed.Where, raw)
			if !ok || where[0].Number() == 0 {
				continue
			}
		}
		if values, ok := lookup.Take(buffer[:0], placed.Values, raw); ok {
			v[p.prefix+r.Key] = r.Value(values)
		}
	}
}
