// SPDX-License-Identifier: Apache-2.0

package libpcap

// #include <pcap/pcap.h>
import "C"

import (
	"regexp"
	"sort"
	"strings"

	"tracer/internal/printable"
)

// prober tests whether libpcap accepts expressions.
type prober struct{ handle *C.pcap_t }

// takesAny reports whether libpcap accepts one of the expressions.
func (p prober) takesAny(exprs []string) bool { return p.message(true, exprs...) == "" }

// message returns libpcap's error for the last of the expressions; empty if it accepts one of them.
func (p prober) message(optimize bool, exprs ...string) string {
	_, msg, err := compileOn(stackFor(countTerms(Tokens(exprs[0]))), p.handle, optimize, exprs...)
	if err != nil {
		return err.Error()
	}
	return msg
}

// placeOf returns the offset of the error for which libpcap rejected an expression; -1 if it is not known.
// libpcap does not report the offset. It is derived from the message, or else found by compiling prefixes.
func (p prober) placeOf(expr, msg string) int {
	tokens := Tokens(expr)
	if offset, named := namedWord(tokens, msg); named {
		return offset
	}
	return p.place(expr, msg, tokens)
}

// short is the maximum number of tokens for which compiling every prefix of an expression is quick.
const short = 64

// place finds the offset of the error by compiling prefixes: the offset of a token, or the end of the
// expression. It returns -1 if the offset is not known.
func (p prober) place(expr, msg string, tokens []Token) int {
	if len(tokens) <= short {
		return firstImpossible(expr, tokens, p)
	}
	return p.placeInLong(expr, msg, tokens)
}

// nearby returns text like ` at "prot"` or ` at the end`, to be appended to "syntax error", which does not quote the
// token at the offset. It is empty for other messages.
func nearby(msg string, tokens []Token, offset int) string {
	if offset < 0 || !strings.HasSuffix(msg, "syntax error") {
		return ""
	}
	for _, t := range tokens {
		if t.Offset == offset {
			return " at " + printable.Quote(t.Text)
		}
	}
	return " at the end"
}

// memoryExhausted is the parser's message if brackets are nested too deeply for its stack.
const memoryExhausted = "memory exhausted"

// shorten removes the prefixes of the parser's messages, and converts the first letter to
// lower case unless it begins an acronym.
func shorten(msg string) string {
	msg = strings.TrimPrefix(msg, "can't parse filter expression: ")
	msg = strings.TrimPrefix(msg, "syntax error in filter expression: ")
	if msg == memoryExhausted {
		return "brackets are nested too deeply"
	}
	if len(msg) > 1 && strings.ToLower(msg[1:2]) == msg[1:2] {
		msg = strings.ToLower(msg[:1]) + msg[1:]
	}
	return msg
}

// unknownName matches libpcap's message for a name that it could not resolve. The message quotes
// the name; compiling prefixes would resolve it again each time.
var unknownName = regexp.MustCompile(`^unknown [a-z ]+'(.+)'`)

// namedWord returns the offset of the name in such a message.
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

// firstImpossible returns the offset of the first token that makes the expression invalid, whatever
// follows it, or the end of the expression if something is missing there. It is a binary search: if a
// prefix can't be completed to a valid expression, longer prefixes can't either.
func firstImpossible(expr string, tokens []Token, p prober) int {
	i := sort.Search(len(tokens), func(i int) bool {
		return !p.completes(expr, tokens[:i+1])
	})
	if i == len(tokens) {
		return len(expr)
	}
	return tokens[i].Offset
}

// completes reports whether the tokens are the beginning of a valid expression. It tries middles and
// closing brackets.
func (p prober) completes(expr string, tokens []Token) bool {
	begin := expr[:tokens[len(tokens)-1].end()]
	closers := openBrackets(tokens)
	var ends []string
	for _, middle := range middles {
		ends = append(ends, closed(begin+middle, closers)...)
	}
	return p.takesAny(ends)
}

// middles are continuations to try after a token: nothing, a value of some kind, an
// index, a comparison, a primitive. They use len because libpcap does not know its value at
// compile time, so it cannot conclude that no packet matches.
var middles = []string{
	"", " len", " 127.0.0.1", " ip", "[len]", " 1", " = len", " host 127.0.0.1", " port 1", " 10", " ::1",
	" dst 127.0.0.1", " proto 1", " 00:00:00:00:00:00", " mask 255.0.0.0", " 255.0.0.0", " 255.255.255.255", "1", "0",
}

// closed returns the texts that close the open brackets. A comparison may be missing before any closing
// bracket: `(tcp[0` may continue as `(tcp[0]) = len` or as `(tcp[0] = len)`.
func closed(begin, closers string) []string {
	ways := []string{begin + closers}
	for i := range len(closers) + 1 {
		ways = append(ways, begin+closers[:i]+" = len"+closers[i:])
	}
	return ways
}

// openBrackets returns the missing closing brackets, innermost first.
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
