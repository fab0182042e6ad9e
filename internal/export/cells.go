// SPDX-License-Identifier: Apache-2.0

package export

import (
	"tracer/internal/column"
	"tracer/internal/event"
)

// cells prints the columns of a row. A packet passes through many functions unchanged, so most cells
// are copied from the previous row, as long as that is still in the buffer.
type cells struct {
	// print appends the cell of column i, with all that belongs to it.
	print func(dst []byte, i int, e *event.Event) []byte
	// of is what each column's cell is made of; 0 is printed anew each time.
	of []column.Members
	// uses are the members that any cell is made of, and last their values in the previous row.
	uses column.Members
	last shown
	// plans are the steps to a row in which those members have not changed, made at first use.
	plans [column.OfAll + 1][]step
	// begin is where in the buffer the row before begins, and ends are where in that row
	// each cell ends. flushes is the buffer's at that time.
	begin   int
	ends    []int
	flushes int
}

// step is columns from first on, up to the one behind, to be copied, or one to be printed.
type step struct {
	first, behind int
	copied        bool
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
	last := 0 // where the cell before ended in the row before
	for _, s := range c.plan(same) {
		end := c.ends[s.behind-1]
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

// shift moves the ends of cells that are copied.
func (c *cells) shift(s step, by int) {
	if by == 0 {
		return
	}
	for i := s.first; i < s.behind; i++ {
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
		s := step{first: i, behind: i + 1}
		for i < len(c.of) && c.of[i] != 0 && c.of[i]&^same == 0 {
			i++
		}
		if s.copied = i > s.first; s.copied {
			s.behind = i
		} else {
			i++
		}
		plan = append(plan, s)
	}
	return plan
}
