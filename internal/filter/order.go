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

// rejectsAll is what libpcap says of an expression that no packet can match.
const rejectsAll = "expression rejects all packets"

// headerWords are the primitives for a header in front of the network header. What follows them is
// looked for behind it, and what precedes them in a frame without it.
var headerWords = []string{"vlan", "mpls", "pppoes"}

// orderError is an expression that no packet can match because of the order of its parts.
type orderError struct {
	*libpcap.SyntaxError
	advice string
}

func (e *orderError) Unwrap() error { return e.SyntaxError }

// Hint says how to write it, or why it is so.
func (e *orderError) Hint() string {
	_, place, _ := strings.Cut(e.SyntaxError.Hint(), ":")
	return e.advice + place
}

// explainOrder explains an expression that no packet can match where a header's primitive stands behind
// another one.
func explainOrder(expr string, err error) error {
	var syntax *libpcap.SyntaxError
	if !errors.As(err, &syntax) || !strings.Contains(syntax.Msg, rejectsAll) || syntax.Offset < 0 {
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

// headersFirst has the primitives of headers in front of the others; empty for an expression that is
// more than primitives joined by and, or if that does not help.
func headersFirst(expr string, tokens []libpcap.Token) string {
	var headers, others []string
	isOr := func(t libpcap.Token) bool { return t.Text == "or" || t.Text == "||" }
	if slices.ContainsFunc(tokens, isOr) { // of the same precedence
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

// parts are what stands between the words `and` that are not in brackets.
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

// orderNotes say what the primitive of a header means for an alternative to it.
func orderNotes(tokens []libpcap.Token) []string {
	word := headerBeforeOr(tokens)
	if word == "" {
		return nil
	}
	note := fmt.Sprintf("what follows %s is looked for behind that header, also after or", word)
	if word == "vlan" {
		note += "; for one of several tags write vlan and (ether[14:2] & 0xfff = 5 or ether[14:2] & 0xfff = 6)"
	}
	return []string{note}
}

// headerBeforeOr is the primitive of a header within the left operand of an or; empty if there is none.
func headerBeforeOr(tokens []libpcap.Token) string {
	groups := []string{""} // such a primitive in each group in brackets that is open
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
