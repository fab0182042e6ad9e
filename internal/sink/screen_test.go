// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"tracer/internal/column"
	"tracer/internal/event"
)

// terminal returns a pseudoterminal.
func terminal(t *testing.T) *os.File {
	t.Helper()
	keyboard, screen, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close(); screen.Close() })
	return screen
}

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
		target Target
		want   int
	}{
		"text on a terminal": {Target{Stdout: tty}, 80},
		"JSON":               {Target{Stdout: tty, Options: Options{JSON: true}}, 0},
		"a file":             {Target{Stdout: tty, Path: "f"}, 0},
		"a pipe":             {Target{Stdout: &bytes.Buffer{}}, 0},
	} {
		s := openScreen(c.target)
		if s.width != c.want {
			t.Errorf("%s: width %d, want %d", name, s.width, c.want)
		}
		s.close()
	}
}

// TestScreenChanges checks that the width is measured after a signal, and that only another width is a change.
func TestScreenChanges(t *testing.T) {
	tty := terminal(t)
	setWidth(t, tty, 80)
	s := openScreen(Target{Stdout: tty})
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

// TestRowsFollowTheTerminal checks that a sink on a terminal changes its width after a signal.
func TestRowsFollowTheTerminal(t *testing.T) {
	tty := terminal(t)
	setWidth(t, tty, 160)
	f, err := Open(t.Context(), Target{Stdout: tty, Options: Options{Columns: column.Options{Meta: true, Tuple: true}}})
	if err != nil {
		t.Fatal(err)
	}
	setWidth(t, tty, 60)
	f.screen.resized <- unix.SIGWINCH
	if err := f.Take(&event.Event{Kind: event.Function}); err != nil {
		t.Fatal(err)
	}
	if columns := f.Sink.(*text).columns; f.Width() != 60 || len(columns) != 3 {
		t.Errorf("width %d with %d columns, want 60 with 3", f.Width(), len(columns))
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
