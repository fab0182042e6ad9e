// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"

	"tracer/internal/kernel"
	"tracer/internal/printable"
)

const funcFlag = "--filter-func"

// noteUnmatched adds a note about the alternatives of the function filter that match no tracepoint, if no functions are
// traced. If no alternative matches, there is a [NoMatchError] instead.
func (p *Plan) noteUnmatched(facts *kernel.Facts) {
	if p.TracesFunctions() || p.Asked.Drop.Only {
		return
	}
	var unmatched []string
	for _, part := range alternatives(p.Asked.Func) {
		if !matchesTracepoint(part, facts.Tracepoints) {
			unmatched = append(unmatched, printable.Quote(part))
		}
	}
	if len(unmatched) > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s: no tracepoint matches %s, and the %s backend traces no functions", funcFlag, strings.Join(unmatched, ", "), p.Backend))
	}
}

func matchesTracepoint(expr string, all []kernel.Tracepoint) bool {
	f, err := newFuncFilter(expr, "")
	return err == nil && slices.ContainsFunc(all, func(t kernel.Tracepoint) bool { return f.tracepoint(t, isDrop(t)) })
}

// alternatives splits a regular expression at each | outside of brackets. It returns nothing if the parts may mean
// something else than in the whole expression, because of flags such as (?i), or of \Q.
func alternatives(expr string) []string {
	if expr == "" || strings.Contains(expr, `\Q`) || strings.Contains(strings.ReplaceAll(expr, "(?:", ""), "(?") {
		return nil
	}
	var parts []string
	begin, depth, class := 0, 0, false
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']' || expr[i-1] == '[' || strings.HasSuffix(expr[:i], "[^")
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			parts = append(parts, expr[begin:i])
			begin = i + 1
		}
	}
	return append(parts, expr[begin:])
}
