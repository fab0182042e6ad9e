// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"tracer/internal/printable"
)

// Format is how a report is written.
type Format struct {
	// JSON prints one object per line, for each check.
	JSON bool
	// Color prints the marks in colour, in text.
	Color bool
}

// Write writes the report.
func (r Report) Write(w io.Writer, f Format) error {
	b := bufio.NewWriter(w)
	if f.JSON {
		r.json(b)
	} else {
		r.text(b, f.Color)
	}
	return b.Flush()
}

func (r Report) json(w io.Writer) {
	encoder := json.NewEncoder(printable.JSONWriter(w))
	encoder.SetEscapeHTML(false)
	for _, check := range r {
		_ = encoder.Encode(check) // Flush returns write errors
	}
}

// width is the maximum length of a line of text, and column is where Found begins.
const (
	width  = 100
	column = 24
)

// marks are the first characters of rows, and their colours.
var marks = map[State]struct{ sign, color string }{
	OK:      {"+", "\x1b[32m"},
	Limited: {"!", "\x1b[33m"},
	Missing: {"x", "\x1b[31;1m"},
}

const (
	bold   = "\x1b[1m"
	noMore = "\x1b[0m"
)

const legend = "+ available   ! missing, at the cost shown   x missing and required"

func (r Report) text(w io.Writer, colored bool) {
	paint := func(color, text string) string {
		if !colored {
			return text
		}
		return color + text + noMore
	}
	group := ""
	for _, check := range r {
		if check.Group != group {
			if group != "" {
				fmt.Fprintln(w)
			}
			group = check.Group
			fmt.Fprintln(w, paint(bold, group))
		}
		mark := marks[check.State]
		fmt.Fprintf(w, "  %s %-*s", paint(mark.color, mark.sign), column-4, check.Name)
		check.writeBody(w)
	}
	fmt.Fprintf(w, "\n%s\n", legend)
}

// writeBody writes the text after a check's name, and the lines below it.
func (c Check) writeBody(w io.Writer) {
	lines(w, "", c.Found)
	for _, more := range []struct{ label, text string }{{"cost: ", c.Cost}, {"fix:  ", c.Remedy}} {
		if more.text != "" {
			fmt.Fprint(w, strings.Repeat(" ", column))
			lines(w, more.label, more.text)
		}
	}
}

// lines writes a text after its label, broken between words and indented to its column.
func lines(w io.Writer, label, text string) {
	fmt.Fprint(w, label)
	at := column + len(label)
	for i, word := range strings.Fields(printable.Lines(text)) {
		switch {
		case i == 0:
		case at+1+len(word) > width:
			fmt.Fprintf(w, "\n%s", strings.Repeat(" ", column+len(label)))
			at = column + len(label)
		default:
			fmt.Fprint(w, " ")
			at++
		}
		fmt.Fprint(w, word)
		at += len(word)
	}
	fmt.Fprintln(w)
}
