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

// takesAny reports whether libpcap accepts one of the expressions.
func (p prober) takesAny(exprs []string) bool { return p.message(true, exprs...) == "" }

// message is libpcap's error for the last of the expressions; empty if it accepts one of them.
func (p prober) message(optimize bool, exprs ...string) string {
	_, msg, err := compileOn(stackFor(countTerms(Tokens(exprs[0]))), p.handle, optimize, exprs...)
	if err != nil {
		return err.Error()
	}
	return msg
}

// placeOf is the offset of the error for which libpcap rejected an expression; -1 if it is not known.
// libpcap does not report it, so it is found from the message, or else by trial.
func (p prober) placeOf(expr, msg string) int {
	tokens := Tokens(expr)
	if offset, named := namedWord(tokens, msg); named {
		return offset
	}
	return p.place(expr, msg, tokens)
}

// short is the number of tokens up to which compiling every prefix of an expression is quick.
const short = 64

// place finds by trial the offset of the token for which libpcap rejected the expression, or of its
// end; -1 if it is not known.
func (p prober) place(expr, msg string, tokens []Token) int {
	if len(tokens) <= short {
		return firstImpossible(expr, tokens, p)
	}
	return p.placeInLong(expr, msg, tokens)
}

// nearby names the place for an error whose message says nothing about it.
func nearby(msg string, tokens []Token, offset int) string {
	if offset < 0 || !strings.HasSuffix(msg, "syntax error") {
		return ""
	}
	for _, t := range tokens {
		if t.Offset == offset {
			return fmt.Sprintf(" at %q", t.Text)
		}
	}
	return " at the end"
}

// parserIsFull is the parser's message if brackets are nested too deeply for its stack.
const parserIsFull = "memory exhausted"

// shorten drops what the messages of the parser begin with and a capital letter
// that does not belong to an acronym.
func shorten(msg string) string {
	msg = strings.TrimPrefix(msg, "can't parse filter expression: ")
	msg = strings.TrimPrefix(msg, "syntax error in filter expression: ")
	if msg == parserIsFull {
		return "brackets are nested too deeply"
	}
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
	begin := expr[:tokens[len(tokens)-1].end()]
	closers := openBrackets(tokens)
	var ends []string
	for _, middle := range middles {
		ends = append(ends, closed(begin+middle, closers)...)
	}
	return p.takesAny(ends)
}

// middles are what may be missing after a token: nothing, a value of some
// kind, an index, a comparison, a primitive. len is a value that libpcap can't
// know, so that it does not find that nothing matches.
var middles = []string{
	"", " len", " 127.0.0.1", " ip", "[len]", " 1", " = len", " host 127.0.0.1", " port 1", " 10", " ::1",
	" dst 127.0.0.1", " proto 1", " 00:00:00:00:00:00", " mask 255.0.0.0", " 255.0.0.0", " 255.255.255.255", "1", "0",
}

// closed lists the ways to close the open brackets. A comparison can be missing before any of
// them: `(tcp[0` may continue as `(tcp[0]) = len` and as `(tcp[0] = len)`.
func closed(begin, closers string) []string {
	ways := []string{begin + closers}
	for i := range len(closers) + 1 {
		ways = append(ways, begin+closers[:i]+" = len"+closers[i:])
	}
	return ways
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
