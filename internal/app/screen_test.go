// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/column"
	"tracer/internal/export"
)

func setWidth(t *testing.T, tty *os.File, width uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: width}); err != nil {
		t.Fatal(err)
	}
}

func TestScreenIsTheTerminalOfText(t *testing.T) {
	tty := terminal(t)
	setWidth(t, tty, 80)
	for name, c := range map[string]struct {
		cfg  Config
		want int
	}{
		"text on a terminal": {Config{Stdout: tty}, 80},
		"JSON":               {Config{Stdout: tty, Output: export.Options{JSON: true}}, 0},
		"a file":             {Config{Stdout: tty, OutputFile: "f"}, 0},
		"a pipe":             {Config{Stdout: &bytes.Buffer{}}, 0},
	} {
		s := openScreen(c.cfg)
		if s.width != c.want {
			t.Errorf("%s: width %d, want %d", name, s.width, c.want)
		}
		s.close()
	}
}

// TestScreenChanges: only another width is a change, and only after a signal.
func TestScreenChanges(t *testing.T) {
	tty := terminal(t)
	setWidth(t, tty, 80)
	s := openScreen(Config{Stdout: tty})
	defer s.close()
	if setWidth(t, tty, 120); s.changed() {
		t.Error("changed without a signal")
	}
	for _, want := range []bool{true, false} {
		if err := unix.Kill(os.Getpid(), unix.SIGWINCH); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); len(s.resized) == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no signal")
			}
		}
		if got := s.changed(); got != want || s.width != 120 {
			t.Errorf("changed %t, want %t; width %d", got, want, s.width)
		}
	}
}

func TestNotesOnWhatIsNotShown(t *testing.T) {
	usual := column.Options{Meta: true, Tuple: true}
	for _, c := range []struct {
		columns column.Options
		width   int
		want    string
	}{
		{usual, 0, ""},
		{usual, 300, ""},
		{usual, 80, "note: no room for CPU, PROCESS, NETNS, MARK/x, PROTO, MTU, LEN in 80 columns: --output-columns default shows all\n"},
		{column.Options{Timestamp: column.Relative}, 20, "note: no room for SKB, CPU, PROCESS, SINCE-LAST in 20 columns: --output-columns default shows all\n"},
		{column.Options{Chosen: []string{"func", "len"}}, 80, ""},
		{column.Options{Chosen: []string{"func", "tuple"}}, 39, "note: no room for all of --output-columns in 39 columns: rows wrap\n"},
	} {
		if got := tell(false, func(l *teller) { l.narrow(c.columns, c.width) }); got != c.want {
			t.Errorf("%d cells: %q, want %q", c.width, got, c.want)
		}
	}
}
