// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"strings"
	"testing"
)

func TestSyntaxError(t *testing.T) {
	err := &SyntaxError{Expr: "tcp prot 80", Offset: 4, Msg: `syntax error at "prot"`}
	if have, want := err.Error(), `filter expression "tcp prot 80": syntax error at "prot"`; have != want {
		t.Errorf("have %q, want %q", have, want)
	}
	if !err.Usage() {
		t.Error("not an error of usage")
	}
}

func TestHint(t *testing.T) {
	for _, c := range []struct {
		name, expr string
		offset     int
		lines      string
	}{
		{"word", "tcp prot 80", 4, "  tcp prot 80\n      ^"},
		{"first", "foo", 0, "  foo\n  ^"},
		{"end", "host", 4, "  host\n      ^"},
		{"newline and tab", "tcp\n\tprot", 5, "  tcp  prot\n       ^"},
		{"wide runes", "host é x", 8, "  host é x\n         ^"},
		{"control character", "a\x1b b", 3, "  a? b\n     ^"},
	} {
		err := &SyntaxError{Expr: c.expr, Offset: c.offset}
		if have, want := err.Hint(), "the error is here:\n"+c.lines; have != want {
			t.Errorf("%s: have\n%s\nwant\n%s", c.name, have, want)
		}
	}
}

func TestHintWithoutPlace(t *testing.T) {
	err := &SyntaxError{Expr: "tcp", Offset: -1}
	if have := err.Hint(); have != "pcap-filter(7) describes the filter language" {
		t.Errorf("have %q", have)
	}
}

// TestHintOfALongExpression shows the part around the place, and the caret below it.
func TestHintOfALongExpression(t *testing.T) {
	long := strings.Repeat("port 1 or ", 100)
	for _, c := range []struct {
		name, expr string
		offset     int
	}{
		{"at the beginning", "prot 80 or " + long + "tcp", 0},
		{"in the middle", long + "prot 80 or " + long + "tcp", len(long)},
		{"behind other letters", strings.Repeat("ü", 500) + " prot 80", 1001},
		{"near the end", long + "prot 80", len(long)},
	} {
		err := &SyntaxError{Expr: c.expr, Offset: c.offset, Msg: "syntax error"}
		lines := strings.Split(err.Hint(), "\n")
		column := strings.Index(lines[2], "^")
		if len(lines[1]) > 400 || !strings.HasPrefix(string([]rune(lines[1])[column:]), "prot 80") {
			t.Errorf("%s:\n%s", c.name, err.Hint())
		}
		if text := err.Error(); len(text) > 400 || !strings.HasSuffix(text, "…\": syntax error") {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}

func TestAdviceIsTheHint(t *testing.T) {
	err := &SyntaxError{Expr: "tcp", Offset: -1, Advice: "write less"}
	if have := err.Hint(); have != "write less" {
		t.Errorf("have %q", have)
	}
}
