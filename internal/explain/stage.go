// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"maps"
	"slices"
	"strings"

	"tracer/internal/event"
	"tracer/internal/lookup"
)

// Stage explains the drops among events. It is for one goroutine.
type Stage struct {
	table    *Table
	reader   reader
	resolver Resolver // nil: none
	drop     Drop
	buffer   []lookup.Value
	why      event.Why
}

// NewStage returns a stage for records with that layout. The resolver may be nil.
func NewStage(l Layout, r Resolver) (*Stage, error) {
	t, err := LoadFamilies(l.Families)
	if err != nil {
		return nil, err
	}
	return &Stage{table: t, reader: newReader(t, l), resolver: r, drop: Drop{Values: Values{}}, buffer: make([]lookup.Value, 0, 4)}, nil
}

// Explain sets the section Why of a drop whose record has values. The event needs the names of the reason and
// of the location. The section is valid until the next call.
func (s *Stage) Explain(e *event.Event) {
	e.Why = nil
	if !e.Drop.Dropped && !e.Raw.Silent || len(e.Raw.Why) == 0 {
		return
	}
	s.read(e)
	s.why = event.Why{Evidence: s.why.Evidence[:0], Values: s.why.Values[:0], Silent: e.Raw.Silent}
	s.answer(s.table.Explain(&s.drop), e)
	s.reader.read(e.Raw.Why, func(p *placement, _ []byte) { s.addEvidence(p.Function) })
	s.addEvidence(bare(e.Names.Location))
	e.Why = &s.why
}

// read reads what is known about the drop.
func (s *Stage) read(e *event.Event) {
	clear(s.drop.Values)
	s.drop.Reason, s.drop.Location, s.drop.Silent = "", e.Names.Location, ""
	if e.Drop.HasReason {
		s.drop.Reason = strings.TrimPrefix(e.Names.Reason, event.ReasonPrefix)
	}
	s.reader.read(e.Raw.Why, func(p *placement, raw []byte) {
		s.drop.Values.add(p, raw, s.buffer)
		if e.Raw.Silent && p.dies {
			s.drop.Silent = p.Name
		}
	})
}

func (s *Stage) answer(a Answer, e *event.Event) {
	if a.Cause == nil {
		s.why.Cause = event.UnknownCause
		s.addValues(slices.Sorted(maps.Keys(s.drop.Values)))
		return
	}
	s.why.Cause, s.why.Text, s.why.Remedy, s.why.Group = a.Cause.ID, a.Text, a.Remedy, a.Group
	if s.resolver != nil {
		s.why.Text = s.complete(a, e)
	}
	s.addValues(a.Keys)
}

func (s *Stage) addValues(keys []string) {
	for _, key := range keys {
		if v, known := s.drop.Values[key]; known {
			s.why.Values = append(s.why.Values, event.Fact{Key: key, Kind: v.Kind, Text: []byte(v.Text), Number: v.Number})
		}
	}
}

// addEvidence adds the name of a function, unless it is empty or there already.
func (s *Stage) addEvidence(function string) {
	if function != "" && !slices.Contains(s.why.Evidence, function) {
		s.why.Evidence = append(s.why.Evidence, function)
	}
}
