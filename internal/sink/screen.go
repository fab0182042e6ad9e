// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// screen is the terminal whose width rows of text must fit; its width is 0 if there is none.
type screen struct {
	file    *os.File
	width   int
	resized chan os.Signal
}

// resizer is a sink whose rows depend on the width of the terminal.
type resizer interface{ Resize(width int) }

// openScreen returns the terminal that text is written to, if any. A terminal without a width counts as none.
func openScreen(t Target) *screen {
	s := &screen{}
	if t.JSON || t.Path != "" || !IsTerminal(t.Stdout) {
		return s
	}
	s.file = t.Stdout.(*os.File)
	s.resized = make(chan os.Signal, 1)
	signal.Notify(s.resized, unix.SIGWINCH)
	s.measure()
	return s
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

func (s *screen) measure() {
	s.width = 0
	if size, err := unix.IoctlGetWinsize(int(s.file.Fd()), unix.TIOCGWINSZ); err == nil {
		s.width = int(size.Col)
	}
}

// changed reports whether the width of the terminal has changed. Without a signal it makes no
// system call.
func (s *screen) changed() bool {
	select {
	case <-s.resized:
	default:
		return false
	}
	before := s.width
	s.measure()
	return s.width != before
}

func (s *screen) close() {
	if s.resized != nil {
		signal.Stop(s.resized)
	}
}
