// SPDX-License-Identifier: Apache-2.0

// Package sink implements the outputs of the pipeline: the formats that print events, and the file or stream
// that they are written to.
package sink

import (
	"errors"
	"io"

	"tracer/internal/column"
	"tracer/internal/event"
)

// Sink takes the events of a run. It is for one goroutine, and not usable after an error other than
// [ErrReaderGone].
type Sink interface {
	// Take prints an event of any kind. It may buffer the output, but keeps no reference to the event.
	Take(*event.Event) error
	// Flush writes everything that is buffered. The caller flushes when no event is ready, and at the end.
	Flush() error
	// Close releases what the sink has opened. It does not flush.
	Close() error
}

// ErrReaderGone means that the reader of the output has closed it, which is a normal end. The run ends when no sink
// is left that has not returned it or failed. The sink can still be used, without effect. A sink of [New] returns the error of its
// writer instead; [File] translates EPIPE.
var ErrReaderGone = errors.New("the reader of the output has gone")

// Options choose the format and its fields. The zero value is text.
type Options struct {
	// JSON selects one JSON object per line.
	JSON bool
	// Color highlights drops and loss markers in text. JSON never has colours.
	Color bool
	// Width is the width of the terminal in cells, which no row of text exceeds; 0 means no
	// terminal.
	Width int
	// Columns are the fields of each event.
	Columns column.Options
}

// formats are the sinks that write to a byte stream.
var formats = []struct {
	name string
	new  func(io.Writer, Options) Sink
}{
	{"text", newText},
	{"json", newJSON},
}

func (o Options) format() string {
	if o.JSON {
		return "json"
	}
	return "text"
}

// New returns a sink of the format of o, which writes to w.
func New(w io.Writer, o Options) Sink {
	for _, f := range formats {
		if f.name == o.format() {
			return f.new(w, o)
		}
	}
	panic("no format " + o.format())
}
