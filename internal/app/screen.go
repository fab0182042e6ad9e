// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/sys/unix"

	"tracer/internal/column"
)

// screen is the terminal whose width rows of text must fit; its width is 0 if there is none.
type screen struct {
	file    *os.File
	width   int
	resized chan os.Signal
}

// openScreen finds the terminal that events are written to, if any. A terminal without a width
// counts as none.
func openScreen(cfg Config) *screen {
	s := &screen{}
	if cfg.Output.JSON || cfg.OutputFile != "" || !isTerminal(cfg.Stdout) {
		return s
	}
	s.file = cfg.Stdout.(*os.File)
	s.resized = make(chan os.Signal, 1)
	signal.Notify(s.resized, unix.SIGWINCH)
	s.measure()
	return s
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

// narrow notes the columns that do not fit a terminal of this width.
func (t *teller) narrow(o column.Options, width int) {
	if width == 0 {
		return
	}
	layout := column.Lay(o, width)
	switch {
	case !layout.Cut:
		fmt.Fprintf(t.w, "note: no room for all of --output-columns in %d columns: rows wrap\n", width)
	case len(layout.LeftOut) > 0:
		fmt.Fprintf(t.w, "note: no room for %s in %d columns: --output-columns %s shows all\n",
			strings.Join(headers(layout.LeftOut), ", "), width, column.DefaultColumns)
	}
}

func headers(columns []column.Column) []string {
	var list []string
	for _, c := range columns {
		list = append(list, c.Header)
	}
	return list
}
