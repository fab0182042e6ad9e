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
		t.Error("not a usage error")
	}
}

func TestHint(t *testing.T) {
	err := &SyntaxError{Expr: "tcp prot 80", Offset: 4}
	if have, want := err.Hint(), "the error is here:\n  tcp prot 80\n      ^"; have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
}

func TestHintWithoutOffset(t *testing.T) {
	err := &SyntaxError{Expr: "tcp", Offset: -1}
	if have := err.Hint(); have != "pcap-filter(7) describes the filter language" {
		t.Errorf("have %q", have)
	}
}

// TestLongExpression checks that a long expression is shortened in the message and in the hint.
func TestLongExpression(t *testing.T) {
	err := &SyntaxError{Expr: strings.Repeat("port 1 or ", 100) + "prot 80", Offset: 1000, Msg: "syntax error"}
	if text := err.Hint(); len(text) > 400 || !strings.Contains(text, "prot 80") {
		t.Errorf("hint:\n%s", text)
	}
	if text := err.Error(); len(text) > 400 || !strings.HasSuffix(text, "…\": syntax error") {
		t.Error(text)
	}
}

func TestAdviceIsTheHint(t *testing.T) {
	err := &SyntaxError{Expr: "tcp", Offset: -1, Advice: "write less"}
	if have := err.Hint(); have != "write less" {
		t.Errorf("have %q", have)
	}
}
