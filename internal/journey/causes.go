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
	// mostGroups is the number of groups of one cause that are listed separately, so that those of a scan of ports do not
	// displace other causes.
	mostGroups = 5
	// mostKinds is the number of groups that are kept. Then further ones are counted together, by cause.
	mostKinds = 1 << 10
	// mostOverflows is the number of causes for which that is done. The table has fewer, but events may be stored ones of
	// another version.
	mostOverflows = 1 << 10
	// Unreported stands for the reason of a packet that ended without a drop that the kernel reports.
	Unreported = "consumed without a drop report"
)

// Causes counts drops by cause. The zero value is ready to use.
type Causes struct {
	kinds map[causeKind]*kindCount
	// order has the kinds in the order of their first drops.
	order []*kindCount
	// explained is set once a drop had a section Why.
	explained bool
}

// causeKind is the key by which drops are counted. reason is only set for an unknown cause, and group only for a known one.
// overflow is set for all groups of the cause that are not kept separately.
type causeKind struct {
	cause, reason, group string
	overflow             bool
}

// kindCount counts the drops of a kind.
type kindCount struct {
	event.CauseCount
	text mergedText
}

// Add counts a drop. One without a section Why has an unknown cause.
func (c *Causes) Add(e *event.Event) {
	kind := causeKind{cause: event.UnknownCause}
	var pieces []event.WhyPiece
	if e.Why != nil {
		c.explained = true
		kind.cause, kind.group, pieces = e.Why.Cause, e.Why.Group, piecesOf(e.Why)
	}
	if kind.cause == event.UnknownCause {
		kind.reason, kind.group, pieces = e.Names.Reason, "", nil
		if e.Why != nil && e.Why.Silent {
			kind.reason = Unreported
		}
	}
	n := c.kind(kind, &e.Tuple)
	n.Count++
	if n.Cause != event.OtherCauses {
		n.text.add(pieces)
	}
}

// kind returns the count of a kind, or if there are too many, a count of several.
func (c *Causes) kind(kind causeKind, tuple *event.Tuple) *kindCount {
	if c.kinds == nil {
		c.kinds = map[causeKind]*kindCount{}
	}
	if c.kinds[kind] == nil && len(c.kinds) >= mostKinds {
		kind = causeKind{cause: kind.cause, overflow: true}
	}
	if c.kinds[kind] == nil && len(c.kinds) >= mostKinds+mostOverflows {
		kind, tuple = causeKind{cause: event.OtherCauses, overflow: true}, &event.Tuple{}
	}
	n := c.kinds[kind]
	if n == nil {
		n = &kindCount{CauseCount: event.CauseCount{Cause: kind.cause, Reason: kind.reason, Tuple: *tuple, Groups: 1}}
		if kind.overflow {
			n.Groups = 0
		}
		c.kinds[kind], c.order = n, append(c.order, n)
	}
	return n
}

// List returns the counts, the highest first, and equal ones in the order of their first drops. Of a cause with many groups,
// the less frequent ones are counted together. If there are more than MostCauses, a last entry has the sum of the others.
// List returns nothing if no drop had a section Why.
func (c *Causes) List() []event.CauseCount {
	if !c.explained {
		return nil
	}
	var list []event.CauseCount
	rest := event.CauseCount{Cause: event.OtherCauses}
	known := true
	for _, n := range sorted(c.joined()) {
		if n.Cause == event.OtherCauses || len(list) >= MostCauses {
			rest.Count += n.Count
			rest.Groups += n.Groups
			known = known && n.Groups > 0
			continue
		}
		n.Text = n.text.text()
		list = append(list, n.CauseCount)
	}
	if !known {
		rest.Groups = 0
	}
	if rest.Count > 0 {
		list = append(list, rest)
	}
	return list
}

// joined returns copies of the counts, in which the less frequent groups of each cause are joined.
func (c *Causes) joined() []*kindCount {
	groups := map[string]int{}
	tails := map[string]*kindCount{}
	var list []*kindCount
	for _, n := range sorted(c.order) {
		one := &kindCount{CauseCount: n.CauseCount}
		one.text.merge(&n.text)
		groups[n.Cause]++
		switch tail := tails[n.Cause]; {
		case n.Cause == event.UnknownCause || n.Cause == event.OtherCauses || groups[n.Cause] <= mostGroups:
			list = append(list, one)
		case tail == nil:
			tails[n.Cause] = one
			list = append(list, one)
		default:
			tail.join(one)
		}
	}
	return list
}

// join adds the drops of another group of the same cause.
func (n *kindCount) join(other *kindCount) {
	n.Count += other.Count
	n.text.merge(&other.text)
	if n.Groups == 0 || other.Groups == 0 {
		n.Groups = 0
		return
	}
	n.Groups += other.Groups
}

func sorted(list []*kindCount) []*kindCount {
	return slices.SortedStableFunc(slices.Values(list), func(a, b *kindCount) int { return cmp.Compare(b.Count, a.Count) })
}
