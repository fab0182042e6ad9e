// SPDX-License-Identifier: Apache-2.0

// Package caret marks the position of an error in an expression, with a caret on the line below.
package caret

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// An expression of more than longest runes is shortened to shownBefore runes before the error and
// shownAfter runes from it on.
const (
	longest     = 240
	shownBefore = 80
	shownAfter  = 40
	ellipsis    = "…"
)

// Under returns two indented lines: the expression, and a caret under the byte at the offset. A long
// expression is shortened to the part around the offset.
func Under(expr string, offset int) string {
	line, column := around(oneLine(expr), utf8.RuneCountInString(expr[:min(offset, len(expr))]))
	return "  " + line + "\n  " + strings.Repeat(" ", column) + "^"
}

// Beginning returns the expression; a long one is truncated.
func Beginning(expr string) string {
	line, _ := around(expr, 0)
	return line
}

// around shortens a long line to the part near the column, and returns the new column.
func around(line string, column int) (string, int) {
	runes := []rune(line)
	if len(runes) <= longest {
		return line, column
	}
	begin, end := max(0, column-shownBefore), min(len(runes), column+shownAfter)
	if begin == 0 {
		end = max(end, shownBefore)
	}
	line = string(runes[begin:end])
	if end < len(runes) {
		line += ellipsis
	}
	if begin > 0 {
		return ellipsis + line, column - begin + 1
	}
	return line, column
}

// oneLine replaces white space and unprintable characters by characters of one column, so that the column
// of the caret is right.
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
