// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/expr"
	"tracer/internal/lookup"
)

// TestSnapshotsOfCounters checks that each decision with counters has a snapshot of its own, with as many counters as
// this kernel has, and that no other decision has one.
func TestSnapshotsOfCounters(t *testing.T) {
	f, o := thisKernel(t)
	p := mustPlan(t, o, f)
	table, err := explain.Load()
	if err != nil {
		t.Fatal(err)
	}
	taken := map[uint16]string{}
	for i, d := range p.Why.Decisions {
		params, of := p.BPF.Decisions.Params[i], table.Decision(d.Name)
		if (of.Counters != nil) != (params.Snapshot != 0) || params.Snapshot != 0 && taken[params.Snapshot] != "" {
			t.Errorf("%s: snapshot %d, which %q has", d.Name, params.Snapshot, taken[params.Snapshot])
		}
		if of.Counters == nil {
			continue
		}
		taken[params.Snapshot] = d.Name
		want, err := countersIn(o.Types, of.Counters.Struct)
		if err != nil || want < 6 {
			t.Errorf("%s: %d counters (%v)", d.Name, want, err)
		}
		if of.Counters.Number != 0 {
			want = of.Counters.Number
		}
		if int(params.Counters) != want {
			t.Errorf("%s: %d counters, want %d", d.Name, params.Counters, want)
		}
		if rewrites := params.Flags&bpf.RewritingDecision != 0; rewrites != of.Counters.Rewrites {
			t.Errorf("%s: flags %#x", d.Name, params.Flags)
		}
	}
	if len(taken) < 5 || int(p.BPF.Decisions.Snapshots) != len(taken) {
		t.Errorf("%d snapshots for %v", p.BPF.Decisions.Snapshots, taken)
	}
}

// TestWrongCounters checks that counters that this kernel does not have, and values in another order, are errors.
func TestWrongCounters(t *testing.T) {
	f, o := thisKernel(t)
	d := decisions{plan: &Plan{}, facts: f, types: o.Types}
	roots := expr.Listed(append([]expr.Root{{Name: "skb", Struct: "sk_buff"}, cpuRoot}, variableRoots(f.Symbols)...)...)
	first := func(at int) []lookup.FieldSlots {
		return []lookup.FieldSlots{{Values: []lookup.Slot{{At: at, Size: 8}}}}
	}
	right := explain.Counters{Base: "skb->dev->nd_net.net->mib.xfrm_statistics", Struct: "linux_xfrm_mib"}
	for name, test := range map[string]struct {
		change func(c *explain.Counters)
		placed []lookup.FieldSlots
		want   string
	}{
		"right":           {func(*explain.Counters) {}, first(bpf.MovedOffset), ""},
		"no such struct":  {func(c *explain.Counters) { c.Struct = "linux_mib_of_nobody" }, first(bpf.MovedOffset), "BTF has no struct linux_mib_of_nobody"},
		"no such member":  {func(c *explain.Counters) { c.Base = "skb->nothing" }, first(bpf.MovedOffset), "nothing"},
		"not the first":   {func(*explain.Counters) {}, first(16), "first value"},
		"without a value": {func(*explain.Counters) {}, []lookup.FieldSlots{{}}, "first value"},
	} {
		c := right
		test.change(&c)
		var compiled decision
		var params bpf.DecisionParams
		err := d.count(&compiled, &params, roots, &c, test.placed)
		switch {
		case test.want == "" && (err != nil || params.Snapshot != 1 || params.Counters < 20 || len(compiled.counters) == 0):
			t.Errorf("%s: %v, %+v", name, err, params)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}
