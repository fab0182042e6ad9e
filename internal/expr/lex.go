// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"unicode/utf8"

	"tracer/internal/printable"
)

// tokenKind is the kind of a token.
type tokenKind int

const (
	end tokenKind = iota
	word
	digits
	character // 'a', quotes included
	quoted    // "a", quotes included
	sign
)

type token struct {
	kind tokenKind
	text string
	at   int // byte offset in the expression
}

// signs are the operators and brackets. They are tried in this order, so a longer sign comes before
// its prefix. Unsupported operators, such as ++ and ?, are included for a precise error.
var signs = []string{
	"<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", "++", "--",
	"(", ")", "[", "]", ".", "*", "&", "|", "^", "~", "!", "+", "-", "/", "%", "<", ">", "=", "?", ":", ",",
}

// lex splits an expression into tokens; the last one has kind end.
func lex(text string) []token {
	var tokens []token
	for at := 0; ; {
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], " \t\r\n"))
		if at == len(text) {
			return append(tokens, token{end, "", at})
		}
		t := next(text, at)
		tokens = append(tokens, t)
		at += len(t.text)
	}
}

// next returns the token that begins at a byte offset.
func next(text string, at int) token {
	rest := text[at:]
	switch c := rest[0]; {
	case isLetter(c):
		return token{word, rest[:prefix(rest, isWordByte)], at}
	case isDigit(c):
		return token{digits, rest[:prefix(rest, isWordByte)], at}
	case c == '\'':
		return token{character, delimited(rest, at), at}
	case c == '"':
		return token{quoted, delimited(rest, at), at}
	}
	for _, s := range signs {
		if strings.HasPrefix(rest, s) {
			return token{sign, s, at}
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	fail(at, "unexpected character '%s'", printable.Text(string(r)))
	return token{}
}

// delimited returns the quoted text at the beginning of rest, quotes included.
func delimited(rest string, at int) string {
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case rest[0]:
			return rest[:i+1]
		case '\\':
			i++
		}
	}
	fail(at, "a closing %c is missing", rest[0])
	return ""
}

// prefix returns the number of bytes at the beginning of s for which is returns true.
func prefix(s string, is func(byte) bool) int {
	n := 0
	for n < len(s) && is(s[n]) {
		n++
	}
	return n
}

func isLetter(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isWordByte(c byte) bool { return isLetter(c) || isDigit(c) }
