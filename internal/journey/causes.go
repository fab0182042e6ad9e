// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"cmp"
	"slices"

	"tracer/internal/event"
)

const (
	// MostCauses is the number of causes that are listed separately.
	MostCauses = 20
	// mostKinds is the largest number of counts that are kept. The table has fewer causes, but there may be any number of
	// groups and of reasons.
	mostKinds = 1 << 10
)

// Causes counts drops by cause. The zero value is ready to use.
type Causes struct {
	counts map[causeKind]*event.CauseCount
	// order has the kinds in the order of their first drops.
	order []*event.CauseCount
	// explained is set once a drop had a section Why.
	explained bool
}

// causeKind is the key by which drops are counted. reason is only set for an unknown cause, and group only for a known one.
type causeKind struct{ cause, reason, group string }

// Add counts a drop. One without a section Why has an unknown cause.
func (c *Causes) Add(e *event.Event) {
	kind := causeKind{cause: event.UnknownCause}
	var text string
	if e.Why != nil {
		c.explained = true
		kind.cause, kind.group, text = e.Why.Cause, e.Why.Group, e.Why.Text
	}
	if kind.cause == event.UnknownCause {
		kind.reason, kind.group, text = e.Names.Reason, "", ""
	}
	c.count(kind, text, &e.Tuple)
}

func (c *Causes) count(kind causeKind, text string, tuple *event.Tuple) {
	if c.counts == nil {
		c.counts = map[causeKind]*event.CauseCount{}
	}
	if c.counts[kind] == nil && len(c.counts) >= mostKinds {
		kind, text, tuple = causeKind{cause: event.OtherCauses}, "", &event.Tuple{}
	}
	if c.counts[kind] == nil {
		first := &event.CauseCount{Cause: kind.cause, Reason: kind.reason, Text: text, Tuple: *tuple}
		c.counts[kind], c.order = first, append(c.order, first)
	}
	c.counts[kind].Count++
}

// List returns the counts, the highest first, and equal ones in the order of their first drops. If there are more than
// MostCauses, a last entry has the sum of the others. List returns nothing if no drop had a section Why.
func (c *Causes) List() []event.CauseCount {
	if !c.explained {
		return nil
	}
	var list []event.CauseCount
	rest := event.CauseCount{Cause: event.OtherCauses}
	for _, n := range c.sorted() {
		if n.Cause == event.OtherCauses || len(list) >= MostCauses {
			rest.Count += n.Count
		} else {
			list = append(list, *n)
		}
	}
	if rest.Count > 0 {
		list = append(list, rest)
	}
	return list
}

func (c *Causes) sorted() []*event.CauseCount {
	return slices.SortedStableFunc(slices.Values(c.order), func(a, b *event.CauseCount) int { return cmp.Compare(b.Count, a.Count) })
}
