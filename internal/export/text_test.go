// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"tracer/internal/column"
	"tracer/internal/event"
)

var everything = column.Options{Meta: true, Tuple: true, Timestamp: column.Absolute}

func TestTextIsOneLinePerEvent(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(printed(t, Options{Columns: everything}), "\n"), "\n")
	summaries := 1
	if want := 1 + len(samples()) - summaries; len(lines) != want {
		t.Errorf("%d lines, want %d: the header and one for each event but the summary", len(lines), want)
	}
	for _, line := range lines {
		if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }); i >= 0 {
			t.Errorf("a control character at %d of %q", i, line)
		}
		if strings.HasSuffix(line, " ") {
			t.Errorf("blanks at the end of %q", line)
		}
	}
}

// TestTextAligned asks that no usual value pushes the columns to its right.
func TestTextAligned(t *testing.T) {
	for _, o := range []column.Options{everything, {Meta: true, Tuple: true, Timestamp: column.Relative}} {
		lines := strings.Split(printed(t, Options{Columns: o}), "\n")
		at := strings.Index(lines[0], "TUPLE")
		for i, s := range samples() {
			if s.name == "hostile names" || s.event.Kind > event.Tracepoint {
				continue
			}
			row := lines[i+1]
			if row[at-1] != ' ' || row[at] == ' ' {
				t.Errorf("%s: no cell begins below TUPLE:\n%s\n%s", s.name, lines[0], row)
			}
		}
	}
}

func TestFuncFollowsTheWidestTuple(t *testing.T) {
	lines := strings.Split(printed(t, Options{Columns: column.Options{Tuple: true}}), "\n")
	wide, after := rowOf(t, lines, "tcp over IPv6 in a vlan"), rowOf(t, lines, "arp")
	if a, b := strings.LastIndex(wide, " "), strings.LastIndex(after, " "); a > b || b-a >= growStep {
		t.Errorf("FUNC stands at %d below a row where it stands at %d:\n%s\n%s", b, a, wide, after)
	}
}

func rowOf(t *testing.T, lines []string, name string) string {
	t.Helper()
	for i, s := range samples() {
		if s.name == name {
			return lines[i+1]
		}
	}
	t.Fatalf("no sample %q", name)
	return ""
}

func TestHeaderWithoutEvents(t *testing.T) {
	var out bytes.Buffer
	x := New(&out, Options{Columns: column.Options{Meta: true, Tuple: true}})
	for range 2 {
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	want := "SKB CPU PROCESS NETNS MARK/x IFACE PROTO MTU LEN TUPLE FUNC"
	if got := strings.Join(strings.Fields(out.String()), " "); got != want {
		t.Errorf("header %q, want %q once", got, want)
	}
}
