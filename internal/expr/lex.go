// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"strings"
	"unicode/utf8"
)

// tokenKind tells the sorts of words that an expression is made of.
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
	at   int // byte of the expression
}

// signs are tried in this order, so a longer one stands before its beginning. Those
// that change something, such as ++, are there to be refused as what they are.
var signs = []string{
	"<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", "++", "--",
	"(", ")", "[", "]", ".", "*", "&", "|", "^", "~", "!", "+", "-", "/", "%", "<", ">", "=", "?", ":", ",",
}

// lex cuts an expression into tokens; the last one is its end.
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

// next is the token that begins at a byte that is no space.
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
	fail(at, "unexpected character %q", r)
	return token{}
}

// delimited is a text up to the quote that closes it, which is the byte it begins with.
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

// prefix is how many bytes at the beginning are of a kind.
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
