// SPDX-License-Identifier: Apache-2.0

package libpcap

import "slices"

// The time that libpcap takes grows with the cube of the number of terms: a minute for 1,000
// hosts. A long expression is therefore cut into pieces at `and` and `or` between its terms;
// libpcap compiles each piece, and stitch.go combines the programs.

// pieceTerms is the maximum number of terms of a piece, if the expression can be cut.
const pieceTerms = 48

// part is a piece, or a list of parts. Each part in a list is joined to the result of all parts
// before it by `and` or `or`, which have the same precedence and are evaluated from left to right.
type part struct {
	// and is set if `and` joins the part to the parts before it. not is set if the part is negated.
	and, not bool
	parts    []part
	// A piece has the tokens with index >= from and < to. Its first term inherits the qualifiers, such
	// as `src host `, if it has none.
	from, to   int
	qualifiers string
}

// cutter cuts one expression into pieces.
type cutter struct {
	expr   string
	tokens []Token
	most   int // maximum number of terms of a piece
}

// cut returns the parts of the expression: one piece if it is short or can't be cut.
func (c cutter) cut() part {
	whole := part{to: len(c.tokens)}
	if !isBalanced(c.tokens) || slices.ContainsFunc(c.tokens, changesOffsets) {
		return whole
	}
	return c.divide(whole)
}

// changesOffsets reports whether a word changes the offsets that the terms after it test, so that these
// can't be compiled separately. protochain, for which libpcap generates a loop, is included.
func changesOffsets(t Token) bool {
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

// unwrap divides the operand of a negation, or the content of parentheses. These may follow qualifiers, as in
// `port (1 or 2)`.
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

// terms splits a piece at each `and` and `or` outside of brackets. Terms without qualifiers inherit
// those of the previous term.
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

// ends returns the index of the token after each term of a piece.
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

// group combines consecutive terms that are joined by the same operator into pieces. It fails if a
// piece would begin with a term whose meaning may depend on the terms before it.
func (c cutter) group(terms []part) (groups []part, ok bool) {
	alone := true // the last group is the first term only, to which `and` or `or` may join the next term
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

// text returns the text of a range of tokens.
func (c cutter) text(from, to int) string {
	if from == to {
		return ""
	}
	return c.expr[c.tokens[from].Offset:c.tokens[to-1].end()]
}

// piece returns the text of a piece for libpcap, and the length of the inherited qualifiers at
// its beginning.
func (c cutter) piece(p part) (text string, inherited int) {
	text = c.text(p.from, p.to)
	if !c.isBare(p) {
		return text, 0
	}
	return p.qualifiers + text, len(p.qualifiers)
}
