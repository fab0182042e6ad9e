// SPDX-License-Identifier: Apache-2.0

// Package export writes events in the formats that tracer speaks.
package export

import (
	"io"

	"tracer/internal/column"
	"tracer/internal/event"
)

// Exporter writes events in one format. It gathers what it writes; the caller
// calls Flush when there is nothing more to export for now, and at the end.
// After an error nothing more is to be expected of it.
type Exporter interface {
	// Export takes one event, of any kind. It keeps nothing of it.
	Export(e *event.Event) error
	// Flush writes all that was gathered. What the writer said is in the
	// error's chain.
	Flush() error
	// Resize sets the width of text, see Options.Width.
	Resize(width int)
}

// Options choose the format and its fields. The zero value is text.
type Options struct {
	// JSON asks for one JSON object per line.
	JSON bool
	// Color has drops and markers of loss stand out in text. JSON never has colours.
	Color bool
	// Width is the width of the terminal in cells, which no row of text exceeds; 0 means no
	// terminal.
	Width int
	// Columns are the fields of each event.
	Columns column.Options
}

// New is the exporter that o asks for, writing to w.
func New(w io.Writer, o Options) Exporter {
	if o.JSON {
		return newJSON(w, o.Columns)
	}
	return newText(w, o)
}
