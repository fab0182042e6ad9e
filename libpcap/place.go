// SPDX-License-Identifier: Apache-2.0

package libpcap

// #include <pcap/pcap.h>
import "C"

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// prober tells whether libpcap takes an expression.
type prober struct{ handle *C.pcap_t }

func (p prober) takes(expr string) bool {
	_, msg := compile(p.handle, expr)
	return msg == ""
}

// explain makes the error for an expression that libpcap refused with a message.
// libpcap does not say where, so the place is found from the message, or else
// by trial.
func explain(expr, msg string, p prober) error {
	tokens := Tokens(expr)
	offset, named := namedWord(tokens, msg)
	if !named {
		offset = firstImpossible(expr, tokens, p)
	}
	return &SyntaxError{Expr: expr, Offset: offset, Msg: shorten(msg) + nearby(msg, tokens, offset)}
}

// nearby names the place for an error whose message says nothing about it.
func nearby(msg string, tokens []Token, offset int) string {
	if !strings.HasSuffix(msg, "syntax error") {
		return ""
	}
	for _, t := range tokens {
		if t.Offset == offset {
			return fmt.Sprintf(" at %q", t.Text)
		}
	}
	return " at the end"
}

// shorten drops what the messages of the parser begin with and a capital letter
// that does not belong to an acronym.
func shorten(msg string) string {
	msg = strings.TrimPrefix(msg, "can't parse filter expression: ")
	msg = strings.TrimPrefix(msg, "syntax error in filter expression: ")
	if len(msg) > 1 && strings.ToLower(msg[1:2]) == msg[1:2] {
		msg = strings.ToLower(msg[:1]) + msg[1:]
	}
	return msg
}

// unknownName is how libpcap reports a name that it could not look up. Trials
// would look the name up again and again.
var unknownName = regexp.MustCompile(`^unknown [a-z ]+'(.+)'`)

func namedWord(tokens []Token, msg string) (offset int, ok bool) {
	name := unknownName.FindStringSubmatch(msg)
	if name == nil {
		return 0, false
	}
	for _, t := range tokens {
		if strings.TrimPrefix(t.Text, `\`) == name[1] {
			return t.Offset, true
		}
	}
	return 0, false
}

// firstImpossible is the offset of the first token that no valid expression can
// have in this place, or the end of the expression when something is missing there.
// A beginning that can't be completed stays so when it grows, hence the binary search.
func firstImpossible(expr string, tokens []Token, p prober) int {
	i := sort.Search(len(tokens), func(i int) bool {
		return !p.completes(expr, tokens[:i+1])
	})
	if i == len(tokens) {
		return len(expr)
	}
	return tokens[i].Offset
}

// completes tells whether the tokens are the beginning of a valid expression.
func (p prober) completes(expr string, tokens []Token) bool {
	last := tokens[len(tokens)-1]
	begin := expr[:last.Offset+len(last.Text)]
	closers := openBrackets(tokens)
	for _, middle := range middles {
		if p.closes(begin+middle, closers) {
			return true
		}
	}
	return false
}

// middles are what may be missing after a token: nothing, a value of some
// kind, an index, a comparison, a primitive. len is a value that libpcap can't
// know, so that it does not find that nothing matches.
var middles = []string{
	"", " len", " 127.0.0.1", " ip", "[len]", " 1", " = len", " host 127.0.0.1", " port 1", " 10", " ::1",
	" dst 127.0.0.1", " proto 1", " 00:00:00:00:00:00", " mask 255.0.0.0", " 255.0.0.0", " 255.255.255.255", "1", "0",
}

// closes tries to close the open brackets. A comparison can be missing before
// any of them: `(tcp[0` may go on as `(tcp[0]) = len` and as `(tcp[0] = len)`.
func (p prober) closes(begin, closers string) bool {
	if p.takes(begin + closers) {
		return true
	}
	for i := range len(closers) + 1 {
		if p.takes(begin + closers[:i] + " = len" + closers[i:]) {
			return true
		}
	}
	return false
}

// openBrackets are the closing brackets that are missing, innermost first.
func openBrackets(tokens []Token) string {
	closers := ""
	for _, t := range tokens {
		switch t.Text {
		case "(":
			closers = ")" + closers
		case "[":
			closers = "]" + closers
		case ")", "]":
			closers = strings.TrimPrefix(closers, t.Text)
		}
	}
	return closers
}
