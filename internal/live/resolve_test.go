// SPDX-License-Identifier: Apache-2.0

package live

import (
	"strings"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
	"tracer/internal/plan"

	"github.com/google/go-cmp/cmp"
)

// TestResolveKeepsThePlan checks that what the user gave for the plan reaches it unchanged.
func TestResolveKeepsThePlan(t *testing.T) {
	given := plan.Options{
		Backend: "kprobe", ReturnsBy: "kretprobe", Func: "ip_.*", FuncExclude: "ip_rcv", Helpers: true,
		Ports: plan.Ports{VXLAN: []uint16{4}}, Follow: plan.Follow{Matched: true, Entries: 5}, RingSize: 1 << 20,
		Record: plan.Record{Return: true}, Programs: plan.Programs{Kinds: []string{"tc"}, Only: true}, Settings: bpf.Config{MaxPerSecond: 7},
	}
	got, err := Resolve(Config{Plan: given, Mark: "3", Why: []string{"route"}})
	if err != nil {
		t.Fatal(err)
	}
	want := given
	want.Why = []string{"route"}
	want.Mark = plan.Mark{Value: 3, Mask: 1<<32 - 1}
	if diff := cmp.Diff(want, got.Plan); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNoSkbFuncsAreCompiledOnce checks that planning and the search for functions use the same compiled expressions.
func TestNoSkbFuncsAreCompiledOnce(t *testing.T) {
	r, err := Resolve(Config{NoSkbFuncs: []string{"fib_.*", "@drop"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Plan.NoSkbFuncs) != 2 || len(r.Kernel.NoSkbFuncs) != 2 {
		t.Fatalf("patterns %v, for the search %v", r.Plan.NoSkbFuncs, r.Kernel.NoSkbFuncs)
	}
	for i, pattern := range r.Plan.NoSkbFuncs {
		if pattern.Regexp != r.Kernel.NoSkbFuncs[i] {
			t.Errorf("%s is compiled twice", pattern.Text)
		}
	}
	if _, err := Resolve(Config{NoSkbFuncs: []string{"fib_("}}); err == nil || !strings.Contains(err.Error(), `--filter-non-skb-funcs "fib_("`) {
		t.Errorf("error %v", err)
	}
}

// TestKernelFactsOfAPlan checks which functions and modules planning has to know about.
func TestKernelFactsOfAPlan(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		plan   plan.Options
		wanted bool
		others bool
		likely bool
	}{
		"nothing":              {},
		"followed":             {plan: plan.Options{Follow: plan.Follow{Matched: true}}, wanted: true},
		"other functions":      {plan: plan.Options{NoSkbFuncs: []plan.FuncPattern{{Text: "fib_.*"}}}, others: true},
		"lookups":              {plan: plan.Options{Lookups: []string{"conntrack"}}, others: true, likely: true},
		"lookups with BTFFile": {file: "f", plan: plan.Options{Lookups: []string{"conntrack"}}, others: true},
	} {
		k := kernelOptions(kernel.Options{BTFFile: c.file}, c.plan)
		if (len(k.Wanted) > 0) != c.wanted || (len(k.NoSkbFuncs) > 0) != c.others || (len(k.LikelyModules) > 0) != c.likely {
			t.Errorf("%s: %d wanted, %d others, modules %v", name, len(k.Wanted), len(k.NoSkbFuncs), k.LikelyModules)
		}
	}
}

// TestModulesOfExpressions checks that all modules are searched for the types of what the user wrote, and only those that
// the table of causes names for causes.
func TestModulesOfExpressions(t *testing.T) {
	for name, o := range map[string]plan.Options{
		"condition": {SkbExpr: "skb->len > 1", Why: []string{"bridge"}},
		"XDP":       {XDPExpr: "xdp->data", Why: []string{"bridge"}},
		"value":     {Record: plan.Record{Values: []string{"skb->len"}}, Why: []string{"bridge"}},
		"look-ups":  {Lookups: []string{"route"}, Why: []string{"bridge"}},
	} {
		if got := modulesOf(o); got != nil {
			t.Errorf("%s: %v, want all", name, got)
		}
	}
	if got := modulesOf(plan.Options{Why: []string{"bridge"}}); len(got) != 1 || got[0] != "bridge" {
		t.Errorf("causes: %v, want bridge", got)
	}
}
