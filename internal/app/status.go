// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"io"
)

// status writes messages, and on a terminal a line that says what is going on until the next
// message replaces it.
type status struct {
	w        io.Writer
	terminal bool
	shown    bool
}

const (
	// eraseLine goes to the beginning of the line and clears it.
	eraseLine = "\r\x1b[K"
)

// show replaces the line. What is no terminal gets whole messages only.
func (s *status) show(format string, args ...any) {
	if !s.terminal {
		return
	}
	s.shown = true
	fmt.Fprintf(s.w, eraseLine+format, args...)
}

// clear removes the line.
func (s *status) clear() {
	if s.shown {
		s.shown = false
		io.WriteString(s.w, eraseLine)
	}
}

// Write writes a message in place of the line.
func (s *status) Write(message []byte) (int, error) {
	s.clear()
	return s.w.Write(message)
}
