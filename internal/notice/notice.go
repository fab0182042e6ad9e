// SPDX-License-Identifier: Apache-2.0

// Package notice makes notices of what happens in a run: what is traced, what can't be, and the totals at the
// end. They are data; the command prints or logs them.
package notice

// Severity says how important a notice is.
type Severity uint8

const (
	// Info is a step of the run.
	Info Severity = iota
	// Note is something to know, Warning something that limits the run.
	Note
	Warning
	// Debug is a detail.
	Debug
	// Status is what the run does at the moment. It is replaced by the next status; an empty text ends it.
	Status
)

// prefixes begin the lines of notices.
var prefixes = [...]string{Info: "", Note: "note: ", Warning: "warning: ", Debug: "debug: ", Status: ""}

// Notice is one notice.
type Notice struct {
	// Key names the kind of notice. It does not change between versions, unlike the text.
	Key      string
	Severity Severity
	// Text is one line. Names in it that others control are escaped.
	Text string
	// Fields are the values in the text, if a program may want them.
	Fields []Field
}

// Field is a value in a notice.
type Field struct {
	Key   string
	Value any
}

// Line returns the text with the severity in front, as on a terminal.
func (n Notice) Line() string { return prefixes[n.Severity] + n.Text }
