// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"slices"
)

// Clone returns a copy that shares no memory with e, except strings, which never change. It has no
// Raw.
func (e *Event) Clone() *Event {
	c := *e
	c.Raw = Raw{}
	c.Tunnel, c.First = copied(e.Tunnel), copied(e.First)
	c.Netfilter, c.Conntrack = copied(e.Netfilter), copied(e.Conntrack)
	c.CB, c.Loss, c.BPF = copied(e.CB), copied(e.Loss), copied(e.BPF)
	c.Map, c.Lookup, c.Totals = e.Map.clone(), e.Lookup.clone(), e.Totals.clone()
	c.Stack = slices.Clone(e.Stack)
	c.Why = e.Why.clone()
	c.Bytes = e.Bytes.clone()
	c.SkbDump, c.SharedInfo = e.SkbDump.clone(), e.SharedInfo.clone()
	c.Values, c.XDPValues = cloneValues(e.Values), cloneValues(e.XDPValues)
	return &c
}

// copied copies a section that refers to no other memory.
func copied[T any](section *T) *T {
	if section == nil {
		return nil
	}
	c := *section
	return &c
}

func (m *MapCall) clone() *MapCall {
	c := copied(m)
	if c != nil {
		c.Key, c.Value = bytes.Clone(m.Key), bytes.Clone(m.Value)
	}
	return c
}

func (l *Lookup) clone() *Lookup {
	c := copied(l)
	if c != nil {
		c.Asked, c.Found = cloneFacts(l.Asked), cloneFacts(l.Found)
	}
	return c
}

func cloneFacts(facts []Fact) []Fact {
	c := slices.Clone(facts)
	for i := range c {
		c[i].Text = bytes.Clone(c[i].Text)
	}
	return c
}

func (t *Totals) clone() *Totals {
	c := copied(t)
	if c != nil {
		c.DropReasons, c.BenignReasons = slices.Clone(t.DropReasons), slices.Clone(t.BenignReasons)
		c.HiddenReasons, c.Unseen = slices.Clone(t.HiddenReasons), slices.Clone(t.Unseen)
		c.Causes = slices.Clone(t.Causes)
	}
	return c
}

func (v *Value) clone() *Value {
	c := copied(v)
	if c != nil {
		c.Text, c.JSON = bytes.Clone(v.Text), bytes.Clone(v.JSON)
	}
	return c
}

func cloneValues(values []NamedValue) []NamedValue {
	c := slices.Clone(values)
	for i := range c {
		c[i].Value = c[i].Value.clone()
	}
	return c
}
