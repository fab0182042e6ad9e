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
	// Advice is what to write instead; if it is empty, the hint shows the place.
	Advice string
}

// Error is one clause that quotes the expression; of more than 240 characters only the beginning.
func (e *SyntaxError) Error() string {
	expr, _ := around(e.Expr, 0)
	return fmt.Sprintf("filter expression %q: %s", expr, e.Msg)
}

// Expression is the whole expression.
func (e *SyntaxError) Expression() string { return e.Expr }

// Usage tells that the user's input is wrong, not the run.
func (e *SyntaxError) Usage() bool { return true }

// Hint shows the expression with a caret line under the place.
func (e *SyntaxError) Hint() string {
	switch {
	case e.Advice != "":
		return e.Advice
	case e.Offset < 0 || e.Offset > len(e.Expr):
		return "pcap-filter(7) describes the filter language"
	}
	line, column := around(oneLine(e.Expr), utf8.RuneCountInString(e.Expr[:e.Offset]))
	return "the error is here:\n  " + line + "\n  " + strings.Repeat(" ", column) + "^"
}

// Of an expression of more than longest runes, only this many before the error and after it are
// shown.
const (
	longest      = 240
	shownBefore  = 80
	shownBehind  = 40
	notShownHere = "…"
)

// around cuts a long line to what is near the column, and returns the column in that.
func around(line string, column int) (string, int) {
	runes := []rune(line)
	if len(runes) <= longest {
		return line, column
	}
	begin, end := max(0, column-shownBefore), min(len(runes), column+shownBehind)
	if begin == 0 {
		end = max(end, shownBefore)
	}
	line = string(runes[begin:end])
	if end < len(runes) {
		line += notShownHere
	}
	if begin > 0 {
		return notShownHere + line, column - begin + 1
	}
	return line, column
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
