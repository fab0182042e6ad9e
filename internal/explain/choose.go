// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"maps"
	"slices"
)

// Drop is what is known about a dropped packet.
type Drop struct {
	// Reason is the name of the drop reason without its prefix. It is empty on kernels without reasons.
	Reason string
	// Location is the symbol of the function that freed the packet, with or without an offset.
	Location string
	// Silent is the name of the decision at which the packet ended; empty for a drop that the kernel reports.
	Silent string
	// Values are the values of decisions. BySite has the values of each site, since sites may have equal keys.
	Values Values
	BySite map[string]Values
}

// values returns the values that a cause may use: the values of decisions and of its own site.
func (d *Drop) values(c *compiled) Values {
	if c.site == nil || d.BySite[c.site.Name] == nil {
		return d.Values
	}
	all := maps.Clone(d.Values)
	maps.Copy(all, d.BySite[c.site.Name])
	return all
}

// Answer is the explanation of a drop.
type Answer struct {
	// Cause is nil if the cause is unknown.
	Cause               *Cause
	Text, Remedy, Group string
	// Notes are the texts of notes that hold, each with a semicolon before it.
	Notes string
	// Keys are the keys of the values that the condition and the text of the cause use, in that order.
	Keys []string
	// Values are all values that the cause may use.
	Values Values
	// Contradicting are the causes that hold, if they exclude each other. Then Cause is nil.
	Contradicting []*Cause
}

// Explain finds the cause of a drop.
func (t *Table) Explain(d *Drop) Answer {
	held := denied(mostSpecific(t.holding(d)))
	if len(held) == 1 {
		return t.answer(d, held[0])
	}
	var a Answer
	for _, c := range held {
		a.Contradicting = append(a.Contradicting, c.Cause)
	}
	return a
}

// answer returns the explanation of a drop by a cause that holds.
func (t *Table) answer(d *Drop, c *compiled) Answer {
	values := d.values(c)
	text, _ := c.text.fill(values)
	a := Answer{Cause: c.Cause, Text: text, Remedy: c.remedy.fillLoosely(values), Group: c.group.fillLoosely(values), Keys: c.keys(), Values: values}
	a.addNotes(t, d)
	return a
}

// holding returns the causes of drops at this place whose condition holds, and whose text has all values.
func (t *Table) holding(d *Drop) (held []*compiled) {
	for _, c := range t.causes {
		if !c.applies(d) {
			continue
		}
		values := d.values(c)
		if !c.holds(d, values) {
			continue
		}
		if _, known := c.text.fill(values); known {
			held = append(held, c)
		}
	}
	return held
}

// holds reports whether the condition is known and true.
func (c *compiled) holds(d *Drop, values Values) bool {
	if c.when == nil {
		return true
	}
	value, known := c.when.Eval(func(key string) (uint64, bool) {
		if key == specified {
			return d.specified(), true
		}
		return values.number(key)
	})
	return known && value != 0
}

// specified is 1 if the kernel gave a reason, else 0.
func (d *Drop) specified() uint64 {
	if d.reason() == Unspecified {
		return 0
	}
	return 1
}

// mostSpecific removes the causes that another one refines.
func mostSpecific(held []*compiled) []*compiled {
	var left []*compiled
	for _, c := range held {
		isRefined := slices.ContainsFunc(held, func(by *compiled) bool { return slices.Contains(by.Refines, c.ID) })
		if !isRefined {
			left = append(left, c)
		}
	}
	return left
}

// denied returns the causes that depend on a decision with Denies, or all if there are none: if a function refused the
// packet, that is the cause, even if others hold at the same place.
func denied(held []*compiled) []*compiled {
	var left []*compiled
	for _, c := range held {
		if c.denies {
			left = append(left, c)
		}
	}
	if len(left) == 0 {
		return held
	}
	return left
}

// keys returns the keys of the condition, and then the others of the text.
func (c *compiled) keys() []string {
	keys := c.variables()
	for _, key := range slices.Concat(c.text.keys(false), c.text.keys(true)) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}
