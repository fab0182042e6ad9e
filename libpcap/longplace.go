// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"sort"
	"strings"
)

// In a long expression only the parser looks for the place of an error: compiling it again and
// again would take minutes. It stops at the first error, so that it reads a marker behind a
// token only if it took the token.

// marker is a number that does not fit into 32 bits, which the lexer reports by a message of
// its own (libpcap 1.10).
const marker = "99999999999"

// placeInLong finds the token that the parser refuses, and then looks closely at what is in
// front of it, as a qualifier may have been wrong there already.
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

// reach is the number of tokens that the parser takes. It is not known with a libpcap that
// has no message for the marker.
func (p prober) reach(expr string, tokens []Token) (n int, ok bool) {
	stop := p.message(false, marker)
	if !strings.Contains(stop, marker) {
		return 0, false
	}
	return sort.Search(len(tokens), func(i int) bool {
		return p.message(false, expr[:tokens[i].end()]+" "+marker) != stop
	}), true
}

// placeInBeginning looks for an error that is not the parser's, such as that nothing can match,
// in what is short enough for it.
func (p prober) placeInBeginning(expr string, tokens []Token) int {
	tokens = tokens[:short]
	beginning := expr[:tokens[short-1].end()]
	if at := firstImpossible(beginning, tokens, p); at < len(beginning) {
		return at
	}
	return -1
}

// near is how many tokens in front of the one that the parser refuses may be the wrong one.
const near = 3

// placeNear looks closely at the last terms up to the token that the parser refuses, if they
// are an expression without what is in front of them.
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

// beginOfTerms finds where a few terms begin that end with the refused token and have no
// bracket closed that they did not open.
func beginOfTerms(tokens []Token, refused int) (int, bool) {
	for begin := refused - 1; begin > max(0, refused-short); begin-- {
		if joins(tokens[begin-1]) && closesOwn(tokens[begin:refused]) {
			return begin, true
		}
	}
	return 0, false
}
