// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"slices"
	"strings"
)

// What a term begins with, as far as it has to be known to cut an expression in front of it.
var (
	// kinds say what an address is, and directions which one is meant. A term that has one
	// hands its qualifiers on to those behind it that have none.
	kinds      = []string{"host", "net", "port", "portrange", "proto"}
	directions = []string{"src", "dst"}
	protocols  = []string{"ether", "link", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp"}
	others     = []string{"len", "less", "greater", "broadcast", "multicast"}
)

func isNot(t Token) bool       { return t.Text == "not" || t.Text == "!" }
func isAnd(t Token) bool       { return t.Text == "and" || t.Text == "&&" }
func isDirection(t Token) bool { return slices.Contains(directions, t.Text) }

// gives says that a word makes qualifiers that are inherited.
func gives(t Token) bool { return slices.Contains(kinds, t.Text) || isDirection(t) }

func isQualifier(t Token) bool { return gives(t) || slices.Contains(protocols, t.Text) }

func joins(t Token) bool { return isAnd(t) || t.Text == "or" || t.Text == "||" }

// joinsDirections says that a token is the `or` of `src or dst`.
func joinsDirections(tokens []Token, i int) bool {
	return i > 0 && i+1 < len(tokens) && isDirection(tokens[i-1]) && isDirection(tokens[i+1])
}

// nesting is 1 for what opens brackets and -1 for what closes them.
func nesting(t Token) int {
	switch t.Text {
	case "(", "[":
		return 1
	case ")", "]":
		return -1
	}
	return 0
}

// closing is the index of what closes the bracket that the tokens begin with.
func closing(tokens []Token) int {
	depth := 0
	return slices.IndexFunc(tokens, func(t Token) bool {
		depth += nesting(t)
		return depth == 0
	})
}

// isBalanced says that each bracket is closed, and was opened before.
func isBalanced(tokens []Token) bool {
	depth := 0
	for _, t := range tokens {
		depth += nesting(t)
	}
	return depth == 0 && closesOwn(tokens)
}

// closesOwn says that each bracket that is closed was opened among the tokens.
func closesOwn(tokens []Token) bool {
	depth := 0
	for _, t := range tokens {
		if depth += nesting(t); depth < 0 {
			return false
		}
	}
	return true
}

// countTerms counts what libpcap generates blocks for: what `and` and `or` join, and each
// access to the bytes of a packet, which tests the protocol first.
func countTerms(tokens []Token) int {
	n := 1
	for _, t := range tokens {
		if joins(t) || t.Text == "[" {
			n++
		}
	}
	return n
}

// countQualifiers is how many tokens at the beginning are qualifiers.
func countQualifiers(tokens []Token) int {
	n := 0
	for n < len(tokens) && (isQualifier(tokens[n]) || joinsDirections(tokens, n)) {
		n++
	}
	return n
}

// first is the index of the first word of a term, behind brackets and negations.
func (c cutter) first(term part) int {
	i := term.from
	for i < term.to && (isNot(c.tokens[i]) || c.tokens[i].Text == "(") {
		i++
	}
	return i
}

// isBare says that a term begins with an address or a number that has no qualifiers.
func (c cutter) isBare(term part) bool {
	i := c.first(term)
	if i >= term.to || !strings.Contains("0123456789:", c.tokens[i].Text[:1]) {
		return false
	}
	return i+1 == term.to || joins(c.tokens[i+1]) || c.tokens[i+1].Text == ")"
}

// canBegin says that a term means the same without the terms in front of it.
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

// qualifiersOf are the qualifiers that a term hands on, or nothing where they are not known.
func (c cutter) qualifiersOf(term part) string {
	from := term.from
	for from < term.to && isNot(c.tokens[from]) {
		from++
	}
	n := countQualifiers(c.tokens[from:term.to])
	if !slices.ContainsFunc(c.tokens[from:from+n], gives) || from+n+1 != term.to {
		return ""
	}
	return c.text(from, from+n) + " "
}
