// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"slices"
	"strings"
)

// Words at the beginning of a term that decide whether the expression can be cut before it.
var (
	// kinds and directions are qualifiers. Terms without qualifiers inherit all qualifiers of the last
	// term that has a kind or direction.
	kinds      = []string{"host", "net", "port", "portrange", "proto"}
	directions = []string{"src", "dst"}
	protocols  = []string{"ether", "link", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp"}
	others     = []string{"len", "less", "greater", "broadcast", "multicast"}
)

func isNot(t Token) bool       { return t.Text == "not" || t.Text == "!" }
func isAnd(t Token) bool       { return t.Text == "and" || t.Text == "&&" }
func isDirection(t Token) bool { return slices.Contains(directions, t.Text) }

// isInherited reports whether later terms inherit the qualifiers of a term with this word.
func isInherited(t Token) bool { return slices.Contains(kinds, t.Text) || isDirection(t) }

func isQualifier(t Token) bool { return isInherited(t) || slices.Contains(protocols, t.Text) }

func joins(t Token) bool { return isAnd(t) || t.Text == "or" || t.Text == "||" }

// joinsDirections reports whether token i is the `or` or `and` of `src or dst`, which joins no terms.
func joinsDirections(tokens []Token, i int) bool {
	return i > 0 && i+1 < len(tokens) && isDirection(tokens[i-1]) && isDirection(tokens[i+1])
}

// nesting is 1 for an opening bracket, -1 for a closing one, else 0.
func nesting(t Token) int {
	switch t.Text {
	case "(", "[":
		return 1
	case ")", "]":
		return -1
	}
	return 0
}

// closing returns the index of the bracket that closes the one at the beginning of the tokens.
func closing(tokens []Token) int {
	depth := 0
	return slices.IndexFunc(tokens, func(t Token) bool {
		depth += nesting(t)
		return depth == 0
	})
}

// isBalanced reports whether each bracket is opened and closed.
func isBalanced(tokens []Token) bool {
	depth := 0
	for _, t := range tokens {
		depth += nesting(t)
	}
	return depth == 0 && closesOwn(tokens)
}

// closesOwn reports whether each closed bracket was opened among the tokens.
func closesOwn(tokens []Token) bool {
	depth := 0
	for _, t := range tokens {
		if depth += nesting(t); depth < 0 {
			return false
		}
	}
	return true
}

// countTerms counts the terms: the operands of `and` and `or`, and each access to packet bytes (`tcp[0]`), since
// libpcap generates a test of the protocol for it.
func countTerms(tokens []Token) int {
	n := 1
	for _, t := range tokens {
		if joins(t) || t.Text == "[" {
			n++
		}
	}
	return n
}

// countQualifiers returns the number of qualifiers at the beginning of the tokens.
func countQualifiers(tokens []Token) int {
	n := 0
	for n < len(tokens) && (isQualifier(tokens[n]) || joinsDirections(tokens, n)) {
		n++
	}
	return n
}

// first returns the index of the first word of a term, after brackets and negations.
func (c cutter) first(term part) int {
	i := term.from
	for i < term.to && (isNot(c.tokens[i]) || c.tokens[i].Text == "(") {
		i++
	}
	return i
}

// isBare reports whether the first term of a part is an address or number without qualifiers, after brackets and
// negations.
func (c cutter) isBare(term part) bool {
	i := c.first(term)
	if i >= term.to || !strings.Contains("0123456789:", c.tokens[i].Text[:1]) {
		return false
	}
	return i+1 == term.to || joins(c.tokens[i+1]) || c.tokens[i+1].Text == ")"
}

// canBegin reports whether a piece can begin with a term: it means the same without the terms before it, or
// the qualifiers that it inherits are known.
func (c cutter) canBegin(term part) bool {
	if c.isBare(term) {
		return term.qualifiers != ""
	}
	i := c.first(term)
	if i >= term.to {
		return false
	}
	return isQualifier(c.tokens[i]) || slices.Contains(others, c.tokens[i].Text)
}

// qualifiersOf returns the qualifiers that later terms inherit from a term; empty if they are not known.
func (c cutter) qualifiersOf(term part) string {
	from := term.from
	for from < term.to && isNot(c.tokens[from]) {
		from++
	}
	n := countQualifiers(c.tokens[from:term.to])
	if !slices.ContainsFunc(c.tokens[from:from+n], isInherited) || from+n+1 != term.to {
		return ""
	}
	return c.text(from, from+n) + " "
}
