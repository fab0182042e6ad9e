// SPDX-License-Identifier: Apache-2.0

package caret

import (
	"strings"
	"testing"
)

func TestUnder(t *testing.T) {
	for name, c := range map[string]struct {
		expr   string
		offset int
		want   string
	}{
		"word":              {"tcp prot 80", 4, "  tcp prot 80\n      ^"},
		"first":             {"foo", 0, "  foo\n  ^"},
		"end":               {"host", 4, "  host\n      ^"},
		"beyond the end":    {"host", 9, "  host\n      ^"},
		"empty":             {"", 0, "  \n  ^"},
		"newline and tab":   {"tcp\n\tprot", 5, "  tcp  prot\n       ^"},
		"two-byte rune":     {"host é x", 8, "  host é x\n         ^"},
		"control character": {"a\x1b b", 3, "  a? b\n     ^"},
	} {
		if got := Under(c.expr, c.offset); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestLongExpressionIsCut(t *testing.T) {
	long := strings.Repeat("port 1 or ", 100)
	for name, c := range map[string]struct {
		expr   string
		offset int
	}{
		"at the beginning":    {"prot 80 or " + long + "tcp", 0},
		"in the middle":       {long + "prot 80 or " + long + "tcp", len(long)},
		"after other scripts": {strings.Repeat("ü", 500) + " prot 80", 1001},
		"near the end":        {long + "prot 80", len(long)},
	} {
		text := Under(c.expr, c.offset)
		lines := strings.Split(text, "\n")
		column := strings.Index(lines[1], "^")
		if len(lines[0]) > 400 || !strings.HasPrefix(string([]rune(lines[0])[column:]), "prot 80") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

func TestBeginning(t *testing.T) {
	if got := Beginning("tcp\nport 80"); got != "tcp\nport 80" {
		t.Errorf("a short expression is changed to %q", got)
	}
	if got := Beginning(strings.Repeat("tcp ", 100)); got != strings.Repeat("tcp ", 20)+"…" {
		t.Errorf("a long expression is cut to %q", got)
	}
}
