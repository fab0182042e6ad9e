// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"tracer/internal/column"

	"github.com/spf13/pflag"
)

func TestHelpHasEverything(t *testing.T) {
	text := help()
	allFlags(&options{}).VisitAll(func(f *pflag.Flag) {
		if strings.Count(text, "--"+f.Name+" ") == 0 {
			t.Errorf("no --%s in the help", f.Name)
		}
	})
	for _, topic := range topics() {
		if !strings.Contains(text, "\n"+topic.name+":\n") {
			t.Errorf("no heading %q in the help", topic.name)
		}
	}
	for _, c := range column.All() {
		if !strings.Contains(text, c.Help) {
			t.Errorf("no column %q in the help", c.Name)
		}
	}
}

func TestHelpFitsAWindow(t *testing.T) {
	const widest = 100
	for line := range strings.Lines(help()) {
		if utf8.RuneCountInString(line) > widest {
			t.Errorf("a line of more than %d characters: %q", widest, line)
		}
	}
}

// TestExamplesAreGood parses the commands that the help shows.
func TestExamplesAreGood(t *testing.T) {
	for _, e := range examples {
		args, ok := strings.CutPrefix(e.line, "tracer ")
		if !ok {
			t.Errorf("%q does not call tracer", e.line)
		}
		if _, err := parse(strings.Fields(strings.ReplaceAll(args, "'", ""))); err != nil {
			t.Errorf("%q: %v", e.line, err)
		}
	}
}

func TestHelpHasCommands(t *testing.T) {
	text := help()
	for _, c := range commands() {
		if told := strings.Contains(text, "\n  tracer "+c.name); told == c.hidden {
			t.Errorf("%q: hidden %v, in the help %v", c.name, c.hidden, told)
		}
	}
}

// writerOf fails with its error.
type writerOf struct{ error }

func (w writerOf) Write([]byte) (int, error) { return 0, w.error }

func TestHelpToAReaderThatLeaves(t *testing.T) {
	for err, want := range map[error]int{syscall.EPIPE: exitDone, syscall.ENOSPC: exitError, errors.New("x"): exitError} {
		var stderr bytes.Buffer
		if got := Main([]string{"--help"}, writerOf{err}, &stderr); got != want {
			t.Errorf("%v: exit %d, want %d (%s)", err, got, want, &stderr)
		}
	}
}
