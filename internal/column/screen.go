// SPDX-License-Identifier: Apache-2.0

package column

import (
	"cmp"
	"slices"

	"tracer/internal/event"
)

// Screen describes a column on a terminal, where the table must fit the width.
type Screen struct {
	// Header and Text replace those of the column, unless they are zero.
	Header string
	Text   func(dst []byte, e *event.Event) []byte
	// Cut shortens the cell that begins at start to width cells; nil cuts it at its end.
	Cut func(dst []byte, start, width int) []byte
	// Steps are the possible widths of the column, the smallest first. The wider the terminal, the more
	// steps are taken.
	Steps []Step
}

// Step is a width that a column gets if room is left after all steps with lower ranks. The rank of
// its first step is the importance of the column: the lowest rank comes first.
type Step struct{ Rank, Width int }

// Ranks of columns that need a flag. Their first steps come after those of FUNC (0) and TUPLE (3), and
// before those of all other default columns. The second step has rankWider.
const (
	rankID    = 4
	rankAsked = 5
	rankWider = 43
)

// asked returns the screen of a column that needs a flag: narrow first, wide if there is enough room.
func asked(narrow, wide int) Screen {
	return steps(Step{rankAsked, narrow}, Step{rankWider, wide})
}

func steps(list ...Step) Screen { return Screen{Steps: list} }

// Layout has the text columns that are shown, with their widths.
type Layout struct {
	// Columns are the columns and blocks that are shown, with the widths of this layout.
	Columns []Column
	// LeftOut are the columns that do not fit.
	LeftOut []Column
	// Cut is set if values are cut to the width of their column. Otherwise a longer value moves the
	// rest of its row to the right.
	Cut bool
}

// Lay lays out the text columns that o selects for a terminal of that width. It leaves out the least
// important columns if not all fit. Chosen columns (o.Chosen) are never left out: if they do not
// fit, they are laid out as without a terminal. Width 0 means no terminal: all columns have
// the widths of the table.
func Lay(o Options, width int) Layout {
	columns := slices.DeleteFunc(Select(o), func(c Column) bool { return c.Text == nil })
	if width == 0 || o.Chosen != nil && narrowest(columns) > width {
		return Layout{Columns: columns}
	}
	widths := fit(columns, width, o.Chosen != nil)
	l := Layout{Cut: true}
	for i, c := range columns {
		switch {
		case c.Block:
			l.Columns = append(l.Columns, c)
		case widths[i] == 0:
			l.LeftOut = append(l.LeftOut, c.onScreen(0))
		default:
			l.Columns = append(l.Columns, c.onScreen(widths[i]))
		}
	}
	return l
}

// narrowest returns the width of a row in which each column has its first step.
func narrowest(columns []Column) int {
	sum := -1
	for _, c := range columns {
		if !c.Block {
			sum += 1 + c.Screen.Steps[0].Width
		}
	}
	return sum
}

// growth is a step of a column.
type growth struct {
	Step
	column int  // index of the column
	first  bool // whether it is the column's first step
}

// growths returns the steps of all columns by rank. If all columns must be shown, their first steps
// come before all others.
func growths(columns []Column, all bool) []growth {
	var list []growth
	for i, c := range columns {
		if c.Block {
			continue
		}
		for j, s := range c.Screen.Steps {
			list = append(list, growth{s, i, j == 0})
		}
	}
	slices.SortStableFunc(list, func(a, b growth) int {
		if all && a.first != b.first {
			if a.first {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Rank, b.Rank)
	})
	return list
}

// fit returns the width of each column, 0 if it does not fit. It stops at the first step that does not
// fit, so that a wider terminal never shows less. The last column gets the remaining cells.
func fit(columns []Column, width int, all bool) []int {
	widths, used, last := make([]int, len(columns)), -1, 0
	for n, g := range growths(columns, all) {
		more := g.Width - widths[g.column]
		if g.first {
			more++ // the blank between two columns
		}
		if n > 0 && used+more > width {
			break
		}
		widths[g.column], used, last = g.Width, used+more, max(last, g.column)
	}
	widths[last] += width - used
	return widths
}

// onScreen returns the column in its form for terminals, with that width.
func (c Column) onScreen(width int) Column {
	c.Width = width
	c.Header = cmp.Or(c.Screen.Header, c.Header)
	if c.Screen.Text != nil {
		c.Text = c.Screen.Text
	}
	if c.Screen.Cut == nil {
		c.Screen.Cut = cutEnd
	}
	return c
}
