// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"tracer/internal/column"
	"tracer/internal/event"
)

// cells prints the columns of a row. A packet passes through many functions unchanged, so most cells
// are copied from the previous row, if it is still in the buffer.
type cells struct {
	// print appends the cell of column i, with its key or its spaces.
	print func(dst []byte, i int, e *event.Event) []byte
	// of are the members of the event that each column prints; 0 means that the cell is never copied.
	of []column.Members
	// uses is the union of all of, and last has their values in the previous row.
	uses column.Members
	last lastRow
	// plans are the steps to print a row, by the members that have not changed. They are made at first use.
	plans [column.OfAll + 1][]step
	// begin is the offset of the previous row in the buffer, and ends are the ends of its cells, from begin.
	// flushes is the buffer's when the row was printed.
	begin   int
	ends    []int
	flushes int
}

// step copies the cells of the columns from first to before end, or prints one.
type step struct {
	first, end int
	copied     bool
}

func newCells(columns []column.Column, print func(dst []byte, i int, e *event.Event) []byte) cells {
	n := len(columns)
	c := cells{print: print, of: make([]column.Members, n), ends: make([]int, n), flushes: -1}
	for i := range columns {
		c.of[i] = columns[i].Of
		c.uses |= columns[i].Of
	}
	return c
}

func (c *cells) append(to *buffer, e *event.Event) {
	same := c.last.update(e, c.uses)
	if c.flushes != to.flushes {
		same = 0
	}
	dst, begin := to.data, len(to.data)
	last := 0 // the end of the previous cell in the previous row
	for _, s := range c.plan(same) {
		end := c.ends[s.end-1]
		if s.copied {
			c.shift(s, len(dst)-begin-last)
			dst = append(dst, dst[c.begin+last:c.begin+end]...)
		} else {
			dst = c.print(dst, s.first, e)
			c.ends[s.first] = len(dst) - begin
		}
		last = end
	}
	to.data, c.begin, c.flushes = dst, begin, to.flushes
}

// shift moves the ends of copied cells.
func (c *cells) shift(s step, by int) {
	if by == 0 {
		return
	}
	for i := s.first; i < s.end; i++ {
		c.ends[i] += by
	}
}

func (c *cells) plan(same column.Members) []step {
	if c.plans[same] == nil {
		c.plans[same] = c.newPlan(same)
	}
	return c.plans[same]
}

func (c *cells) newPlan(same column.Members) []step {
	var plan []step
	for i := 0; i < len(c.of); {
		s := step{first: i, end: i + 1}
		for i < len(c.of) && c.of[i] != 0 && c.of[i]&^same == 0 {
			i++
		}
		if s.copied = i > s.first; s.copied {
			s.end = i
		} else {
			i++
		}
		plan = append(plan, s)
	}
	return plan
}
