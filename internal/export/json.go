// SPDX-License-Identifier: Apache-2.0

package export

import (
	"io"

	"tracer/internal/column"
	"tracer/internal/event"
)

// recordHead opens every record: the version is raised when a member changes
// its meaning or goes away, not when one is added.
const recordHead = `{"version":1,"type":"`

// json writes one object per line.
type json struct {
	out                  buffer
	packet, lost, totals cells
}

func newJSON(w io.Writer, o column.Options) *json {
	return &json{out: newBuffer(w), packet: members(column.Select(o)), lost: members(column.Lost()), totals: members(column.Summary())}
}

// members print the columns as members of an object that has some before.
func members(columns []column.Column) cells {
	keys := make([]string, len(columns))
	for i, c := range columns {
		keys[i] = `,"` + c.Key + `":`
	}
	return newCells(columns, func(dst []byte, i int, e *event.Event) []byte {
		return columns[i].JSON(append(dst, keys[i]...), e)
	})
}

func (j *json) Export(e *event.Event) error {
	j.out.data = append(append(append(j.out.data, recordHead...), e.Kind.String()...), '"')
	j.members(e.Kind).append(&j.out, e)
	j.out.data = append(j.out.data, "}\n"...)
	return j.out.flushFull()
}

func (j *json) Flush() error { return j.out.flush() }

// Resize changes nothing: records have no width.
func (j *json) Resize(int) {}

func (j *json) members(k event.Kind) *cells {
	switch k {
	case event.Lost:
		return &j.lost
	case event.Summary:
		return &j.totals
	}
	return &j.packet
}
