// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"tracer/libpcap"
)

// expectation is a line of testdata/expressions.txt.
type expectation struct {
	verdict string // ok, always, never or error
	expr    string
	offset  int
	msg     string
}

func (e expectation) ok() bool { return e.verdict != "error" }

func readExpectations(tb testing.TB) []expectation {
	tb.Helper()
	text, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var all []expectation
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, parseExpectation(tb, line))
		}
	}
	return all
}

func parseExpectation(tb testing.TB, line string) expectation {
	tb.Helper()
	fields := strings.Split(line, "\t")
	e := expectation{verdict: fields[0], expr: fields[1]}
	if e.ok() {
		return e
	}
	offset, err := strconv.Atoi(fields[2])
	if err != nil {
		tb.Fatalf("testdata/expressions.txt has the line %q: %v", line, err)
	}
	e.offset, e.msg = offset, fields[3]
	return e
}

func TestExpressions(t *testing.T) {
	for _, want := range readExpectations(t) {
		t.Run(want.expr, func(t *testing.T) {
			p, err := Compile(want.expr)
			if want.ok() {
				checkProgram(t, p, err, want)
			} else {
				checkError(t, err, want)
			}
		})
	}
}

func checkProgram(t *testing.T, p *Program, err error, want expectation) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if p.Expr != want.expr || len(p.Classic) == 0 || len(p.Body) == 0 {
		t.Fatalf("incomplete program: %+v", p)
	}
}

func checkError(t *testing.T, err error, want expectation) {
	t.Helper()
	var syntax *libpcap.SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("want a *libpcap.SyntaxError, have %v", err)
	}
	if syntax.Offset != want.offset {
		t.Errorf("offset is %d, want %d\n%s", syntax.Offset, want.offset, syntax.Hint())
	}
	if !strings.Contains(syntax.Msg, want.msg) {
		t.Errorf("message is %q, want %q in it", syntax.Msg, want.msg)
	}
}

func TestNoExpression(t *testing.T) {
	for _, expr := range []string{"", " ", "\t\n "} {
		if p, err := Compile(expr); p != nil || err != nil {
			t.Errorf("%q: %v, %v", expr, p, err)
		}
	}
}
