// SPDX-License-Identifier: Apache-2.0

package export

import (
	"io"
	"strconv"
	"unicode/utf8"

	"tracer/internal/column"
	"tracer/internal/event"
)

// growStep rounds a column's growth up, so that it grows seldom.
const growStep = 8

// text writes a table: a header, then a row per event.
type text struct {
	out     buffer
	columns []column.Column
	begun   bool
}

func newText(w io.Writer, o column.Options) *text {
	t := &text{out: newBuffer(w)}
	for _, c := range column.Select(o) {
		if c.Header != "" {
			t.columns = append(t.columns, c)
		}
	}
	return t
}

func (t *text) Export(e *event.Event) error {
	t.begin()
	switch e.Kind {
	case event.Lost:
		t.out.data = appendMarker(t.out.data, e)
	case event.Summary:
	default:
		t.row(e)
	}
	return t.out.flushFull()
}

func (t *text) Flush() error {
	t.begin()
	return t.out.flush()
}

// begin writes the header, once.
func (t *text) begin() {
	if t.begun {
		return
	}
	t.begun = true
	for i := range t.columns {
		start := len(t.out.data)
		t.out.data = append(t.out.data, t.columns[i].Header...)
		t.finish(i, start)
	}
}

func (t *text) row(e *event.Event) {
	for i := range t.columns {
		start := len(t.out.data)
		t.out.data = t.columns[i].Text(t.out.data, e)
		t.finish(i, start)
	}
}

// finish ends the cell that began at start: with the line's end for the last
// one, else with blanks up to where the next begins.
func (t *text) finish(i, start int) {
	if i == len(t.columns)-1 {
		t.out.data = append(t.out.data, '\n')
		return
	}
	c, width := &t.columns[i], utf8.RuneCount(t.out.data[start:])
	if width > c.Width && c.Grows {
		c.Width = (width + growStep - 1) / growStep * growStep
	}
	for ; width < c.Width; width++ {
		t.out.data = append(t.out.data, ' ')
	}
	t.out.data = append(t.out.data, ' ')
}

// appendMarker is the line that stands where events are missing.
func appendMarker(dst []byte, e *event.Event) []byte {
	dst = strconv.AppendUint(append(dst, "--- "...), e.Loss.Count, 10)
	dst = append(dst, plural(e.Loss.Count)...)
	dst = strconv.AppendUint(append(dst, " lost on CPU "...), uint64(e.CPU), 10)
	dst = append(append(dst, ": "...), e.Loss.Cause.String()...)
	return append(dst, " ---\n"...)
}

func plural(events uint64) string {
	if events == 1 {
		return " event"
	}
	return " events"
}
