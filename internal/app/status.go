// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"io"
)

// status writes messages, and on a terminal a line below them that says what is going on.
type status struct {
	w        io.Writer
	terminal bool
	line     string
}

// eraseLine goes to the beginning of the line and clears it.
const eraseLine = "\r\x1b[K"

// show replaces the line. What is no terminal gets messages only.
func (s *status) show(format string, args ...any) {
	if s.terminal {
		s.line = fmt.Sprintf(format, args...)
		io.WriteString(s.w, eraseLine+s.line)
	}
}

// clear removes the line.
func (s *status) clear() {
	if s.line != "" {
		s.line = ""
		io.WriteString(s.w, eraseLine)
	}
}

// Write writes a message, which ends with a line break, above the line.
func (s *status) Write(message []byte) (int, error) {
	if s.line == "" {
		return s.w.Write(message)
	}
	io.WriteString(s.w, eraseLine)
	n, err := s.w.Write(message)
	io.WriteString(s.w, s.line)
	return n, err
}
