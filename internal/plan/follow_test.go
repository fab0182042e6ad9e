// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// funcRanges returns address ranges of functions, each on a page of its own.
func funcRanges(names ...string) []kernel.FuncRange {
	var list []kernel.FuncRange
	for i, name := range names {
		addr := uint64(i+1) << 12
		list = append(list, kernel.FuncRange{Name: name, Addr: addr, End: addr + 0x80})
	}
	return list
}

func TestFollowingIsOffByDefault(t *testing.T) {
	f := facts()
	f.FuncRanges = funcRanges(FollowedThrough()...)
	p := mustPlan(t, Options{}, f)
	if p.BPF.Config.Ids || len(p.BPF.SkbOps) > 0 || len(p.Silent) > 0 || len(p.Unfollowed) > 0 {
		t.Errorf("ids %v, operations %v, silent %v, unfollowed %v", p.BPF.Config.Ids, p.BPF.SkbOps, p.Silent, p.Unfollowed)
	}
}

// TestSkbOps checks that a function with an operation has one probe, which emits events only if the function is
// traced.
func TestSkbOps(t *testing.T) {
	f := facts()
	f.FuncRanges = funcRanges("skb_copy_header", "skb_free_head", "ip_copy_metadata", "skb_clone", "pskb_expand_head")
	f.FuncRanges[2].Refused = "it is notrace"
	f.Functions = append(f.Functions, kernel.Function{Name: "skb_copy_header", Addr: 0x1000, SkbArg: 1, ReasonArg: 3})
	p := mustPlan(t, Options{Backend: kernel.KprobeMulti, Follow: Follow{Matched: true, Entries: 100}}, f)
	want := map[uint64]bpf.SkbOp{
		0x1000: {Kind: uint8(bpf.OpCopy), Origin: uint8(bpf.OriginCopy), Skb: 1, Operand: 2, Shown: 2, Reason: 3},
		0x2000: {Kind: uint8(bpf.OpFreeData), Skb: 1},
		0x5000: {Kind: uint8(bpf.OpReplaceHead), Skb: 1},
	}
	if diff := cmp.Diff(want, p.BPF.SkbOps); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	probed := map[uint64]string{}
	for _, g := range p.Groups {
		for _, f := range g.Functions {
			if probed[f.Addr] != "" {
				t.Errorf("%s has two probes", f.Name)
			}
			probed[f.Addr] = g.Program
		}
	}
	if probed[0x1000] != bpf.SkbOpTemplate || probed[0x100] != "kprobe_skb_1" || p.Probes() != len(probed) || len(probed) != 6 {
		t.Errorf("%d probes: %v", p.Probes(), probed)
	}
	c := p.BPF.Config
	if !c.Ids || !c.FollowMatched || c.FindClones || c.Cpus != 2 || p.BPF.Following != 100 {
		t.Errorf("config %+v, %d entries", c, p.BPF.Following)
	}
	wantCallers := []bpf.Caller{
		{Begin: 0x4000, Size: 0x80, Origin: uint32(bpf.OriginClone)},
		{Begin: 0x1000, Size: 0x80, Origin: uint32(bpf.OriginSame)},
		{Begin: 0x5000, Size: 0x80, Origin: uint32(bpf.OriginSame)},
	}
	if diff := cmp.Diff(fmt.Sprint(wantCallers), fmt.Sprint(c.Callers[:c.CallerCount])); diff != "" {
		t.Errorf("callers (-want +got):\n%s", diff)
	}
	wantLost := []string{"copies and segments", "fragments", "packets merged by GRO", "reassembled fragments", "the end of a packet"}
	if diff := cmp.Diff(wantLost, p.Unfollowed); diff != "" {
		t.Errorf("not followed (-want +got):\n%s", diff)
	}
}

// TestOnlySkbOps checks that no program without functions is planned if the program for operations emits the
// events of all traced functions. An operation without events must not remove the function's own program.
func TestOnlySkbOps(t *testing.T) {
	f := facts()
	f.FuncRanges = funcRanges("skb_free_head", "inet_frag_destroy")
	f.Functions = []kernel.Function{{Name: "skb_free_head", Addr: f.FuncRanges[0].Addr, SkbArg: 1}}
	f.NoSkbFuncs = []kernel.Function{{Name: "inet_frag_destroy", Addr: f.FuncRanges[1].Addr}}
	for _, backend := range []kernel.Backend{kernel.KprobeMulti, kernel.Kprobe} {
		o := Options{Backend: backend, Func: "skb_free_head", Follow: Follow{Matched: true}}
		p := mustPlan(t, o, f)
		if len(p.Groups) != 1 || p.Groups[0].Program != bpf.SkbOpTemplate || len(p.Groups[0].Functions) != 2 {
			t.Errorf("%s: groups %+v, want that of operations", backend, p.Groups)
		}
		for _, program := range p.BPF.Programs {
			if strings.HasPrefix(program.Name, "kprobe_skb") {
				t.Errorf("%s: program %s has no function", backend, program.Name)
			}
		}
		o.NoSkbFuncs = noSkbFuncs("inet_frag_destroy")
		p = mustPlan(t, o, f)
		if len(p.Groups) != 2 || !bpf.ServesNoSkb(p.Groups[0].Program) || len(p.Groups[0].Functions) != 1 {
			t.Errorf("%s: groups %+v, want one for functions without an skb", backend, p.Groups)
		}
	}
}

func TestIDsDoNotChangeWhatMatches(t *testing.T) {
	p := mustPlan(t, Options{Follow: Follow{IDs: true}}, facts())
	if c := p.BPF.Config; !c.Ids || c.FollowMatched || c.FindClones || p.BPF.Following != DefaultFollowed {
		t.Errorf("config %+v, %d entries", c, p.BPF.Following)
	}
}

func TestFollowedByTracepoints(t *testing.T) {
	p := mustPlan(t, Options{Backend: kernel.TracepointBackend, Follow: Follow{Matched: true}}, facts())
	if !p.BPF.Config.FindClones || len(p.Silent) != 2*(len(ends)+len(frees)) || len(p.Unfollowed) == 0 {
		t.Errorf("config %+v, silent %v, not followed %v", p.BPF.Config, p.Silent, p.Unfollowed)
	}
}

// TestFollowedByStack checks that the functions that allocate an sk_buff have a program at the entry and
// one at the return. In a kprobe session it is the same program.
func TestFollowedByStack(t *testing.T) {
	for way, returns := range map[kernel.ReturnWay]int{kernel.KprobeSession: 0, kernel.KretprobeMulti: 1, kernel.Kretprobe: 1} {
		f := facts()
		f.FuncRanges = funcRanges("__alloc_skb", "skb_clone", "build_skb", "napi_build_skb")
		f.FuncRanges[2].Refused = "it is notrace"
		p := mustPlan(t, Options{Backend: kernel.KprobeMulti, ReturnsBy: way, Follow: Follow{ByStack: true}}, f)
		c := p.BPF.Config
		if !c.Ids || !c.FollowMatched || !c.ByStack || c.Returns || c.StackSize == 0 || c.Session != (returns == 0) {
			t.Errorf("%s: config %+v", way, c)
		}
		last := p.Groups[len(p.Groups)-1]
		if last.Program != bpf.AllocTemplate || len(last.Functions) != 2 || last.Functions[1].Name != "napi_build_skb" {
			t.Errorf("%s: entries %+v", way, last)
		}
		if len(p.ReturnGroups) != returns || hasProgram(p, bpf.AllocReturnTemplate) != (returns == 1) || p.EmitsReturns() {
			t.Errorf("%s: returns %+v", way, p.ReturnGroups)
		}
		for _, g := range p.ReturnGroups {
			if g.Program != bpf.AllocReturnTemplate || len(g.Functions) != 2 {
				t.Errorf("%s: returns %+v", way, g)
			}
		}
	}
}

func TestByStackWithoutAllocators(t *testing.T) {
	p := mustPlan(t, Options{Follow: Follow{ByStack: true}}, facts())
	if !slices.Contains(p.Unfollowed, "packets created while handling one") {
		t.Errorf("not followed: %v", p.Unfollowed)
	}
}

func TestEntries(t *testing.T) {
	for _, entries := range []int{-1, maxFollowed + 1} {
		if _, err := New(Options{Follow: Follow{Matched: true, Entries: entries}}, facts()); err == nil {
			t.Errorf("%d entries were accepted", entries)
		}
	}
}

func TestNoFunctionHasTwoOperations(t *testing.T) {
	var all []string
	for _, function := range performers {
		all = append(all, function)
	}
	slices.Sort(all)
	if once := slices.Compact(slices.Clone(all)); len(once) != len(all) {
		t.Errorf("%d functions, %d names", len(all), len(once))
	}
}

// TestSkbOpsForXDP checks that the functions of operations on XDP frames are probed only if XDP programs are
// traced, and that of two functions that do the same, only one is probed.
func TestSkbOpsForXDP(t *testing.T) {
	for _, c := range []struct {
		xdp   bool
		names []string
		want  []uint64
	}{
		{false, []string{"bpf_prog_run_generic_xdp", "xdp_return_buff"}, nil},
		{true, []string{"bpf_prog_run_generic_xdp", "xdp_return_buff"}, []uint64{0x1000, 0x2000}},
		{true, []string{"do_xdp_generic", "bpf_prog_run_generic_xdp"}, []uint64{0x2000}},
		{true, []string{"do_xdp_generic"}, []uint64{0x1000}},
	} {
		p := &Plan{Asked: Options{Follow: Follow{IDs: true}}}
		p.BPF.Config.Xdp = c.xdp
		f := facts()
		f.FuncRanges = funcRanges(c.names...)
		p.followByFunctions(f)
		if got := slices.Sorted(maps.Keys(p.BPF.SkbOps)); !slices.Equal(got, c.want) {
			t.Errorf("XDP %v, functions %q: operations at %#x, want %#x", c.xdp, c.names, got, c.want)
		}
	}
}

// TestNoProgramIsUnused checks with many combinations of options that each program is attached to
// something, and is planned once. The kernel rejects a link of no functions.
func TestNoProgramIsUnused(t *testing.T) {
	f := facts()
	f.FuncRanges = funcRanges(FollowedThrough()...)
	for _, fn := range f.FuncRanges {
		if op := skbOpOf(fn.Name); op != nil && op.packet > 0 {
			f.Functions = append(f.Functions, kernel.Function{Name: fn.Name, Addr: fn.Addr, SkbArg: int(op.packet)})
		} else {
			f.NoSkbFuncs = append(f.NoSkbFuncs, kernel.Function{Name: fn.Name, Addr: fn.Addr})
		}
	}
	asked := []string{"ip_rcv", "sk_skb_reason_drop"}
	for _, fn := range f.FuncRanges {
		asked = append(asked, fn.Name)
	}
	for _, name := range asked {
		for _, follow := range []Follow{{}, {IDs: true}, {Matched: true}, {ByStack: true}} {
			for _, way := range []kernel.ReturnWay{kernel.KprobeSession, kernel.KretprobeMulti, kernel.Kretprobe} {
				for _, returns := range []bool{false, true} {
					o := Options{Backend: kernel.KprobeMulti, ReturnsBy: way, Follow: follow, Record: Record{Return: returns}, Settings: bpf.Config{Netfilter: true}}
					if o.Func = name; slices.ContainsFunc(f.NoSkbFuncs, func(other kernel.Function) bool { return other.Name == name }) {
						o.Func, o.NoSkbFuncs = "ip_rcv", noSkbFuncs(name)
					}
					p, err := New(o, f)
					if err != nil {
						t.Fatalf("%+v: %v", o, err)
					}
					for _, fault := range unused(p) {
						t.Errorf("%s, %+v, %s, returns %v: %s", name, follow, way, returns, fault)
					}
				}
			}
		}
	}
}

// unused returns the faults of a plan: programs that are attached to nothing, groups without functions,
// and groups whose program is not planned exactly once.
func unused(p *Plan) (faults []string) {
	planned := map[string]int{}
	for _, program := range p.BPF.Programs {
		planned[program.Name]++
	}
	attached := map[string]bool{}
	for _, g := range slices.Concat(p.Groups, p.ReturnGroups) {
		attached[g.Program] = true
		if len(g.Functions) == 0 || planned[g.Program] != 1 {
			faults = append(faults, fmt.Sprintf("%s, planned %d times, is attached to %d functions", g.Program, planned[g.Program], len(g.Functions)))
		}
	}
	for _, tp := range slices.Concat(p.Tracepoints, p.Silent) {
		attached[tp.Program] = true
	}
	for name := range planned {
		if !attached[name] {
			faults = append(faults, name+" is attached to nothing")
		}
	}
	return faults
}
