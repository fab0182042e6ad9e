// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"io"

	"tracer/internal/column"
	"tracer/internal/event"
)

// recordHead begins every record. The version is raised when a member is removed or changes its meaning, not
// when one is added.
const recordHead = `{"version":1,"type":"`

// json writes one object per line.
type json struct {
	out                  buffer
	packet, lost, totals cells
}

func newJSON(w io.Writer, o Options) Sink {
	return &json{out: newBuffer(w), packet: members(column.Select(o.Columns)), lost: members(column.Lost()), totals: members(column.Summary())}
}

// members prints the columns as members of an object that already has some.
func members(columns []column.Column) cells {
	keys := make([]string, len(columns))
	for i, c := range columns {
		keys[i] = `,"` + c.Key + `":`
	}
	return newCells(columns, func(dst []byte, i int, e *event.Event) []byte {
		return columns[i].JSON(append(dst, keys[i]...), e)
	})
}

func (j *json) Take(e *event.Event) error {
	j.out.data = append(append(append(j.out.data, recordHead...), e.Kind.String()...), '"')
	j.members(e.Kind).append(&j.out, e)
	j.out.data = append(j.out.data, "}\n"...)
	return j.out.flushFull()
}

func (j *json) Flush() error { return j.out.flush() }

// Close does nothing: the writer belongs to the caller.
func (j *json) Close() error { return nil }

func (j *json) members(k event.Kind) *cells {
	switch k {
	case event.Lost:
		return &j.lost
	case event.Summary:
		return &j.totals
	}
	return &j.packet
}
