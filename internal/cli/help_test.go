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
	text := completeHelp()
	traceFlags().VisitAll(func(f *pflag.Flag) {
		if strings.Count(text, "--"+f.Name+" ") == 0 {
			t.Errorf("no --%s in the help", f.Name)
		}
	})
	for _, topic := range beginTrace(&options{}).topics {
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

func TestHelpFitsTheWidth(t *testing.T) {
	const widest = 100
	for line := range strings.Lines(completeHelp()) {
		if utf8.RuneCountInString(line) > widest {
			t.Errorf("a line of more than %d characters: %q", widest, line)
		}
	}
}

// TestExamplesAreValid parses the commands that the help shows.
func TestExamplesAreValid(t *testing.T) {
	for _, e := range examples {
		args, ok := strings.CutPrefix(e.line, "tracer ")
		if !ok {
			t.Errorf("%q does not call tracer", e.line)
		}
		if _, err := parseTrace(strings.Fields(strings.ReplaceAll(args, "'", ""))); err != nil {
			t.Errorf("%q: %v", e.line, err)
		}
	}
}

func TestHelpHasCommands(t *testing.T) {
	text := completeHelp()
	for _, c := range commands() {
		if listed := strings.Contains(text, "\n  tracer "+c.name); listed == c.hidden {
			t.Errorf("%q: hidden %v, in the help %v", c.name, c.hidden, listed)
		}
	}
}

// writerOf is a writer that fails with this error.
type writerOf struct{ error }

func (w writerOf) Write([]byte) (int, error) { return 0, w.error }

func TestHelpToFailingWriters(t *testing.T) {
	for err, want := range map[error]int{syscall.EPIPE: exitDone, syscall.ENOSPC: exitError, errors.New("x"): exitError} {
		var stderr bytes.Buffer
		if got := Main([]string{"--help"}, writerOf{err}, &stderr); got != want {
			t.Errorf("%v: exit %d, want %d (%s)", err, got, want, &stderr)
		}
	}
}
