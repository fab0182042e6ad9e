// SPDX-License-Identifier: Apache-2.0

// Package lookup describes the functions that look something up for a packet: a route, a
// neighbour, a connection, a socket or a queueing discipline. It has the expressions for
// their keys and results, and decodes the values.
package lookup

import (
	"slices"
	"strings"

	"tracer/internal/event"
)

// Lookup is a group of functions that look up the same kind of object in the same way. Its
// expressions, in the language of package expr, are about the arguments and the result of a
// function; they are evaluated when it returns.
type Lookup struct {
	Kind string
	// Functions are the names of functions. If Enqueue is set, all functions that enqueue a packet
	// to a queueing discipline (Qdisc_ops.enqueue) are in the group, too.
	Functions []string
	Enqueue   bool
	// Missing is an expression that is non-zero if nothing was found. It is empty for functions
	// that always find something.
	Missing string
	// Asked is the key of the look-up, Found describes the object that was found.
	Asked, Found []Field
}

// Field is one field of the key or the result.
type Field struct {
	Key  string
	Form Form
	// Where is an expression that is zero if the field does not exist. It is empty if the field
	// always exists.
	Where string
	// Variants are alternative lists of expressions for the values of the form. The first list
	// that compiles on the running kernel is used.
	Variants [][]string
}

// values returns a single variant.
func values(texts ...string) [][]string { return [][]string{texts} }

// Kinds returns the kinds of look-ups, in the order of the table.
func Kinds() []string {
	var kinds []string
	for _, l := range table {
		if !slices.Contains(kinds, l.Kind) {
			kinds = append(kinds, l.Kind)
		}
	}
	return kinds
}

// Of returns the look-ups of a kind.
func Of(kind string) []*Lookup {
	var list []*Lookup
	for i := range table {
		if table[i].Kind == kind {
			list = append(list, &table[i])
		}
	}
	return list
}

// Modules returns the modules that have functions of a kind. A name may end in a *.
func Modules(kind string) []string {
	switch kind {
	case "conntrack":
		return []string{"nf_conntrack"}
	case "qdisc":
		return []string{"sch_*"}
	}
	return nil
}

// Aliases are additional names of arguments in expressions, by the struct that an argument
// points to. The real name of a parameter may differ between kernels, and between the functions
// of a kind.
var Aliases = map[string]string{
	"fib_table": "tb", "flowi4": "fl4", "fib_result": "res",
	"fib6_table": "tb", "flowi6": "fl6", "fib6_result": "res",
	"neighbour": "neigh", "neigh_table": "tbl", "net_device": "dev",
	"net": "net", "sk_buff": "skb", "Qdisc": "q",
	"nf_conntrack_tuple": "tuple", "nf_conntrack_zone": "zone",
}

// FieldSlots has the slots of a field's values in the data that the BPF program read. It is empty
// for a field that the running kernel does not have.
type FieldSlots struct {
	Where, Values []Slot
}

// Slot is the position of a value: its bit in the bitmap of values that could be read, its offset
// and its size in bytes.
type Slot struct{ Number, At, Size int }

// Layout is the layout of the values that the program of one function reads.
type Layout struct {
	Of *Lookup
	// Missing, Asked and Found have the slots of the values of the expressions in Of.
	Missing      FieldSlots
	Asked, Found []FieldSlots
}

// Reader decodes the look-ups of one function. It reuses its memory.
type Reader struct {
	Layout

	values []Value
	text   []byte
	asked  []event.Fact
	found  []event.Fact
}

// NewReader returns a reader for values with that layout.
func NewReader(l Layout) *Reader { return &Reader{Layout: l} }

// Read decodes the values of one call. raw begins with the bitmap of values that could be
// read; name is the name of the function's result, such as an errno. The returned Lookup is valid
// until the next call.
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

// errorName returns the name of a result if it is an errno, else "".
func errorName(name string) string {
	if strings.HasPrefix(name, "E") {
		return name
	}
	return ""
}

func (r *Reader) facts(facts []event.Fact, fields []Field, slots []FieldSlots, raw []byte) []event.Fact {
	for i := range fields {
		fact := event.Fact{Key: fields[i].Key}
		if r.fill(&fact, &fields[i], &slots[i], raw) {
			facts = append(facts, fact)
		}
	}
	return facts
}

// fill sets the value of a fact, if it could be read. It returns false if the field does not
// exist.
func (r *Reader) fill(fact *event.Fact, f *Field, slots *FieldSlots, raw []byte) bool {
	if f.Where != "" {
		where, ok := r.take(slots.Where, raw)
		if !ok || where[0].number() == 0 {
			return !ok
		}
	}
	values, ok := r.take(slots.Values, raw)
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

// take returns the values in these slots. It returns false if one could not be read.
func (r *Reader) take(slots []Slot, raw []byte) (values []Value, ok bool) {
	r.values, ok = Take(r.values[:0], slots, raw)
	return r.values, ok
}

// Take appends the values in the slots to a list. raw begins with a bitmap of the values that could be read. Take returns
// false if there are no slots, or if one of their values could not be read.
func Take(to []Value, slots []Slot, raw []byte) ([]Value, bool) {
	for _, v := range slots {
		if v.At+v.Size > len(raw) || raw[v.Number/8]>>(v.Number%8)&1 == 0 {
			return to, false
		}
		to = append(to, raw[v.At:v.At+v.Size])
	}
	return to, len(slots) > 0
}
