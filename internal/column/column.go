// SPDX-License-Identifier: Apache-2.0

// Package column is the one table of output fields. Text, JSON, the help text
// and the documentation are all made from it, so that they cannot disagree.
package column

import "tracer/internal/event"

// Group is the set of columns that one output flag switches on or off.
type Group string

const (
	// Packet columns are always there.
	Packet Group = "packet"
	// Time columns are chosen by --timestamp.
	Time Group = "time"
	// Meta columns are switched by --output-meta.
	Meta Group = "meta"
	// Tuple columns are switched by --output-tuple.
	Tuple Group = "tuple"
)

// Type is the JSON type of a column's value.
type Type string

const (
	// String is a JSON string, or null where the event has no such thing.
	String Type = "string"
	// Number is a JSON number, or null where the event has no such thing.
	Number Type = "number"
	// Bool is true or false.
	Bool Type = "boolean"
	// Object is a JSON object.
	Object Type = "object"
)

// Column is one output field: its names, its place and how it is printed.
type Column struct {
	// Name is the field's own name, unique in the table.
	Name string
	// Header stands above the text column; a field without a header is for JSON alone.
	Header string
	// Help says in one clause what the field holds.
	Help string
	// Width is the room in characters that its usual values need in text.
	Width int
	// Grows says that a longer value widens the column for the rows that follow.
	Grows bool
	// Key and Type are the JSON member's.
	Key  string
	Type Type
	// Group is what switches the field on.
	Group Group
	// Text appends the value as a text cell, without padding. It never breaks
	// the line, whatever bytes the kernel gave.
	Text func(dst []byte, e *event.Event) []byte
	// JSON appends the value as one complete JSON value.
	JSON func(dst []byte, e *event.Event) []byte

	timestamp Timestamp // for Group Time: the choice that shows it
}

// Options choose columns. The zero value chooses those that are always there.
type Options struct {
	// Meta adds what the sk_buff says of itself: netns, mark, interface, protocol, MTU, length.
	Meta bool
	// Tuple adds addresses, ports and what the transport header says.
	Tuple bool
	// Timestamp adds the time in the form chosen.
	Timestamp Timestamp
}

// All is every column in the order of printing.
func All() []Column {
	var all []Column
	for _, part := range [][]Column{
		wallColumns(), skbColumns(), processColumns(), tickColumns(), metaColumns(), tupleColumns(), funcColumns(),
	} {
		all = append(all, part...)
	}
	return all
}

// Select is the columns that o asks for, in the order of printing.
func Select(o Options) []Column {
	var chosen []Column
	for _, c := range All() {
		if o.wants(&c) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

func (o Options) wants(c *Column) bool {
	switch c.Group {
	case Time:
		return c.timestamp == o.Timestamp
	case Meta:
		return o.Meta
	case Tuple:
		return o.Tuple
	}
	return true
}
