// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tracer/internal/kernel"
)

// funcFilter says which functions and tracepoints are wanted; nil wants all.
type funcFilter struct{ expr *regexp.Regexp }

// compileFunc makes a filter of an RE2 expression that the whole name must match.
func compileFunc(expr string) (*funcFilter, error) {
	if expr == "" {
		return nil, nil
	}
	re, err := regexp.Compile("^(?:" + expr + ")$")
	if err != nil {
		return nil, usageError{
			fmt.Errorf("function filter %q: %w", expr, err),
			"the syntax is RE2's: https://github.com/google/re2/wiki/Syntax",
		}
	}
	return &funcFilter{re}, nil
}

func (f *funcFilter) function(fn kernel.Function) bool {
	return f == nil || f.expr.MatchString(fn.Name)
}

// tracepoint matches the name with and without the prefix that it is printed
// with; the drop tracepoint is also wanted by the functions that fire it.
func (f *funcFilter) tracepoint(t kernel.Tracepoint, drop bool) bool {
	if f == nil || f.expr.MatchString(t.Name) || f.expr.MatchString("tp:"+t.Name) {
		return true
	}
	return drop && slices.ContainsFunc(droppers, f.expr.MatchString)
}

// droppers are the functions in which the drop tracepoint fires: kfree_skb, from
// 5.17 on kfree_skb_reason, from 6.11 on sk_skb_reason_drop.
var droppers = []string{"kfree_skb", "kfree_skb_reason", "sk_skb_reason_drop"}

// NoMatchError says that there is nothing to attach to.
type NoMatchError struct {
	Func    string
	Backend kernel.Backend
	// Reasons say why no better backend was taken.
	Reasons []string
}

func (e *NoMatchError) Error() string {
	what := "function"
	if e.Backend == kernel.TracepointBackend {
		what = "tracepoint"
	}
	if e.Func == "" {
		return fmt.Sprintf("this kernel has no traceable %s that takes an skb", what)
	}
	return fmt.Sprintf("no traceable %s that takes an skb matches %q", what, e.Func)
}

// Usage says that the user asked for it.
func (e *NoMatchError) Usage() bool { return e.Func != "" }

// Hint says what could be asked for instead.
func (e *NoMatchError) Hint() string {
	if e.Backend == kernel.TracepointBackend {
		reasons := strings.Join(append([]string{""}, e.Reasons...), "; ")
		return "the tracepoint backend sees tracepoints only; --dry-run lists them" + reasons
	}
	return "the expression must match the whole name, as in 'ip_.*'; functions of modules need --kmods or --all-kmods"
}
