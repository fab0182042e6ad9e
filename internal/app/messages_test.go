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
	"tracer/internal/plan"
)

// messages writes every message that has a name that others chose, and returns the number of lines
// that this takes.
func messages(w *bytes.Buffer, name string) int {
	tell := newTeller(Config{Stderr: w, Debug: true}, began)
	tell.plan = &plan.Plan{}
	program := kernel.Program{Name: name, Tag: "0", Type: "sched_cls"}
	refused := attach.Untraced{Program: program, Reason: errors.New("refused")}
	tell.found(attach.Found{
		Traced: []kernel.Program{program}, Gone: []kernel.Program{program},
		Untraced: []attach.Untraced{refused}, Unlanded: []attach.Untraced{refused},
	})
	tell.attached(&attach.Session{Skipped: []attach.Skipped{{Name: name, Reason: refused.Reason}}})
	tell.summary(event.Totals{Dropped: 1, DropReasons: []event.ReasonCount{{Name: name, Count: 1}}})
	for _, line := range skippedLines([]kernel.Skipped{{Name: name, Reason: "notrace"}}) {
		w.WriteString(line + "\n")
	}
	return 9
}

// FuzzMessages: no name begins a line or speaks to a terminal.
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

// TestTheStatusLineIsEscaped: only its own sequences reach the terminal.
func TestTheStatusLineIsEscaped(t *testing.T) {
	var w bytes.Buffer
	s := status{w: &w, terminal: true}
	s.show("attaching %s", "\x1b[2J\n")
	if got, want := w.String(), eraseLine+`attaching \x1b[2J\x0a`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
