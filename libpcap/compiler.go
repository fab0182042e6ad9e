// SPDX-License-Identifier: Apache-2.0

package libpcap

// #include <pcap/pcap.h>
import "C"

import (
	"fmt"
	"slices"
	"strings"
)

// compiler compiles one expression, piece by piece.
type compiler struct {
	cutter
	*stitcher
	handle *C.pcap_t
}

// RejectsAll is libpcap's message for an expression that no packet can match.
const RejectsAll = "expression rejects all packets"

func (c *compiler) compile() ([]RawInstruction, error) {
	if n := countTerms(c.tokens); n > mostTerms {
		msg := fmt.Sprintf("%d terms are too many, at most %d are supported", n, mostTerms)
		return nil, &SyntaxError{Expr: c.expr, Offset: -1, Msg: msg, Advice: Fewer}
	}
	p := c.cut()
	if err := c.add(p, accept, reject); err != nil {
		return nil, err
	}
	program := c.program()
	if p.parts != nil && !slices.ContainsFunc(program, matches) {
		return nil, &SyntaxError{Expr: c.expr, Offset: -1, Msg: RejectsAll}
	}
	return program, nil
}

func matches(in RawInstruction) bool { return in.Op == opReturn && in.K != 0 }

// add appends the program of a part, which jumps to yes if the packet matches, else to no.
func (c *compiler) add(p part, yes, no label) error {
	if p.not {
		yes, no = no, yes
	}
	if p.parts == nil {
		program, err := c.compilePiece(p)
		c.append(program, yes, no)
		return err
	}
	begin := make([]label, len(p.parts))
	for i := range begin {
		begin[i] = c.newLabel()
	}
	for i, each := range p.parts {
		c.setLabel(begin[i])
		ifYes, ifNo := ways(p.parts, begin, i, yes, no)
		if err := c.add(each, ifYes, ifNo); err != nil {
			return err
		}
	}
	return nil
}

// compilePiece compiles a piece. If no packet can match it, this is an error only if the piece is the
// whole expression; otherwise the program rejects all packets.
func (c *compiler) compilePiece(p part) ([]RawInstruction, error) {
	n := countTerms(c.tokens[p.from:p.to])
	if n > mostTogether {
		return nil, c.tooMany(p, n)
	}
	text, _ := c.piece(p)
	program, msg, err := compileOn(stackFor(n), c.handle, true, text)
	switch {
	case msg == RejectsAll && p.to-p.from < len(c.tokens):
		return []RawInstruction{{Op: opReturn}}, nil
	case msg != "":
		return nil, c.refused(p, msg)
	}
	return program, err
}

// refused returns the error for a piece that libpcap rejects, with the offset in the whole expression.
func (c *compiler) refused(p part, msg string) error {
	text, inherited := c.piece(p)
	offset := prober{c.handle}.placeOf(text, msg)
	switch {
	case offset >= len(text) && p.to < len(c.tokens):
		offset = c.tokens[p.to].Offset
	case offset >= len(text):
		offset = len(c.expr)
	case offset >= 0:
		offset = c.tokens[p.from].Offset + max(0, offset-inherited)
	}
	return &SyntaxError{Expr: c.expr, Offset: offset, Msg: shorten(msg) + nearby(msg, c.tokens, offset)}
}

// tooMany returns the error for a piece that would take libpcap too long to compile. A syntax error in
// the piece is reported instead; it is found quickly by the parser (see longplace.go).
func (c *compiler) tooMany(p part, terms int) error {
	text, _ := c.piece(p)
	trial := prober{c.handle}
	if msg := trial.message(false, text+" "+marker); !strings.Contains(msg, marker) {
		return c.refused(p, msg)
	}
	if !isBalanced(c.tokens) {
		return c.refused(p, "syntax error")
	}
	return &SyntaxError{
		Expr: c.expr, Offset: c.tokens[p.from].Offset,
		Msg:    fmt.Sprintf("%d terms that cannot be compiled separately are too many, at most %d are supported", terms, mostTogether),
		Advice: Fewer,
	}
}
