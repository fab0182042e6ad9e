// SPDX-License-Identifier: Apache-2.0

package sink

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

// TestTextAligned checks that no usual value moves the columns to its right.
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

// TestLongValueMovesOnlyItsRow checks that the widths of columns do not depend on earlier rows.
func TestLongValueMovesOnlyItsRow(t *testing.T) {
	lines := strings.Split(printed(t, Options{Columns: column.Options{Tuple: true, TCPSeq: true}}), "\n")
	long, after := rowOf(t, lines, "tcp over IPv6 in a vlan"), rowOf(t, lines, "arp")
	at := strings.Index(lines[0], "FUNC")
	if strings.LastIndex(long, " ")+1 <= at || strings.LastIndex(after, " ")+1 != at {
		t.Errorf("FUNC is not below its header behind the row that is too long:\n%s\n%s\n%s", lines[0], long, after)
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
