// SPDX-License-Identifier: Apache-2.0

package column

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tracer/internal/printable"
)

// ErrUnknown means that no column has the name.
var ErrUnknown = errors.New("no such column")

// ChoiceError is the error for a column that the user named.
type ChoiceError struct {
	// Word is the user's name of the column, Cause the reason.
	Word  string
	Cause error
}

func (e *ChoiceError) Error() string {
	return fmt.Sprintf("column %s: %v", printable.Quote(e.Word), e.Cause)
}

func (e *ChoiceError) Unwrap() error { return e.Cause }

// Usage marks the error as a usage error.
func (e *ChoiceError) Usage() bool { return true }

// misuse is the error for a known column that can't be printed. The hint says what to do instead.
type misuse struct{ text, hint string }

func (m *misuse) Error() string { return m.text }

// Hint returns what to type instead.
func (m *misuse) Hint() string { return m.hint }

// Words for several columns.
const (
	// DefaultColumns selects the columns that are printed if no columns are chosen.
	DefaultColumns = "default"
	// AllColumns selects all columns that need no additional events.
	AllColumns = "all"
)

// Choose returns the value of [Options].Chosen for the words of a user. Each word is the name,
// header or JSON key of a column, case-insensitively, or DefaultColumns or AllColumns, which
// leave out columns that are also named. Which columns exist depends on the format (JSON or
// text) and on o. Its errors are of type [*ChoiceError].
func Choose(words []string, o Options, json bool) ([]string, error) {
	c := choice{options: o, json: json, all: table(o)}
	for _, word := range words {
		if err := c.add(word); err != nil {
			return nil, &ChoiceError{word, err}
		}
	}
	c.expand()
	if !json && !slices.ContainsFunc(c.columns, func(c *Column) bool { return !c.Block }) {
		return nil, &ChoiceError{strings.Join(words, ","), &misuse{"printed below a row, and no column of the row is named", "add a column such as func"}}
	}
	return c.names(), nil
}

// choice has the columns chosen so far.
type choice struct {
	options Options
	json    bool
	all     []Column
	columns []*Column
	sets    []set
}

// set is DefaultColumns or AllColumns. at is the number of columns that are named before it.
type set struct {
	at   int
	word string
}

func (c *choice) names() []string {
	var names []string
	for _, column := range c.columns {
		names = append(names, column.Name)
	}
	return names
}

func (c *choice) add(word string) error {
	if isSet(word) {
		c.sets = append(c.sets, set{len(c.columns), word})
		return nil
	}
	column, err := c.find(word)
	if err == nil {
		err = c.check(column)
	}
	if err == nil {
		c.columns = append(c.columns, column)
	}
	return err
}

// find finds a column by name, header or key. If there are several, it prefers the one that
// is printed by default, then the one with that name.
func (c *choice) find(word string) (*Column, error) {
	found := c.called(word)
	if len(found) == 0 {
		return nil, ErrUnknown
	}
	for _, prefer := range []func(*Column) bool{
		func(*Column) bool { return len(found) == 1 },
		c.options.wants,
		func(column *Column) bool { return strings.EqualFold(column.Name, word) },
	} {
		if i := slices.IndexFunc(found, prefer); i >= 0 {
			return found[i], nil
		}
	}
	return nil, ambiguous(found)
}

func (c *choice) called(word string) []*Column {
	var found []*Column
	for i := range c.all {
		column := &c.all[i]
		if strings.EqualFold(column.Name, word) || strings.EqualFold(column.Key, word) || isHeader(column, word) {
			found = append(found, column)
		}
	}
	return found
}

func isHeader(column *Column, word string) bool {
	return word != "" && (strings.EqualFold(column.Header, word) || strings.EqualFold(column.Screen.Header, word))
}

func ambiguous(found []*Column) error {
	var names []string
	for _, column := range found {
		names = append(names, column.Name)
	}
	return &misuse{"could be " + strings.Join(names, " or "), "name one of them"}
}

func isSet(word string) bool {
	return strings.EqualFold(word, DefaultColumns) || strings.EqualFold(word, AllColumns)
}

// expand inserts the columns of each set, except those that are also named.
func (c *choice) expand() {
	added := 0
	for _, s := range c.sets {
		for i := range c.all {
			column := &c.all[i]
			if c.contains(s.word, column) && c.check(column) == nil {
				c.columns = slices.Insert(c.columns, s.at+added, column)
				added++
			}
		}
	}
}

func (c *choice) contains(word string, column *Column) bool {
	if c.options.wants(column) {
		return true
	}
	if strings.EqualFold(word, DefaultColumns) {
		return false
	}
	switch column.Group {
	case Time: // one form of the time is enough: that of --timestamp, or else Absolute
		return c.options.Timestamp == None && column.timestamp == Absolute
	case Return, Duration, Program, Lookups, BPFMap, Why: // these need additional events or probes
		return false
	}
	return c.json || !column.Block
}

// check rejects columns that can't be printed, or that are named twice.
func (c *choice) check(column *Column) error {
	for _, other := range c.columns {
		switch {
		case other.Name == column.Name:
			return &misuse{"named twice", "name each column once"}
		case c.json && other.Key == column.Key:
			return &misuse{fmt.Sprintf("has the same key %s as %s", printable.Quote(column.Key), printable.Quote(other.Name)), "name one of them"}
		}
	}
	switch {
	case !c.json && column.Text == nil:
		return &misuse{"printed in JSON only, not in text", "add --output-json"}
	case column.Group == Metadata && !c.options.Metadata:
		return &misuse{"no expressions are given", "add --output-skb-metadata LIST"}
	case column.Group == XDPMetadata && !c.options.XDPMetadata:
		return &misuse{"no expressions are given", "add --output-xdp-metadata LIST"}
	case column.Group == First && !c.options.First:
		return &misuse{"only drops have a first tuple", "add --drop"}
	case column.Group == Head && !c.options.Head:
		return &misuse{"no XDP programs are traced", "add --filter-trace-xdp"}
	}
	return nil
}

// arrange returns the columns in o.Chosen, in that order.
func (o *Options) arrange(all []Column) []Column {
	var chosen []Column
	for _, name := range o.Chosen {
		if i := slices.IndexFunc(all, func(c Column) bool { return c.Name == name }); i >= 0 {
			chosen = append(chosen, all[i])
		}
	}
	return chosen
}

// Omitted returns the columns that an option requests but that are not chosen. A time column is
// not omitted if another time column is chosen.
func Omitted(o Options, json bool) []string {
	if o.Chosen == nil {
		return nil
	}
	all := table(o)
	chosen := o.arrange(all)
	var names []string
	for _, c := range all {
		has := slices.ContainsFunc(chosen, func(other Column) bool { return other.Name == c.Name || other.Group == c.Group && c.Group == Time })
		if !has && isFlagged(c.Group) && o.wants(&c) && (json || c.Text != nil) {
			names = append(names, c.Name)
		}
	}
	return names
}

// isFlagged reports whether a group has its own flag: its columns are neither printed by default
// nor implied by what is traced.
func isFlagged(g Group) bool {
	switch g {
	case Packet, Meta, Tuple, First, Head, Program, Duration:
		return false
	}
	return true
}
