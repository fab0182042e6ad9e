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
	packet, lost, totals []column.Column
}

func newJSON(w io.Writer, o column.Options) *json {
	return &json{out: newBuffer(w), packet: column.Select(o), lost: column.Lost(), totals: column.Summary()}
}

func (j *json) Export(e *event.Event) error {
	j.out.data = append(append(append(j.out.data, recordHead...), e.Kind.String()...), '"')
	members := j.members(e.Kind)
	for i := range members {
		j.out.data = append(append(append(j.out.data, `,"`...), members[i].Key...), `":`...)
		j.out.data = members[i].JSON(j.out.data, e)
	}
	j.out.data = append(j.out.data, "}\n"...)
	return j.out.flushFull()
}

func (j *json) Flush() error { return j.out.flush() }

func (j *json) members(k event.Kind) []column.Column {
	switch k {
	case event.Lost:
		return j.lost
	case event.Summary:
		return j.totals
	}
	return j.packet
}
