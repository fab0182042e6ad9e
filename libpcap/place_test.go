// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// validExpressions returns the valid expressions in the tests of internal/filter.
func validExpressions(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../internal/filter/testdata/expressions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var valid []string
	for line := range strings.Lines(string(text)) {
		verdict, expr, found := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if found && verdict != "error" {
			valid = append(valid, expr)
		}
	}
	if len(valid) < 100 {
		t.Fatalf("only %d expressions", len(valid))
	}
	return valid
}

// TestEveryPrefixCanBeCompleted checks that middles has a continuation for every prefix of a valid expression.
// Otherwise the caret of an error would be too far to the left.
func TestEveryPrefixCanBeCompleted(t *testing.T) {
	handle := openDead(Ethernet, snaplen)
	p := prober{handle: handle}
	for _, expr := range validExpressions(t) {
		tokens := Tokens(expr)
		for i := range tokens {
			if !p.completes(expr, tokens[:i+1]) {
				t.Errorf("%q: nothing completes the beginning up to %q", expr, tokens[i].Text)
			}
		}
	}
}

// TestOffsetOfInvalidWord inserts an invalid word in front of every token of valid expressions.
func TestOffsetOfInvalidWord(t *testing.T) {
	for _, expr := range validExpressions(t) {
		for _, token := range Tokens(expr) {
			wrong := expr[:token.Offset] + " @ " + expr[token.Offset:]
			_, err := Compile(wrong, Ethernet, snaplen)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("%q: have %v", wrong, err)
			}
			if want := token.Offset + 1; syntax.Offset != want {
				t.Errorf("%q: place is %d, want %d", wrong, syntax.Offset, want)
			}
		}
	}
}

func TestOffsetOfUnknownName(t *testing.T) {
	_, err := Compile("host 10.0.0.1 and port nosuchport", Ethernet, snaplen)
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != 23 {
		t.Errorf("have %v, want the place 23", err)
	}
}
