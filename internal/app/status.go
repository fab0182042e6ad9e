// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"io"

	"tracer/internal/printable"
)

// status writes messages and, on a terminal, a status line below them.
type status struct {
	w        io.Writer
	terminal bool
	line     string
}

// eraseLine goes to the beginning of the line and clears it.
const eraseLine = "\r\x1b[K"

// show replaces the status line. Without a terminal there is none.
func (s *status) show(format string, args ...any) {
	if s.terminal {
		s.line = printable.Text(fmt.Sprintf(format, args...))
		io.WriteString(s.w, eraseLine+s.line)
	}
}

// clear removes the status line.
func (s *status) clear() {
	if s.line != "" {
		s.line = ""
		io.WriteString(s.w, eraseLine)
	}
}

// Write writes a message, which ends with a newline, above the status line. Control characters
// in it are escaped.
func (s *status) Write(message []byte) (int, error) {
	if _, err := s.write([]byte(printable.Lines(string(message)))); err != nil {
		return 0, err
	}
	return len(message), nil
}

func (s *status) write(message []byte) (int, error) {
	if s.line == "" {
		return s.w.Write(message)
	}
	io.WriteString(s.w, eraseLine)
	n, err := s.w.Write(message)
	io.WriteString(s.w, s.line)
	return n, err
}
