// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"regexp"
	"slices"
	"strings"
)

// nameSet are the names that whole-name expressions match. Expressions that are only a list of names, as those of tables
// are, become a set, since each of the kernel's functions is compared with hundreds of names.
type nameSet struct {
	names       map[string]bool
	expressions []*regexp.Regexp
}

func newNameSet(list []*regexp.Regexp) nameSet {
	s := nameSet{names: map[string]bool{}}
	for _, re := range list {
		names, ok := listOfNames(re)
		if !ok {
			s.expressions = append(s.expressions, re)
		}
		for _, name := range names {
			s.names[name] = true
		}
	}
	return s
}

// listOfNames returns the names if the expression is made of nothing else: see [WholeName].
func listOfNames(re *regexp.Regexp) ([]string, bool) {
	inner, begins := strings.CutPrefix(re.String(), wholeBegin)
	inner, ends := strings.CutSuffix(inner, wholeEnd)
	if !begins || !ends || strings.ContainsFunc(inner, func(r rune) bool { return r != '|' && !isWordRune(r) }) {
		return nil, false
	}
	return strings.Split(inner, "|"), true
}

func isWordRune(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func (s nameSet) isEmpty() bool { return len(s.names)+len(s.expressions) == 0 }

func (s nameSet) has(name []byte) bool {
	return s.names[string(name)] || slices.ContainsFunc(s.expressions, func(re *regexp.Regexp) bool { return re.Match(name) })
}
