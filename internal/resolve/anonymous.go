// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"slices"
	"strings"
)

// anonymousText returns nft's text of a rule in an anonymous chain, or "". nft prints these rules without handles, in the
// braces of the rule that jumps to the chain.
func (t *table) anonymousText(r *rule) string {
	from := t.stepsTo()[r.chain]
	if len(from) != 1 || !isAnonymous(r.chain) {
		return ""
	}
	all := inBraces(t.texts[from[0].Handle])
	at := slices.Index(t.chains[r.chain].rules, r)
	if len(all) != len(t.chains[r.chain].rules) {
		return ""
	}
	return all[at]
}

// inBraces returns the rules in the braces after the last jump or goto of a text. It ignores braces and semicolons in
// quotes.
func inBraces(text string) (rules []string) {
	depth, begin, quoted := 0, 0, false
	isJump := func(at int) bool {
		return strings.HasSuffix(text[:at], "jump ") || strings.HasSuffix(text[:at], "goto ")
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			if depth++; depth == 1 && isJump(i) {
				rules, begin = nil, i+1
			}
		case depth == 1 && begin > 0 && (c == ';' || c == '}'):
			rules = append(rules, strings.TrimSpace(text[begin:i]))
			if begin = i + 1; c == '}' {
				begin, depth = 0, 0
			}
		case c == '}':
			depth--
		}
	}
	return rules
}
