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

// funcFilter selects functions and tracepoints: those that match only (nil matches all), except those
// that match never.
type funcFilter struct{ only, never *regexp.Regexp }

// newFuncFilter compiles two expressions to a filter. Either may be empty.
func newFuncFilter(only, never string) (*funcFilter, error) {
	var f funcFilter
	var err error
	if f.only, err = compileFunc("function filter", only); err != nil {
		return nil, err
	}
	if f.never, err = compileFunc("function exclusion", never); err != nil {
		return nil, err
	}
	return &f, nil
}

// CompileFuncs compiles the expressions of --filter-func and --filter-func-exclude, which have to match whole names; nil for an
// empty one.
func CompileFuncs(only, never string) (*regexp.Regexp, *regexp.Regexp, error) {
	f, err := newFuncFilter(only, never)
	if err != nil {
		return nil, nil, err
	}
	return f.only, f.never, nil
}

// compileFunc compiles an RE2 expression, which may contain presets. It has to match the whole name.
func compileFunc(what, expr string) (*regexp.Regexp, error) {
	if expr == "" {
		return nil, nil
	}
	expanded, err := ExpandPresets(expr)
	if err != nil {
		return nil, usageError{error: fmt.Errorf("%s %s: %w", what, printable.Quote(expr), err)}
	}
	re, err := kernel.WholeName(expanded)
	if err != nil {
		return nil, usageError{
			fmt.Errorf("%s %s: %w", what, printable.Quote(expr), err),
			"the syntax is RE2: https://github.com/google/re2/wiki/Syntax",
		}
	}
	return re, nil
}

func (f *funcFilter) function(fn kernel.Function) bool { return f.wants(fn.Name) }

// tracepoint matches the name with and without the prefix `tp:`, which the output shows. The drop
// tracepoint also matches by the names of the functions that contain it.
func (f *funcFilter) tracepoint(t kernel.Tracepoint, drop bool) bool {
	names := []string{t.Name, "tp:" + t.Name}
	if slices.ContainsFunc(names, f.isExcluded) {
		return false
	}
	if drop {
		names = append(names, droppers...)
	}
	return slices.ContainsFunc(names, f.isAsked)
}

func (f *funcFilter) wants(name string) bool { return f.isAsked(name) && !f.isExcluded(name) }

func (f *funcFilter) isAsked(name string) bool { return f.only == nil || f.only.MatchString(name) }

func (f *funcFilter) isExcluded(name string) bool { return f.never != nil && f.never.MatchString(name) }

// droppers are the functions that contain the drop tracepoint: kfree_skb, since 5.17
// kfree_skb_reason, since 6.11 sk_skb_reason_drop.
var droppers = []string{"kfree_skb", "kfree_skb_reason", "sk_skb_reason_drop"}

// NoMatchError means that there is nothing to attach to.
type NoMatchError struct {
	// Func and Exclude are the expressions that leave nothing to trace.
	Func, Exclude string
	Backend       kernel.Backend
	// Reasons are why the better backends were not used, one line each.
	Reasons []string
	// Skipped are the functions that match and can't be traced.
	Skipped []kernel.Skipped
	// Absent are notes about requested modules that are not traced.
	Absent []string
}

// noMatch returns the error if there is nothing to attach to.
func (p *Plan) noMatch(facts *kernel.Facts, wanted *funcFilter) error {
	var skipped []kernel.Skipped
	for _, s := range facts.Skipped {
		if wanted.only != nil && wanted.wants(s.Name) {
			skipped = append(skipped, s)
		}
	}
	return &NoMatchError{
		Func: p.Asked.Func, Exclude: p.Asked.FuncExclude, Backend: p.Backend, Reasons: p.Reasons(),
		Skipped: skipped, Absent: absentModules(facts),
	}
}

func (e *NoMatchError) Error() string {
	what := "tracepoint"
	if e.Backend.Describe().Functions {
		what = "function"
	}
	switch {
	case e.Func == "" && e.Exclude == "":
		return fmt.Sprintf("this kernel has no traceable %s that takes an skb", what)
	case e.Exclude == "":
		return fmt.Sprintf("no traceable %s that takes an skb matches %s", what, printable.Quote(e.Func))
	case e.Func == "":
		return fmt.Sprintf("%s excludes every traceable %s that takes an skb", printable.Quote(e.Exclude), what)
	}
	return fmt.Sprintf("no traceable %s that takes an skb matches %s and not %s", what, printable.Quote(e.Func), printable.Quote(e.Exclude))
}

// Usage reports whether the user's expressions are the cause.
func (e *NoMatchError) Usage() bool { return e.Func+e.Exclude != "" }

// Hint suggests what to request instead.
func (e *NoMatchError) Hint() string {
	if !e.Backend.Describe().Functions {
		reasons := strings.Join(append([]string{""}, e.Reasons...), "; ")
		return fmt.Sprintf("the %s backend traces only tracepoints; --dry-run lists them%s", e.Backend, reasons)
	}
	if len(e.Skipped) > 0 {
		return e.skippedHint()
	}
	if len(e.Absent) > 0 {
		return strings.Join(e.Absent, "; ")
	}
	return "the expression must match the whole name, as in 'ip_.*'; functions of modules need --kmods or --all-kmods"
}

// maxSkipped is the number of functions that the hint names.
const maxSkipped = 3

// skippedHint returns why functions that match can't be traced.
func (e *NoMatchError) skippedHint() string {
	var list []string
	for _, s := range e.Skipped[:min(maxSkipped, len(e.Skipped))] {
		list = append(list, fmt.Sprintf("%s can't be traced: %s", s.Name, s.Reason))
	}
	if n := len(e.Skipped) - maxSkipped; n > 0 {
		list = append(list, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(list, "; ")
}
