// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"sort"
	"strings"
)

// Compiling every prefix of a long expression to find the offset of an error would take minutes, so
// only the parser is used. It stops at the first error. A marker is appended to a prefix; the parser
// reports the marker only if it accepts the prefix. A binary search finds the longest such prefix.

// marker is a number that does not fit into 32 bits. The lexer has a special message for it that
// quotes the number (libpcap 1.10).
const marker = "99999999999"

// placeInLong returns the offset of the error in a long expression. It finds the token that the parser
// rejects, then checks the tokens before it one by one, since the error may be a qualifier among them.
func (p prober) placeInLong(expr, msg string, tokens []Token) int {
	reached, ok := p.reach(expr, tokens)
	switch {
	case !ok:
		return -1
	case reached == len(tokens) && !strings.HasSuffix(msg, "syntax error"):
		return p.placeInBeginning(expr, tokens)
	}
	return p.placeNear(expr, tokens, reached)
}

// reach returns the number of tokens that the parser accepts; ok is false if this libpcap does not
// quote the marker in its message.
func (p prober) reach(expr string, tokens []Token) (n int, ok bool) {
	stop := p.message(false, marker)
	if !strings.Contains(stop, marker) {
		return 0, false
	}
	return sort.Search(len(tokens), func(i int) bool {
		return p.message(false, expr[:tokens[i].end()]+" "+marker) != stop
	}), true
}

// placeInBeginning compiles prefixes of the first tokens to find an error that the parser does not find, such
// as that no packet can match. It returns -1 if these tokens have none.
func (p prober) placeInBeginning(expr string, tokens []Token) int {
	tokens = tokens[:short]
	beginning := expr[:tokens[short-1].end()]
	if at := firstImpossible(beginning, tokens, p); at < len(beginning) {
		return at
	}
	return -1
}

// near is how far before the rejected token the actual error may be, in tokens.
const near = 3

// placeNear returns the offset of the error at or shortly before the token that the parser rejects. It compiles
// prefixes of the last terms up to this token, if these terms are valid without those before them.
func (p prober) placeNear(expr string, tokens []Token, refused int) int {
	place := len(expr)
	if refused < len(tokens) {
		place = tokens[refused].Offset
	}
	begin, ok := beginOfTerms(tokens, refused)
	if !ok {
		return place
	}
	from := tokens[begin].Offset
	terms := Tokens(expr[from:tokens[min(refused, len(tokens)-1)].end()])
	text := expr[from : terms[len(terms)-1].end()+from]
	if !p.completes(text, terms[:max(1, refused-near-begin)]) {
		return place
	}
	if at := firstImpossible(text, terms, p); at < len(text) {
		return from + at
	}
	return place
}

// beginOfTerms returns the index of the first token of the last few terms up to the rejected token. These
// terms close only brackets that they opened.
func beginOfTerms(tokens []Token, refused int) (int, bool) {
	for begin := refused - 1; begin > max(0, refused-short); begin-- {
		if joins(tokens[begin-1]) && closesOwn(tokens[begin:refused]) {
			return begin, true
		}
	}
	return 0, false
}
