// SPDX-License-Identifier: Apache-2.0

package libpcap

import "testing"

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
