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
	return &Stage{table: t, reader: newReader(t, l), resolver: r, drop: Drop{Values: Values{}, BySite: map[string]Values{}}, buffer: make([]lookup.Value, 0, 4)}, nil
}

// Explain sets the section Why of a drop whose record has values. The names of the event's reason and location must be
// set already. The section is valid until the next call.
func (s *Stage) Explain(e *event.Event) {
	e.Why = nil
	if e.Kind == event.Verdict {
		s.explainVerdict(e)
		return
	}
	if !e.Drop.Dropped && !e.Raw.Silent || len(e.Raw.Why) == 0 {
		return
	}
	s.read(e)
	s.why = event.Why{Evidence: s.why.Evidence[:0], Values: s.why.Values[:0], Pieces: s.why.Pieces[:0], Silent: e.Raw.Silent}
	s.answer(s.table.Explain(&s.drop), e)
	s.reader.read(e.Raw.Why, func(p *placement, _ []byte) { s.addEvidence(p.Function) })
	s.addEvidence(bare(e.Names.Location))
	e.Why = &s.why
}

// read fills in s.drop from the event and its record.
func (s *Stage) read(e *event.Event) {
	clear(s.drop.Values)
	clear(s.drop.BySite)
	s.drop.Reason, s.drop.Location, s.drop.Silent = "", e.Names.Location, ""
	if e.Drop.HasReason {
		s.drop.Reason = strings.TrimPrefix(e.Names.Reason, event.ReasonPrefix)
	}
	s.reader.read(e.Raw.Why, func(p *placement, raw []byte) {
		to := s.drop.Values
		if p.prefix == "" {
			to = Values{}
			s.drop.BySite[p.Name] = to
		}
		to.add(p, raw, s.buffer)
		if e.Raw.Silent && p.dies {
			s.drop.Silent = p.Name
		}
	})
}

func (s *Stage) answer(a Answer, e *event.Event) {
	if a.Cause == nil {
		s.why.Cause, s.why.Remedy = event.UnknownCause, s.unkept(e)
		s.addAll("", s.drop.Values)
		for _, site := range slices.Sorted(maps.Keys(s.drop.BySite)) {
			s.addAll(site+".", s.drop.BySite[site])
		}
		return
	}
	s.why.Cause, s.why.Text, s.why.Remedy, s.why.Group = a.Cause.ID, a.Text, a.Remedy, a.Group
	if s.resolver != nil {
		s.why.Text, s.why.Group = s.complete(a, e)
		s.why.Remedy = s.remedy(a, e)
	}
	s.group(a)
	s.why.Text += a.Notes
	for _, key := range a.Keys {
		if v, known := a.Values[key]; known {
			s.addValue(key, v)
		}
	}
}

// addAll adds all values, sorted by key, with a prefix before each key.
func (s *Stage) addAll(prefix string, values Values) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		s.addValue(prefix+key, values[key])
	}
}

func (s *Stage) addValue(key string, v Value) {
	s.why.Values = append(s.why.Values, event.Fact{Key: key, Kind: v.Kind, Text: []byte(v.Text), Number: v.Number})
}

// addEvidence adds the name of a function, unless it is empty or already in the list.
func (s *Stage) addEvidence(function string) {
	if function != "" && !slices.Contains(s.why.Evidence, function) {
		s.why.Evidence = append(s.why.Evidence, function)
	}
}

// The remedies for a drop whose cause is unknown, since the BPF programs keep the values of decisions only for packets
// that match the filter themselves, that are followed, or whose addresses NAT has changed.
const (
	unkeptInner  = "use a filter that this packet matches, too, or none: what was decided about it was not kept, since only the packet inside matches; or --filter-track-skb, if this host encapsulates it"
	unkeptQuoted = "use a filter that this packet matches, too, or none: what was decided about it was not kept, since only the packet that it quotes matches"
)

// unkept returns the remedy if decisions about the packet may be unknown because of the filter; else nothing.
func (s *Stage) unkept(e *event.Event) string {
	switch {
	case len(s.reader.decisions) == 0 || e.First == nil:
		return ""
	case e.First.By == event.FirstInner:
		return unkeptInner
	case e.First.By == event.FirstQuoted:
		return unkeptQuoted
	}
	return ""
}
