// SPDX-License-Identifier: Apache-2.0

package libpcap

import "strings"

// Token is one word, number, bracket or operator of an expression.
type Token struct {
	Text   string
	Offset int // of its first byte in the expression
}

// end returns the offset after the last byte.
func (t Token) end() int { return t.Offset + len(t.Text) }

const (
	blanks    = " \t\r\n\v\f"
	operators = "()[]!&|=<>+*%^'\"`,;"
)

// Tokens splits an expression into words, brackets and operators. Text that libpcap
// may read as one name or address (`10.0.0.0/8`, `fe80::1`, `echo-reply`, `\tcp`)
// is one word, even inside brackets (`ip[2:2]`).
func Tokens(expr string) []Token {
	var tokens []Token
	for at := 0; at < len(expr); {
		n := tokenLen(expr[at:])
		if !strings.Contains(blanks, expr[at:at+1]) {
			tokens = append(tokens, Token{Text: expr[at : at+n], Offset: at})
		}
		at += n
	}
	return tokens
}

// tokenLen returns the length of the token or blank at the beginning of the text.
func tokenLen(text string) int {
	switch {
	case len(text) > 1 && isPair(text[:2]):
		return 2
	case strings.Contains(blanks+operators, text[:1]):
		return 1
	}
	if end := strings.IndexAny(text, blanks+operators); end > 0 {
		return end
	}
	return len(text)
}

func isPair(text string) bool {
	switch text {
	case "&&", "||", "<<", ">>", "<=", ">=", "==", "!=":
		return true
	}
	return false
}
