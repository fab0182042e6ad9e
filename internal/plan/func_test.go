// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tracer/internal/kernel"
)

func TestExcludedNamesAreNotTraced(t *testing.T) {
	for name, test := range map[string]struct {
		options                Options
		functions, tracepoints []string
	}{
		"from all":              {Options{FuncExclude: "icmp_.*"}, []string{"ip_rcv", "sk_skb_reason_drop"}, []string{"kfree_skb"}},
		"from a selection":      {Options{Func: "i.*_rcv", FuncExclude: "icmp_.*"}, []string{"ip_rcv"}, nil},
		"a preset":              {Options{FuncExclude: "@rx"}, []string{"sk_skb_reason_drop"}, []string{"kfree_skb"}},
		"only whole names":      {Options{FuncExclude: "ip|icmp"}, []string{"ip_rcv", "icmp_rcv", "sk_skb_reason_drop"}, []string{"kfree_skb"}},
		"the drop tracepoint":   {Options{FuncExclude: "tp:kfree_skb"}, []string{"ip_rcv", "icmp_rcv", "sk_skb_reason_drop"}, nil},
		"a function that drops": {Options{FuncExclude: "sk_skb_.*"}, []string{"ip_rcv", "icmp_rcv"}, []string{"kfree_skb"}},
		"a tracepoint":          {Options{Backend: kernel.TracepointBackend, FuncExclude: "net_.*"}, nil, []string{"kfree_skb"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustPlan(t, test.options, facts())
			if diff := cmp.Diff(test.functions, functionNames(p), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("functions: %s", diff)
			}
			if diff := cmp.Diff(test.tracepoints, p.tracepointNames(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("tracepoints: %s", diff)
			}
		})
	}
}

func TestErrorWithoutMatchNamesBothExpressions(t *testing.T) {
	for want, o := range map[string]Options{
		`no traceable function that takes an skb matches "ip_.*" and not "@rx"`: {Func: "ip_.*", FuncExclude: "@rx"},
		`".*" excludes every traceable function that takes an skb`:              {FuncExclude: ".*"},
		`".*" excludes every traceable tracepoint that takes an skb`:            {FuncExclude: ".*", Backend: kernel.TracepointBackend},
	} {
		_, err := New(o, facts())
		checkUsage(t, err, want)
	}
}

// TestFilteredNamesAreListed checks that all functions are listed if the user has a function filter.
func TestFilteredNamesAreListed(t *testing.T) {
	for asked, want := range map[bool]int{true: fewNames + 1, false: 0} {
		p := &Plan{Functions: make([]kernel.Function, fewNames+1)}
		if asked {
			p.Asked.Func = "some_.*"
		}
		for i := range p.Functions {
			p.Functions[i].Name = "some_function"
		}
		if got := countPrinted(t, p, "some_function"); got != want {
			t.Errorf("asked %v: %d names, want %d", asked, got, want)
		}
	}
}

// TestNoMatchNamesSkippedFunctions checks that the hint has the reason why a function that matches can't be traced,
// such as one of which the compiler left only a part.
func TestNoMatchNamesSkippedFunctions(t *testing.T) {
	const general = "the expression must match the whole name, as in 'ip_.*'; functions of modules need --kmods or --all-kmods"
	f := facts()
	f.Skipped = []kernel.Skipped{
		{Name: "tcp_abc", Reason: "only copies"}, {Name: "tcp_abc.part.0", Reason: "a copy"},
		{Name: "tcp_def", Reason: "noinstr"}, {Name: "tcp_ghi", Reason: "notrace"},
	}
	for _, c := range []struct{ only, never, hint string }{
		{"^tcp_abc$", "", "tcp_abc can't be traced: only copies"},
		{"tcp_abc.part.0", "", "tcp_abc.part.0 can't be traced: a copy"},
		{"tcp_(abc|def)", "", "tcp_abc can't be traced: only copies; tcp_def can't be traced: noinstr"},
		{"tcp_abc.*", "tcp_abc", "tcp_abc.part.0 can't be traced: a copy"},
		{"tcp_.*", "", "tcp_abc can't be traced: only copies; tcp_abc.part.0 can't be traced: a copy; tcp_def can't be traced: noinstr; and 1 more"},
		{"nosuch", "", general},
		{"", ".*", general},
	} {
		_, err := New(Options{Func: c.only, FuncExclude: c.never}, f)
		var noMatch *NoMatchError
		if !errors.As(err, &noMatch) || noMatch.Hint() != c.hint {
			t.Errorf("%q without %q: error %v, want the hint %q", c.only, c.never, err, c.hint)
		}
	}
}
