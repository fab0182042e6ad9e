// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"io"
	"strconv"

	"tracer/internal/column"
	"tracer/internal/event"
)

// text writes a table: a header, then a row for each event, with its blocks below.
type text struct {
	out     buffer
	columns []column.Column
	cells   cells
	blocks  []column.Column
	colours colours
	// requested are the columns to print; cut means that values are cut to the widths of columns.
	requested column.Options
	cut       bool
	// begun means that the header of this layout was written, started that any header was.
	begun, started bool
}

func newText(w io.Writer, o Options) Sink {
	t := &text{out: newBuffer(w), colours: coloursOf(o), requested: o.Columns}
	t.Resize(o.Width)
	return t
}

// Resize chooses columns and widths for a terminal of this width. The next row gets a new header above it.
func (t *text) Resize(width int) {
	layout := column.Lay(t.requested, width)
	t.columns, t.blocks, t.cut, t.begun = nil, nil, layout.Cut, false
	for _, c := range layout.Columns {
		if c.Block {
			t.blocks = append(t.blocks, c)
		} else {
			t.columns = append(t.columns, c)
		}
	}
	t.cells = newCells(t.columns, t.cell)
}

func (t *text) Take(e *event.Event) error {
	if !t.begun {
		t.begin()
	}
	switch e.Kind {
	case event.Lost:
		t.marker(e)
	case event.Summary:
	default:
		t.row(e)
	}
	return t.out.flushFull()
}

// Flush also writes the first header if there is no row yet; later headers come with a row.
func (t *text) Flush() error {
	if !t.started {
		t.begin()
	}
	return t.out.flush()
}

// Close does nothing: the writer belongs to the caller.
func (t *text) Close() error { return nil }

// begin writes the header of a layout.
func (t *text) begin() {
	t.begun, t.started = true, true
	for i := range t.columns {
		start := len(t.out.data)
		t.out.data = t.pad(append(t.out.data, t.columns[i].Header...), i, start)
	}
	t.out.data = append(t.out.data, '\n')
}

func (t *text) row(e *event.Event) {
	if colour := t.colours.ofRow(e); colour == nil {
		t.cells.append(&t.out, e)
	} else {
		t.out.data = append(t.out.data, colour.begin...)
		t.cells.append(&t.out, e)
		t.out.data = append(t.out.data, colour.end...)
	}
	t.out.data = append(t.out.data, '\n')
	for i := range t.blocks {
		t.out.data = t.blocks[i].Text(t.out.data, e)
	}
}

// cell appends the cell of column i, with the spaces up to the next one.
func (t *text) cell(dst []byte, i int, e *event.Event) []byte {
	start := len(dst)
	return t.pad(t.columns[i].Text(dst, e), i, start)
}

const spaces = "                                                                "

// pad appends spaces up to the next cell to the cell that began at start, or cuts the cell. The last cell of
// a row gets no spaces.
func (t *text) pad(dst []byte, i, start int) []byte {
	last := i == len(t.columns)-1
	if last && !t.cut {
		return dst
	}
	c, width := &t.columns[i], column.Cells(dst[start:])
	if width > c.Width && t.cut {
		dst = c.Screen.Cut(dst, start, c.Width)
		width = column.Cells(dst[start:])
	}
	if last {
		return dst
	}
	for room := max(c.Width-width, 0) + 1; room > 0; room -= len(spaces) {
		dst = append(dst, spaces[:min(room, len(spaces))]...)
	}
	return dst
}

// marker prints the line that marks missing events.
func (t *text) marker(e *event.Event) {
	t.out.data = append(t.out.data, t.colours.marker.begin...)
	t.out.data = appendMarker(t.out.data, e)
	t.out.data = append(append(t.out.data, t.colours.marker.end...), '\n')
}

func appendMarker(dst []byte, e *event.Event) []byte {
	dst = strconv.AppendUint(append(dst, "--- "...), e.Loss.Count, 10)
	dst = append(dst, plural(e.Loss.Count)...)
	dst = strconv.AppendUint(append(dst, " lost on CPU "...), uint64(e.CPU), 10)
	dst = append(append(dst, ": "...), e.Loss.Cause.String()...)
	return append(dst, " ---"...)
}

func plural(events uint64) string {
	if events == 1 {
		return " event"
	}
	return " events"
}
