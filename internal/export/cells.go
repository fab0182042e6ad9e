// SPDX-License-Identifier: Apache-2.0

package export

import (
	"tracer/internal/column"
	"tracer/internal/event"
)

// cells prints the columns of a row one behind the other. What a packet is, and where, hardly
// changes from one function to the next, so that most cells are copied from the row before.
type cells struct {
	// print appends the cell of column i, with all that belongs to it.
	print func(dst []byte, i int, e *event.Event) []byte
	// of is what each column's cell is made of, asked is all of that.
	of      []event.Members
	asked   event.Members
	changes event.Changes
	// row is the one before, and ends is where in it each cell ends; next is for the row
	// that is being made.
	row        []byte
	ends, next []int
}

func newCells(columns []column.Column, print func(dst []byte, i int, e *event.Event) []byte) cells {
	n := len(columns)
	c := cells{print: print, of: make([]event.Members, n), ends: make([]int, n), next: make([]int, n)}
	for i := range columns {
		c.of[i] = columns[i].Of
		c.asked |= columns[i].Of
	}
	return c
}

func (c *cells) append(dst []byte, e *event.Event) []byte {
	changed := c.changes.To(e, c.asked)
	begin := len(dst)
	for i := 0; i < len(c.of); {
		if behind := c.alike(i, changed); behind > i {
			dst = c.copy(dst, begin, i, behind)
			i = behind
			continue
		}
		dst = c.print(dst, i, e)
		c.next[i] = len(dst) - begin
		i++
	}
	c.row = append(c.row[:0], dst[begin:]...)
	c.ends, c.next = c.next, c.ends
	return dst
}

// alike is the first column from i on whose cell may differ from that of the row before.
func (c *cells) alike(i int, changed event.Members) int {
	for i < len(c.of) && c.of[i] != 0 && c.of[i]&changed == 0 {
		i++
	}
	return i
}

// copy appends the cells of the columns from first on, up to the one behind, of the row before.
func (c *cells) copy(dst []byte, begin, first, behind int) []byte {
	from := 0
	if first > 0 {
		from = c.ends[first-1]
	}
	shift := len(dst) - begin - from
	for i := first; i < behind; i++ {
		c.next[i] = c.ends[i] + shift
	}
	return append(dst, c.row[from:c.ends[behind-1]]...)
}
