// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SyntaxError is an expression that can't be turned into a filter.
type SyntaxError struct {
	// Expr is the whole expression.
	Expr string
	// Offset is the byte of Expr where the trouble is, len(Expr) when something is
	// missing at its end, -1 when the place isn't known.
	Offset int
	// Msg is the reason in one clause.
	Msg string
}

// Error is one clause that quotes the expression.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("filter expression %q: %s", e.Expr, e.Msg)
}

// Expression is the whole expression.
func (e *SyntaxError) Expression() string { return e.Expr }

// Usage tells that the user's input is wrong, not the run.
func (e *SyntaxError) Usage() bool { return true }

// Hint shows the expression with a caret line under the place.
func (e *SyntaxError) Hint() string {
	if e.Offset < 0 || e.Offset > len(e.Expr) {
		return "pcap-filter(7) describes the filter language"
	}
	column := utf8.RuneCountInString(e.Expr[:e.Offset])
	return "the error is here:\n  " + oneLine(e.Expr) + "\n  " + strings.Repeat(" ", column) + "^"
}

// oneLine makes every rune of the expression one column wide, so that the caret
// stands where it should.
func oneLine(expr string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, expr)
}
