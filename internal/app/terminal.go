// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"io"
	"sync"

	"tracer/internal/notice"
	"tracer/internal/printable"
	"tracer/internal/sink"
)

// terminal prints notices on standard error and, on a terminal, a status line below them.
type terminal struct {
	mutex      sync.Mutex
	w          io.Writer
	isTerminal bool
	line       string
}

func newTerminal(w io.Writer) *terminal { return &terminal{w: w, isTerminal: sink.IsTerminal(w)} }

// send prints a notice.
func (t *terminal) send(n notice.Notice) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	switch {
	case n.Severity != notice.Status:
		fmt.Fprintln(t, n.Line())
	case n.Text == "":
		t.clear()
	default:
		t.show(n.Text)
	}
}

// eraseLine goes to the beginning of the line and clears it.
const eraseLine = "\r\x1b[K"

// show replaces the status line. Without a terminal there is none.
func (t *terminal) show(text string) {
	if t.isTerminal {
		t.line = printable.Text(text)
		io.WriteString(t.w, eraseLine+t.line)
	}
}

// clear removes the status line.
func (t *terminal) clear() {
	if t.line != "" {
		t.line = ""
		io.WriteString(t.w, eraseLine)
	}
}

// Write writes a message, which ends with a newline, above the status line. Control characters
// in it are escaped.
func (t *terminal) Write(message []byte) (int, error) {
	if _, err := t.write([]byte(printable.Lines(string(message)))); err != nil {
		return 0, err
	}
	return len(message), nil
}

func (t *terminal) write(message []byte) (int, error) {
	if t.line == "" {
		return t.w.Write(message)
	}
	io.WriteString(t.w, eraseLine)
	n, err := t.w.Write(message)
	io.WriteString(t.w, t.line)
	return n, err
}
