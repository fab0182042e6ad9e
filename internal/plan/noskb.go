// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tracer/internal/kernel"
	"tracer/internal/printable"
)

const noSkbFlag = "--filter-non-skb-funcs"

// FuncPattern is a compiled RE2 expression for whole names of functions.
type FuncPattern struct {
	// Text is the expression as the user wrote it.
	Text string
	*regexp.Regexp
}

// CompileNoSkbFuncs compiles the expressions that select functions that take no skb. Each word is an RE2
// expression, which has to match a whole name.
func CompileNoSkbFuncs(words []string) ([]FuncPattern, error) {
	var list []FuncPattern
	for _, word := range words {
		re, err := compileFunc(noSkbFlag, word)
		if err != nil {
			return nil, err
		}
		list = append(list, FuncPattern{word, re})
	}
	return list, nil
}

// addNoSkbFuncs plans probes of the selected functions that take no skb. Each word must match at least one
// function that can be probed.
func (p *Plan) addNoSkbFuncs(facts *kernel.Facts, wanted *funcFilter) error {
	list := p.Asked.NoSkbFuncs
	for _, pattern := range list {
		if err := p.checkNoSkbFunc(pattern, facts); err != nil {
			return err
		}
	}
	for _, f := range facts.NoSkbFuncs {
		matches := func(pattern FuncPattern) bool { return pattern.MatchString(f.Name) }
		if slices.ContainsFunc(list, matches) && !wanted.isExcluded(f.Name) && !p.isPlanned(f) {
			p.addFunction(f)
		}
	}
	return nil
}

// checkNoSkbFunc returns an error if a pattern matches no function. It adds a note if the pattern matches only
// functions that take an skb.
func (p *Plan) checkNoSkbFunc(pattern FuncPattern, facts *kernel.Facts) error {
	named := func(f kernel.Function) bool { return pattern.MatchString(f.Name) }
	if slices.ContainsFunc(facts.NoSkbFuncs, named) {
		return nil
	}
	i := slices.IndexFunc(facts.Functions, named)
	if i < 0 {
		return unknownNoSkbFunc(pattern, facts)
	}
	note := "and is traced anyway"
	if !slices.ContainsFunc(p.Functions, named) {
		note = "but --filter-func excludes it"
	}
	p.Notes = append(p.Notes, fmt.Sprintf("%s %s: %s takes an skb %s", noSkbFlag, printable.Quote(pattern.Text), facts.Functions[i].Name, note))
	return nil
}

// unknownNoSkbFunc returns the error for a pattern that matches nothing, with the reason if it is known.
func unknownNoSkbFunc(pattern FuncPattern, facts *kernel.Facts) error {
	e := usageError{
		fmt.Errorf("%s %s: no function with this name can be traced", noSkbFlag, printable.Quote(pattern.Text)),
		"the expression must match the whole name, as in 'fib_.*'; functions of modules need --kmods or --all-kmods",
	}
	if absent := absentModules(facts); absent != nil {
		e.hint = strings.Join(absent, "; ")
	}
	i := slices.IndexFunc(facts.Skipped, func(s kernel.Skipped) bool { return pattern.MatchString(s.Name) })
	if i >= 0 {
		e.error = fmt.Errorf("%s %s: %s can't be traced: %s", noSkbFlag, printable.Quote(pattern.Text), facts.Skipped[i].Name, facts.Skipped[i].Reason)
	}
	return e
}

// servesNoSkb reports whether the plan traces functions that take no skb.
func (p *Plan) servesNoSkb() bool {
	return slices.ContainsFunc(p.Functions, func(f kernel.Function) bool { return f.SkbArg == 0 })
}
