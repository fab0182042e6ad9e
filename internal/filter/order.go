// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tracer/libpcap"
)

// headerWords are the primitives for a header between the Ethernet header and the network header.
// Primitives after one of these words test what follows that header. Primitives before it test a frame
// without that header.
var headerWords = []string{"vlan", "mpls", "pppoes"}

// orderError is the error for an expression that no packet can match because of the order of its
// primitives.
type orderError struct {
	*libpcap.SyntaxError
	advice string
}

func (e *orderError) Unwrap() error { return e.SyntaxError }

// Hint returns what to write instead, or else what the order means, and marks the position in the
// expression.
func (e *orderError) Hint() string {
	_, position, _ := strings.Cut(e.SyntaxError.Hint(), ":")
	return e.advice + position
}

// explainOrder adds a hint to the error for an expression that no packet can match if one of
// headerWords is not the first primitive.
func explainOrder(expr string, err error) error {
	var syntax *libpcap.SyntaxError
	if !errors.As(err, &syntax) || !strings.Contains(syntax.Msg, libpcap.RejectsAll) || syntax.Offset < 0 {
		return err
	}
	tokens := libpcap.Tokens(expr)
	i := slices.IndexFunc(tokens, func(t libpcap.Token) bool { return slices.Contains(headerWords, t.Text) })
	if i <= 0 {
		return err
	}
	word := tokens[i].Text
	advice := fmt.Sprintf("%s has to come first: what precedes it is a test of frames without that header", word)
	if first := headersFirst(expr, tokens); first != "" {
		advice = fmt.Sprintf("type '%s': what precedes %s is a test of frames without that header", first, word)
	}
	return &orderError{syntax, advice}
}

// headersFirst returns the expression with the primitives of headers moved to the front. It is empty if
// the expression contains `or`, or if the result is an error, too.
func headersFirst(expr string, tokens []libpcap.Token) string {
	var headers, others []string
	isOr := func(t libpcap.Token) bool { return t.Text == "or" || t.Text == "||" }
	if slices.ContainsFunc(tokens, isOr) { // `or` has the same precedence, so the order matters
		return ""
	}
	for _, part := range parts(expr, tokens) {
		word, _, _ := strings.Cut(part, " ")
		if slices.Contains(headerWords, word) {
			headers = append(headers, part)
		} else {
			others = append(others, part)
		}
	}
	first := strings.Join(append(headers, others...), " and ")
	if _, err := libpcap.Compile(first, libpcap.Ethernet, snaplen); err != nil {
		return ""
	}
	return first
}

// parts splits an expression at each `and` outside brackets.
func parts(expr string, tokens []libpcap.Token) (list []string) {
	begin, depth := 0, 0
	for _, t := range tokens {
		switch t.Text {
		case "(", "[":
			depth++
		case ")", "]":
			depth--
		case "and", "&&":
			if depth == 0 {
				list = append(list, strings.TrimSpace(expr[begin:t.Offset]))
				begin = t.Offset + len(t.Text)
			}
		}
	}
	return append(list, strings.TrimSpace(expr[begin:]))
}

// orderNotes returns a note for an expression with one of headerWords before an `or`.
func orderNotes(tokens []libpcap.Token) []string {
	word := headerBeforeOr(tokens)
	if word == "" {
		return nil
	}
	note := fmt.Sprintf("primitives after %s, also those after or, test what follows that header", word)
	if word == "vlan" {
		note += "; for one of several tags write vlan and (ether[14:2] & 0xfff = 5 or ether[14:2] & 0xfff = 6)"
	}
	return []string{note}
}

// headerBeforeOr returns one of headerWords that is in the left operand of an `or`; empty if there is none.
func headerBeforeOr(tokens []libpcap.Token) string {
	groups := []string{""} // the header word in each open bracket, empty if none
	for _, t := range tokens {
		last := len(groups) - 1
		switch {
		case t.Text == "(":
			groups = append(groups, "")
		case t.Text == ")" && last > 0:
			groups[last-1] = cmp.Or(groups[last-1], groups[last])
			groups = groups[:last]
		case slices.Contains(headerWords, t.Text):
			groups[last] = t.Text
		case (t.Text == "or" || t.Text == "||") && groups[last] != "":
			return groups[last]
		}
	}
	return ""
}
