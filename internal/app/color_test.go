// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/creack/pty"
)

// pseudoterminal opens a pseudoterminal, and returns the end that programs write to.
func pseudoterminal(t *testing.T) *os.File {
	t.Helper()
	keyboard, screen, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close(); screen.Close() })
	return screen
}

func TestColor(t *testing.T) {
	tty := pseudoterminal(t)
	for _, c := range []struct {
		color, file, term, noColor string
		stdout                     io.Writer
		want                       bool
	}{
		{color: ColorAuto, stdout: tty, want: true},
		{stdout: tty, want: true},
		{stdout: tty, term: "dumb"},
		{stdout: tty, noColor: "1"},
		{stdout: tty, noColor: "0"},
		{stdout: tty, file: "f"},
		{stdout: &bytes.Buffer{}},
		{color: ColorNever, stdout: tty},
		{color: ColorAlways, stdout: &bytes.Buffer{}, noColor: "1", term: "dumb", file: "f", want: true},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.noColor)
		if got := isColored(Config{Color: c.color, OutputFile: c.file, Stdout: c.stdout}); got != c.want {
			t.Errorf("%+v: %t, want %t", c, got, c.want)
		}
	}
}
