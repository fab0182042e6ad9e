// SPDX-License-Identifier: Apache-2.0

package libpcap

import "slices"

// libpcap's time grows with the cube of an expression's length: a minute for 1,000 hosts. A
// long expression is therefore cut into pieces where `and` and `or` join its terms; libpcap
// compiles each piece, and stitch.go puts the programs together.

// pieceTerms is how many terms a piece has at most, if it can be cut.
const pieceTerms = 48

// part is a piece, or a list of parts. Each part is joined to all in front of it: `and` and
// `or` have the same precedence and are evaluated from left to right.
type part struct {
	and, not bool
	parts    []part
	// A piece has the tokens from one index to another, and its first term inherits these
	// qualifiers.
	from, to   int
	qualifiers string
}

// cutter cuts one expression into pieces of at most so many terms.
type cutter struct {
	expr   string
	tokens []Token
	most   int
}

// cut is an expression in parts: one piece if it is short or can't be cut.
func (c cutter) cut() part {
	whole := part{to: len(c.tokens)}
	if !isBalanced(c.tokens) || slices.ContainsFunc(c.tokens, movesOn) {
		return whole
	}
	return c.divide(whole)
}

// movesOn says that the terms behind a word look at other bytes than without it.
func movesOn(t Token) bool {
	return slices.Contains([]string{"vlan", "mpls", "pppoed", "pppoes", "geneve", "vxlan", "protochain"}, t.Text)
}

func (c cutter) divide(p part) part {
	if countTerms(c.tokens[p.from:p.to]) <= c.most {
		return p
	}
	terms := c.terms(p)
	if len(terms) == 1 {
		return c.unwrap(p)
	}
	groups, ok := c.group(terms)
	if !ok || len(groups) == 1 {
		return p
	}
	for i := range groups {
		groups[i] = c.divide(groups[i])
	}
	return part{and: p.and, not: p.not, parts: groups}
}

// unwrap divides what is negated, or in brackets, with or without qualifiers in front of them.
func (c cutter) unwrap(p part) part {
	tokens := c.tokens[p.from:p.to]
	if isNot(tokens[0]) {
		p.not, p.from = !p.not, p.from+1
		return c.divide(p)
	}
	n := countQualifiers(tokens)
	if n == len(tokens) || tokens[n].Text != "(" || closing(tokens[n:])+n+1 != len(tokens) {
		return p
	}
	if n > 0 {
		p.qualifiers = c.text(p.from, p.from+n) + " "
	}
	p.from, p.to = p.from+n+1, p.to-1
	return c.divide(p)
}

// terms are the terms of a piece, with the qualifiers that they inherit.
func (c cutter) terms(p part) []part {
	var terms []part
	begin, inherited := p.from, p.qualifiers
	for _, end := range c.ends(p) {
		term := part{from: begin, to: end, and: begin > p.from && isAnd(c.tokens[begin-1])}
		if c.isBare(term) {
			term.qualifiers = inherited
		} else {
			inherited = c.qualifiersOf(term)
		}
		terms = append(terms, term)
		begin = end + 1
	}
	return terms
}

// ends are the indexes of the tokens behind the terms of a piece.
func (c cutter) ends(p part) []int {
	var ends []int
	depth := 0
	for i := p.from; i < p.to; i++ {
		depth += nesting(c.tokens[i])
		if depth == 0 && joins(c.tokens[i]) && !joinsDirections(c.tokens, i) {
			ends = append(ends, i)
		}
	}
	return append(ends, p.to)
}

// group puts terms that are joined alike into pieces. It fails where a piece would begin with
// what may depend on the terms in front of it.
func (c cutter) group(terms []part) (groups []part, ok bool) {
	alone := true // the first piece has one term, to which any may be joined
	and := false
	for i, term := range terms {
		alike := i > 0 && (alone || term.and == and)
		begins := c.canBegin(term)
		switch {
		case alike && (!begins || countTerms(c.tokens[groups[len(groups)-1].from:term.to]) <= c.most):
			groups[len(groups)-1].to = term.to
			alone = false
		case begins:
			groups = append(groups, term)
			alone = i == 0
		default:
			return nil, false
		}
		and = term.and
	}
	return groups, true
}

// text is the expression from one token to another.
func (c cutter) text(from, to int) string {
	if from == to {
		return ""
	}
	return c.expr[c.tokens[from].Offset:c.tokens[to-1].end()]
}

// piece is what libpcap gets of a piece, and how many bytes of that are inherited.
func (c cutter) piece(p part) (text string, inherited int) {
	text = c.text(p.from, p.to)
	if !c.isBare(p) {
		return text, 0
	}
	return p.qualifiers + text, len(p.qualifiers)
}
