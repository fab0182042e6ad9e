// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/kernel"
)

func TestAlternatives(t *testing.T) {
	for expr, want := range map[string][]string{
		"":                  nil,
		"ip_rcv":            {"ip_rcv"},
		"@drop|ip_rcv":      {"@drop", "ip_rcv"},
		"a(b|c)|(?:d|e)f":   {"a(b|c)", "(?:d|e)f"},
		`a[|]|b[]|]|c[^]|]`: {"a[|]", "b[]|]", "c[^]|]"},
		`a\|b|c\\|d[\]|]`:   {`a\|b`, `c\\`, `d[\]|]`},
		"(?i)a|b":           nil,
		`\Qa|b\E`:           nil,
	} {
		if diff := cmp.Diff(want, alternatives(expr)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expr, diff)
		}
	}
}

// TestUnmatchedAlternativesAreNoted checks that an alternative that only FuncExclude rejects is not noted.
func TestUnmatchedAlternativesAreNoted(t *testing.T) {
	const why = ", and the tracepoint backend traces no functions"
	for name, test := range map[string]struct {
		options Options
		want    string
	}{
		"a function":  {Options{Backend: kernel.TracepointBackend, Func: "@drop|ip_rcv"}, `--filter-func: no tracepoint matches "ip_rcv"` + why},
		"two":         {Options{Backend: kernel.TracepointBackend, Func: "ip_rcv|tp:kfree_skb|icmp_.*"}, `--filter-func: no tracepoint matches "ip_rcv", "icmp_.*"` + why},
		"tracepoints": {Options{Backend: kernel.TracepointBackend, Func: "kfree_skb|net_.*"}, ""},
		"a dropper":   {Options{Backend: kernel.TracepointBackend, Func: "sk_skb_reason_drop|net_.*"}, ""},
		"excluded":    {Options{Backend: kernel.TracepointBackend, Func: "kfree_skb|net_.*", FuncExclude: "net_.*"}, ""},
		"no filter":   {Options{Backend: kernel.TracepointBackend}, ""},
		"functions":   {Options{Backend: kernel.Kprobe, Func: "ip_rcv|no_such"}, ""},
	} {
		if got := strings.Join(mustPlan(t, test.options, facts()).Notes, "\n"); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
