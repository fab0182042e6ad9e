// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"fmt"
	"testing"

	"tracer/internal/notice"
)

func TestStatus(t *testing.T) {
	for isTerminal, want := range map[bool]string{
		false: "a message\nthe last\nanother\n",
		true:  "\r\x1b[Kreading\r\x1b[Kattaching 1\r\x1b[Ka message\nattaching 1\r\x1b[Kthe last\nattaching 1\r\x1b[Kanother\n",
	} {
		var out bytes.Buffer
		s := terminal{w: &out, isTerminal: isTerminal}
		s.clear()
		s.show("reading")
		s.show("attaching 1")
		fmt.Fprintln(&s, "a message")
		fmt.Fprintln(&s, "the last")
		s.clear()
		s.clear()
		fmt.Fprintln(&s, "another")
		if out.String() != want {
			t.Errorf("on a terminal %t: %q, want %q", isTerminal, out.String(), want)
		}
	}
}

// TestNoticesOnATerminal checks lines, the status and its end.
func TestNoticesOnATerminal(t *testing.T) {
	var out bytes.Buffer
	s := terminal{w: &out, isTerminal: true}
	for _, n := range []notice.Notice{{Severity: notice.Status, Text: "reading"}, {Severity: notice.Note, Text: "a"}, {Severity: notice.Status}, {Text: "b"}} {
		s.send(n)
	}
	if want := "\r\x1b[Kreading\r\x1b[Knote: a\nreading\r\x1b[Kb\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
