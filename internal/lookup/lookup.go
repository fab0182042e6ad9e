// SPDX-License-Identifier: Apache-2.0

// Package lookup says which functions look something up for a packet - a route, a
// neighbour, a connection, a socket, a queueing discipline -, where in their arguments
// and results what they were asked and what they found stands, and what it means.
package lookup

import (
	"slices"
	"strings"

	"tracer/internal/event"
)

// Lookup is functions that look up the same in the same way. What is read of their
// arguments and of what they return are expressions, in the language of package expr,
// read when they return.
type Lookup struct {
	Kind string
	// Functions are names; Enqueue stands for all functions by which a packet gets into
	// a queueing discipline.
	Functions []string
	Enqueue   bool
	// Missing is not zero where nothing was found; empty where something always is.
	Missing string
	// Asked is what was looked for, Found what is known of what was found.
	Asked, Found []Field
}

// Field is one thing that is told.
type Field struct {
	Key  string
	Form Form
	// Where is zero where there is nothing to tell; empty where there always is.
	Where string
	// Variants are expressions for the values that the form takes: the first of which all
	// are understood on the running kernel is read.
	Variants [][]string
}

// Values are the expressions of one variant.
func values(texts ...string) [][]string { return [][]string{texts} }

// Kinds are the kinds of look-ups, in the order of the table.
func Kinds() []string {
	var kinds []string
	for _, l := range table {
		if !slices.Contains(kinds, l.Kind) {
			kinds = append(kinds, l.Kind)
		}
	}
	return kinds
}

// Of are the look-ups of a kind.
func Of(kind string) []*Lookup {
	var list []*Lookup
	for i := range table {
		if table[i].Kind == kind {
			list = append(list, &table[i])
		}
	}
	return list
}

// Modules says which modules have functions of a kind, as names that may end in a *.
func Modules(kind string) []string {
	switch kind {
	case "conntrack":
		return []string{"nf_conntrack"}
	case "qdisc":
		return []string{"sch_*"}
	}
	return nil
}

// Aliases are names that an argument has in expressions besides its own, by the struct
// that it points to: the own name differs from kernel to kernel, and among the functions
// of a kind.
var Aliases = map[string]string{
	"fib_table": "tb", "flowi4": "fl4", "fib_result": "res",
	"fib6_table": "tb", "flowi6": "fl6", "fib6_result": "res",
	"neighbour": "neigh", "neigh_table": "tbl", "net_device": "dev",
	"net": "net", "sk_buff": "skb", "Qdisc": "q",
	"nf_conntrack_tuple": "tuple", "nf_conntrack_zone": "zone",
}

// Placed is where the values of a field lie among those that were read. Without any it
// is one that the running kernel does not have.
type Placed struct {
	Where, Values []Slot
}

// Slot is a value's: its number, where it is, and its size in bytes.
type Slot struct{ Number, At, Size int }

// Layout is where the values of one function's look-ups lie in what its program reads.
type Layout struct {
	Of *Lookup
	// Missing, Asked and Found are where the values of the expressions of Of are.
	Missing      Placed
	Asked, Found []Placed
}

// Reader decodes the look-ups of one function. It reuses its memory for each of them.
type Reader struct {
	Layout

	values []Value
	text   []byte
	asked  []event.Fact
	found  []event.Fact
}

// NewReader returns a reader of values that are laid out like that.
func NewReader(l Layout) *Reader { return &Reader{Layout: l} }

// Read takes the values of one call, behind the bits that tell which were read; name is
// what the function's result is called. What it returns is good until the next call.
func (r *Reader) Read(raw []byte, name string) event.Lookup {
	r.text = r.text[:0]
	l := event.Lookup{Kind: r.Of.Kind}
	r.asked = r.facts(r.asked[:0], r.Of.Asked, r.Asked, raw)
	l.Asked = r.asked
	if r.Of.Missing != "" {
		missing, ok := r.take(r.Missing.Values, raw)
		if l.Unknown = !ok; l.Unknown {
			return l
		}
		if missing[0].number() != 0 {
			l.Missing, l.Error = true, errorName(name)
			return l
		}
	}
	r.found = r.facts(r.found[:0], r.Of.Found, r.Found, raw)
	l.Found = r.found
	return l
}

// errorName is the name of a result where it is an error's.
func errorName(name string) string {
	if strings.HasPrefix(name, "E") {
		return name
	}
	return ""
}

func (r *Reader) facts(facts []event.Fact, fields []Field, places []Placed, raw []byte) []event.Fact {
	for i := range fields {
		fact := event.Fact{Key: fields[i].Key}
		if r.tell(&fact, &fields[i], &places[i], raw) {
			facts = append(facts, fact)
		}
	}
	return facts
}

// tell fills a fact in, as far as it could be read, and says whether there is something
// to tell.
func (r *Reader) tell(fact *event.Fact, f *Field, p *Placed, raw []byte) bool {
	if f.Where != "" {
		where, ok := r.take(p.Where, raw)
		if !ok || where[0].number() == 0 {
			return !ok
		}
	}
	values, ok := r.take(p.Values, raw)
	if !ok {
		return true
	}
	from := len(r.text)
	r.text = f.Form.append(r.text, values)
	fact.Kind, fact.Usual, fact.Text = f.Form.kind, f.Form.usual, r.text[from:]
	if f.Form.kind == event.NumberFact {
		fact.Number = values[0].number()
	}
	return true
}

// take takes values, if all could be read.
func (r *Reader) take(places []Slot, raw []byte) ([]Value, bool) {
	r.values = r.values[:0]
	for _, v := range places {
		if v.At+v.Size > len(raw) || raw[v.Number/8]>>(v.Number%8)&1 == 0 {
			return nil, false
		}
		r.values = append(r.values, raw[v.At:v.At+v.Size])
	}
	return r.values, len(places) > 0
}
