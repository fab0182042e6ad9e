// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/expr"
	"tracer/internal/kernel"
	"tracer/internal/ktest"
)

// thisKernel returns the facts of the running kernel with the functions of decisions, as if kprobe-multi links worked, and
// options for drops with all causes.
func thisKernel(t *testing.T) (*kernel.Facts, Options) {
	t.Helper()
	ktest.Root(t)
	f, err := kernel.Gather(t.Context(), kernel.Options{NoSkbFuncs: WhyFunctions(explain.Families())})
	if err != nil {
		t.Fatal(err)
	}
	f.Symbols = withVariables(t)
	f.Support = map[kernel.Backend]error{kernel.KprobeMulti: nil, kernel.TracepointBackend: nil}
	return f, Options{Types: expr.NewKernel(f.BTF, nil), Drop: Drop{Only: true}, Why: explain.Families()}
}

// withVariables returns the symbols of the running kernel and those of the variables that the table uses, which a kernel
// without CONFIG_KALLSYMS_ALL does not show. The programs are only loaded, so any address will do.
func withVariables(t *testing.T) *kernel.Symbols {
	t.Helper()
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var variables strings.Builder
	for _, s := range explain.Symbols {
		variables.WriteString("ffffffffff000000 D " + s.Name + "\n")
	}
	symbols, err := kernel.ParseSymbols(io.MultiReader(file, strings.NewReader(variables.String())))
	if err != nil {
		t.Fatal(err)
	}
	return symbols
}

// TestWithoutCausesNothingIsAdded checks that a plan without causes has none of their programs and settings.
func TestWithoutCausesNothingIsAdded(t *testing.T) {
	f, o := thisKernel(t)
	o.Why = nil
	p := mustPlan(t, o, f)
	if p.Why != nil || p.BPF.Config.Why || p.BPF.Config.Decisions != 0 || p.Returns != "" || len(p.Tracepoints) != 1 {
		t.Errorf("causes %v, settings %v %d, returns %q, tracepoints %v", p.Why, p.BPF.Config.Why, p.BPF.Config.Decisions, p.Returns, p.Tracepoints)
	}
	if names := groupNames(p); slices.ContainsFunc(names, isDecision) {
		t.Errorf("programs %v", names)
	}
}

func isDecision(program string) bool { return strings.HasPrefix(program, bpf.DecisionTemplate) }

// TestSitesAreLocated checks the functions and reasons of the sites.
func TestSitesAreLocated(t *testing.T) {
	f, o := thisKernel(t)
	p := mustPlan(t, o, f)
	ranges := p.BPF.Sites.Ranges
	if !slices.IsSortedFunc(ranges, func(a, b bpf.SiteRange) int { return int(min(max(int64(a.Begin-b.Begin), -1), 1)) }) || len(ranges) < 50 {
		t.Errorf("%d ranges, want at least 50, sorted by address", len(ranges))
	}
	site := slices.IndexFunc(p.Why.Sites, func(s explain.Placement) bool { return s.Name == "tcp_keys" })
	code := f.Symbols.Code("tcp_v4_rcv")["tcp_v4_rcv"]
	i := slices.IndexFunc(ranges, func(r bpf.SiteRange) bool { return r.Begin == code.Begin })
	if i < 0 || site < 0 || ranges[i].Size != code.End-code.Begin || ranges[i].Sites>>site&1 == 0 {
		t.Errorf("site %d, function %x, range %d of %v", site, code, i, ranges)
	}
	if i := slices.IndexFunc(p.Why.Sites, func(s explain.Placement) bool { return len(s.Placed) == 0 }); i >= 0 {
		t.Errorf("the site %s has no values, but a place in the records", p.Why.Sites[i].Name)
	}
	number, _ := reasonNamed("TCP_MINTTL", f.Reasons)
	if p.BPF.Sites.Reasons[number]>>site&1 == 0 || p.BPF.Sites.Reasons[bpf.NoReason]>>site&1 != 0 {
		t.Errorf("TCP_MINTTL has the sites %b, no reason has %b, want site %d in the first only", p.BPF.Sites.Reasons[number], p.BPF.Sites.Reasons[bpf.NoReason], site)
	}
}

// TestUnknownFamilyIsAnError checks that planning fails, and that the error names the family.
func TestUnknownFamilyIsAnError(t *testing.T) {
	f, o := thisKernel(t)
	o.Why = []string{"route", "routes"}
	if _, err := New(o, f); err == nil || !strings.Contains(err.Error(), `"routes"`) {
		t.Errorf("error %v", err)
	}
}

// TestReturnsOfDecisions checks that a kprobe session is used where the kernel has one, and else probes of returns.
func TestReturnsOfDecisions(t *testing.T) {
	f, o := thisKernel(t)
	f.NoSession = kernel.ErrNotAsked
	p := mustPlan(t, o, f)
	isReturn := func(g Group) bool { return g.Program == bpf.DecisionReturnTemplate && len(g.Functions) > 20 }
	if !slices.ContainsFunc(p.ReturnGroups, isReturn) || p.Returns.Describe().WithEntries {
		t.Errorf("without sessions: returns by %q, %d groups", p.Returns, len(p.ReturnGroups))
	}
	f.NoSession, f.IsReturn = nil, asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	p = mustPlan(t, o, f)
	if len(p.ReturnGroups) != 0 || p.Returns != kernel.KprobeSession || !p.BPF.Config.Session {
		t.Errorf("with sessions: returns by %q, %d groups", p.Returns, len(p.ReturnGroups))
	}
	for _, program := range p.BPF.Programs {
		if isDecision(program.Name) != program.Session && program.Tracepoint == nil && program.Name != bpf.QueuedFreeTemplate {
			t.Errorf("program %s: session %v", program.Name, program.Session)
		}
	}
}

// TestTracepointsDecideNothing checks that the tracepoint backend has sites, but no decisions.
func TestTracepointsDecideNothing(t *testing.T) {
	f, o := thisKernel(t)
	f.Support = map[kernel.Backend]error{kernel.TracepointBackend: nil}
	p := mustPlan(t, o, f)
	if p.Why == nil || len(p.Why.Sites) == 0 || len(p.Why.Decisions) != 0 || len(p.Groups) != 0 {
		t.Errorf("causes %+v, groups %v", p.Why, groupNames(p))
	}
}

// TestProgramsOfCausesLoad checks that this kernel's verifier accepts the programs of all sites and decisions.
func TestProgramsOfCausesLoad(t *testing.T) {
	f, o := thisKernel(t)
	p := mustPlan(t, o, f)
	spec, _, err := bpf.ReadObject().Collection(p.BPF)
	if err != nil {
		t.Fatal(err)
	}
	loaded := 0
	for name := range spec.Programs {
		one := spec.Copy()
		one.Programs = map[string]*ebpf.ProgramSpec{name: one.Programs[name]}
		one.Programs[name].AttachType = ebpf.AttachNone // this kernel may have no kprobe-multi links
		c, err := ebpf.NewCollection(one)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.Close()
		loaded++
	}
	if loaded < 5 {
		t.Errorf("%d programs, want those of functions with a packet and without, and of tracepoints", loaded)
	}
}

// TestTooManyDecisions checks that more decisions than the programs support are an error: those of the table, and those
// in all functions.
func TestTooManyDecisions(t *testing.T) {
	f, o := thisKernel(t)
	inMany := &explain.Decision{Name: "many", Every: true, Skb: "skb"}
	for _, function := range f.Functions[:2*bpf.MaxDecisions] {
		inMany.Functions = append(inMany.Functions, function.Name)
	}
	for name, table := range map[string][]*explain.Decision{
		"table":     slices.Repeat([]*explain.Decision{{Name: "none"}}, bpf.MaxDecisions+1),
		"functions": {inMany},
	} {
		if err := mustPlan(t, o, f).addDecisions(table, f); err == nil || !strings.Contains(err.Error(), fmt.Sprint("at most ", bpf.MaxDecisions)) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestNumbersOfDecisions checks that each number in the records is that of one function.
func TestNumbersOfDecisions(t *testing.T) {
	f, o := thisKernel(t)
	p := mustPlan(t, o, f)
	var numbers []uint16
	for _, record := range p.BPF.Decisions.Functions {
		for _, number := range slices.Concat(record.AtEntry[:], record.AtReturn[:]) {
			if number != 0 {
				numbers = append(numbers, number)
			}
		}
	}
	slices.Sort(numbers)
	var want []uint16
	for i, d := range p.Why.Decisions {
		if !slices.Contains([]string{nftRule, xtRule, ebtRule}, d.Name) { // these have programs of their own
			want = append(want, uint16(i+1))
		}
	}
	if diff := cmp.Diff(want, numbers); diff != "" || len(p.Why.Decisions) != len(p.BPF.Decisions.Params) {
		t.Errorf("%d settings, numbers (-want +got):\n%s", len(p.BPF.Decisions.Params), diff)
	}
}

// TestDecisionReadAtDrop checks that a function is not probed for values that can be read at the drop: where the drop
// tracepoint names the socket.
func TestDecisionReadAtDrop(t *testing.T) {
	f, o := thisKernel(t)
	const function = "__udp_enqueue_schedule_skb"
	isKept := func() bool {
		p := mustPlan(t, o, f)
		isProbed := slices.ContainsFunc(p.Groups, func(g Group) bool {
			return isDecision(g.Program) && slices.ContainsFunc(g.Functions, func(f kernel.Function) bool { return f.Name == function })
		})
		if isPlaced := slices.ContainsFunc(p.Why.Decisions, func(d explain.Placement) bool { return d.Function == function }); isPlaced != isProbed {
			t.Errorf("values are placed: %v, the function is probed: %v", isPlaced, isProbed)
		}
		return isProbed
	}
	for _, test := range []struct {
		socket int
		want   bool
	}{{3, false}, {-1, true}} {
		for i := range f.Tracepoints {
			f.Tracepoints[i].SocketArg = test.socket
		}
		if isKept() != test.want {
			t.Errorf("socket in argument %d: %s is probed: %v", test.socket, function, !test.want)
		}
	}
}
