// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"tracer/internal/attach"
	"tracer/internal/event"
	"tracer/internal/kernel"
	"tracer/internal/notice"
	"tracer/internal/plan"
)

// messages prints each notice that contains a name that other users may have chosen, and returns the number of
// lines.
func messages(w *bytes.Buffer, name string) int {
	n := notice.New(newTerminal(w).send, notice.Options{Debug: true})
	n.Planned(&kernel.Facts{Skipped: []kernel.Skipped{{Name: name, Reason: "notrace"}}}, &plan.Plan{Backend: kernel.Kprobe})
	program := kernel.Program{Name: name, Tag: "0", Type: "sched_cls"}
	refused := attach.Untraced{Program: program, Reason: errors.New("refused")}
	n.Programs(attach.Found{
		Traced: []kernel.Program{program}, Gone: []kernel.Program{program},
		Untraced: []attach.Untraced{refused}, WithoutBreakpoint: []attach.Untraced{refused},
	})
	n.Attached(&attach.Session{Skipped: []attach.Skipped{{Name: name, Reason: refused.Reason}}})
	n.Summary(event.Totals{Dropped: 1, DropReasons: []event.ReasonCount{{Name: name, Count: 1}}})
	return 10
}

// FuzzMessages checks that a name in a notice can neither begin a new line nor control the terminal.
func FuzzMessages(f *testing.F) {
	f.Add("eth0")
	f.Add("a\ntracer: b\x1b[2J\u009b\u202e\u2028\xff")
	f.Fuzz(func(t *testing.T, name string) {
		var w bytes.Buffer
		want := messages(&w, name)
		text := w.String()
		if n := strings.Count(text, "\n"); n != want {
			t.Errorf("%d lines, want %d: %q", n, want, text)
		}
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("%q", text)
		}
	})
}

// TestStatusLineIsEscaped checks that escape sequences in the text do not reach the terminal.
func TestStatusLineIsEscaped(t *testing.T) {
	var w bytes.Buffer
	s := terminal{w: &w, isTerminal: true}
	s.show("attaching \x1b[2J\n")
	if got, want := w.String(), eraseLine+`attaching \x1b[2J\x0a`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
