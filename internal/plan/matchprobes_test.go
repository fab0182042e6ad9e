// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/filter"
	"tracer/internal/kernel"
)

// withMatchFunctions returns facts of a kernel with some of matchFunctions, and with another function, which
// performs an operation on sk_buffs.
func withMatchFunctions() *kernel.Facts {
	f := facts()
	f.FuncRanges = funcRanges("skb_free_head", "__copy_skb_header")
	f.Functions = append(f.Functions,
		kernel.Function{Name: "nf_hook_slow", Addr: 0x400, SkbArg: 1},
		kernel.Function{Name: "__ip_local_out", Addr: 0x500, SkbArg: 3},
		kernel.Function{Name: "skb_free_head", Addr: f.FuncRanges[0].Addr, SkbArg: 1})
	f.Tracepoints = append(f.Tracepoints, kernel.Tracepoint{Name: "consume_skb", SkbArg: 0, LocationArg: 1, ReasonArg: -1})
	return f
}

func names[T any](list []T, name func(T) string) string {
	var all []string
	for _, x := range list {
		all = append(all, name(x))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// TestPacketsAreFollowedToTheirDrops checks for every backend that the probes that match packets are
// planned, and that only the drop tracepoint emits events.
func TestPacketsAreFollowedToTheirDrops(t *testing.T) {
	for _, backend := range []kernel.Backend{"", kernel.KprobeMulti, kernel.Kprobe, kernel.TracepointBackend} {
		for _, byStack := range []bool{false, true} {
			if byStack && backend == kernel.TracepointBackend {
				continue
			}
			p := mustPlan(t, Options{Backend: backend, Drop: Drop{Only: true}, Follow: Follow{Matched: true, ByStack: byStack}}, withMatchFunctions())
			want := "__ip_local_out ip_rcv nf_hook_slow"
			switch {
			case backend == kernel.TracepointBackend:
				want = ""
			case byStack:
				want = "__ip_local_out icmp_rcv ip_rcv nf_hook_slow sk_skb_reason_drop skb_free_head"
			}
			if got := names(p.MatchFunctions, func(f kernel.Function) string { return f.Name }); got != want {
				t.Errorf("%q, by stack %v: functions %q, want %q", backend, byStack, got, want)
			}
			silent := p.Silent
			silent = slices.DeleteFunc(slices.Clone(silent), func(tp Tracepoint) bool { return !strings.HasPrefix(tp.Program, matchProgram) })
			if got := names(silent, func(tp Tracepoint) string { return tp.Name }); got != "net_dev_queue" {
				t.Errorf("%q: tracepoints %q", backend, got)
			}
			if len(p.Functions) != 0 || len(p.Tracepoints) != 1 || p.Tracepoints[0].Name != dropTracepoint {
				t.Errorf("%q: events of %d functions and of %v", backend, len(p.Functions), p.Tracepoints)
			}
			c := p.BPF.Config
			if !c.OnlyDrops || !c.FollowMatched || backend != "" && p.Backend != backend || backend == "" && p.Backend != kernel.KprobeMulti {
				t.Errorf("%q: backend %s, only drops %v, follow %v", backend, p.Backend, c.OnlyDrops, c.FollowMatched)
			}
			for _, fault := range unused(p) {
				t.Errorf("%q, by stack %v: %s", backend, byStack, fault)
			}
		}
	}
}

// TestDropsAloneAreNotFollowed checks that nothing else is planned without --filter-track-skb.
func TestDropsAloneAreNotFollowed(t *testing.T) {
	for _, follow := range []Follow{{}, {IDs: true}} {
		p := mustPlan(t, Options{Drop: Drop{Only: true}, Follow: follow}, withMatchFunctions())
		if p.Backend != kernel.TracepointBackend || p.BPF.Config.OnlyDrops || len(p.MatchFunctions) > 0 {
			t.Errorf("%+v: backend %s, functions %v", follow, p.Backend, p.MatchFunctions)
		}
	}
	if p := mustPlan(t, Options{Follow: Follow{Matched: true}}, withMatchFunctions()); p.BPF.Config.OnlyDrops || len(p.MatchFunctions) > 0 {
		t.Error("without --drop events are left out")
	}
}

// TestOnlyDropsHaveVariants checks that the packet filter is applied to variants of a packet (its inner packet,
// or its tuple before NAT) only with --drop. Programs must then not begin with the prefilter, which would
// reject the packet itself.
func TestOnlyDropsHaveVariants(t *testing.T) {
	host, err := filter.Compile("host 10.96.0.10")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		options Options
		want    bool
	}{
		{Options{Filter: host, Drop: Drop{Only: true}}, true},
		{Options{Filter: host}, false},
		{Options{Drop: Drop{Only: true}}, false},
	} {
		f := facts()
		if got := mustPlan(t, c.options, f).BPF.Config; got.Variants != c.want || got.Variants && got.PrefilterFirst {
			t.Errorf("filter %v, drop %v: variants %v, prefilter first %v", c.options.Filter != nil, c.options.Drop.Only, got.Variants, got.PrefilterFirst)
		}
	}
}

// TestDropsExcludeEventsOfFunctions checks that options which need events of functions are rejected with
// --drop, even if packets are followed.
func TestDropsExcludeEventsOfFunctions(t *testing.T) {
	for _, o := range []Options{{Record: Record{Return: true}}, {NoSkbFuncs: noSkbFuncs("x")}, {Lookups: []string{"route"}}, {Record: Record{Maps: true}}, {Helpers: true}} {
		o.Drop.Only, o.Follow.Matched = true, true
		if _, err := New(o, withMatchFunctions()); err == nil || !strings.Contains(err.Error(), "--drop") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	o := Options{Backend: kernel.TracepointBackend, Drop: Drop{Only: true}, Follow: Follow{ByStack: true}}
	if _, err := New(o, withMatchFunctions()); err == nil || !strings.Contains(err.Error(), "tracepoint backend") {
		t.Errorf("by stack: %v", err)
	}
}

// TestMatchTracepointsAreNoDrops checks that only the program on the drop tracepoint has the setting for drops.
func TestMatchTracepointsAreNoDrops(t *testing.T) {
	p := mustPlan(t, Options{Drop: Drop{Only: true}, Follow: Follow{Matched: true}}, withMatchFunctions())
	for _, program := range p.BPF.Programs {
		if program.Template == bpf.TracepointTemplate && program.Tracepoint.Drop != (program.Name == "tracepoint_"+dropTracepoint) {
			t.Errorf("%s: drop %v", program.Name, program.Tracepoint.Drop)
		}
	}
}
