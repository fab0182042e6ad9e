// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	netbpf "golang.org/x/net/bpf"

	"tracer/internal/bpf"
	"tracer/internal/filter"
	"tracer/internal/kernel"
)

var errNoFprobe = errors.New("CONFIG_FPROBE is off")

// facts returns facts of a kernel that supports every backend, with functions that take the skb in two
// registers.
func facts() *kernel.Facts {
	return &kernel.Facts{
		PageSize: 4096,
		CPUs:     2,
		Functions: []kernel.Function{
			{Name: "ip_rcv", Addr: 0x100, SkbArg: 1},
			{Name: "icmp_rcv", Addr: 0x200, SkbArg: 1},
			{Name: "sk_skb_reason_drop", Addr: 0x300, SkbArg: 2, ReasonArg: 3},
		},
		Tracepoints: []kernel.Tracepoint{
			{Name: "kfree_skb", SkbArg: 0, LocationArg: 1, ReasonArg: 2},
			{Name: "net_dev_queue", SkbArg: 0, LocationArg: -1, ReasonArg: -1},
			{Name: "far", SkbArg: 12, LocationArg: -1, ReasonArg: -1},
		},
		Support: map[kernel.Backend]error{
			kernel.KprobeMulti: nil, kernel.Kprobe: nil, kernel.TracepointBackend: nil,
		},
	}
}

func functionNames(p *Plan) []string {
	var names []string
	for _, f := range p.Functions {
		names = append(names, f.Name)
	}
	return names
}

func mustPlan(t *testing.T, o Options, f *kernel.Facts) *Plan {
	t.Helper()
	p, err := New(o, f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFunctionsAndTracepointsOfBackends(t *testing.T) {
	tests := []struct {
		name        string
		options     Options
		functions   []string
		tracepoints []string
	}{
		{"all functions and the drop tracepoint", Options{Backend: kernel.KprobeMulti},
			[]string{"ip_rcv", "icmp_rcv", "sk_skb_reason_drop"}, []string{"kfree_skb"}},
		{"one function alone", Options{Backend: kernel.Kprobe, Func: "ip_rcv"}, []string{"ip_rcv"}, nil},
		{"the whole name must match", Options{Backend: kernel.Kprobe, Func: "ip|ip_rcv"}, []string{"ip_rcv"}, nil},
		{"a dropping function brings the drop tracepoint", Options{Backend: kernel.Kprobe, Func: "sk_skb_.*"},
			[]string{"sk_skb_reason_drop"}, []string{"kfree_skb"}},
		{"all tracepoints that have a program", Options{Backend: kernel.TracepointBackend}, nil, []string{"kfree_skb", "net_dev_queue"}},
		{"a tracepoint by its printed name", Options{Backend: kernel.TracepointBackend, Func: "tp:net_.*"}, nil, []string{"net_dev_queue"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := mustPlan(t, test.options, facts())
			if diff := cmp.Diff(test.functions, functionNames(p)); diff != "" {
				t.Errorf("functions: %s", diff)
			}
			if diff := cmp.Diff(test.tracepoints, p.tracepointNames(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("tracepoints: %s", diff)
			}
		})
	}
}

func TestGroupsAreByRegister(t *testing.T) {
	p := mustPlan(t, Options{}, facts())
	sizes := map[string]int{}
	for _, g := range p.Groups {
		sizes[g.Program] = len(g.Functions)
	}
	if diff := cmp.Diff(map[string]int{"kprobe_skb_1": 2, "kprobe_skb_2": 1}, sizes); diff != "" {
		t.Error(diff)
	}
	for _, program := range p.BPF.Programs {
		if strings.HasPrefix(program.Name, "kprobe") && program.AttachType != ebpf.AttachTraceKprobeMulti {
			t.Errorf("program %q is not for kprobe-multi", program.Name)
		}
	}
}

func TestDropTracepointKnowsItsArguments(t *testing.T) {
	p := mustPlan(t, Options{Backend: kernel.TracepointBackend}, facts())
	for i, program := range p.BPF.Programs {
		f := program.Tracepoint
		if int(f.Number) != i {
			t.Errorf("program %q has number %d, its tracepoint is %d", program.Name, f.Number, i)
		}
		if drop := program.Name == "tracepoint_kfree_skb"; f.Drop != drop || drop && (f.Location != 1 || f.Reason != 2) {
			t.Errorf("program %q: facts %+v", program.Name, *f)
		}
	}
}

func TestBackendIsTheBestThatRuns(t *testing.T) {
	f := facts()
	f.Support[kernel.KprobeMulti] = errNoFprobe
	p := mustPlan(t, Options{}, f)
	if p.Backend != kernel.Kprobe {
		t.Errorf("backend %q", p.Backend)
	}
	if diff := cmp.Diff([]string{"not kprobe-multi: CONFIG_FPROBE is off"}, p.Reasons()); diff != "" {
		t.Error(diff)
	}
}

func TestErrorsNameTheThing(t *testing.T) {
	noFprobe := facts()
	noFprobe.Support[kernel.KprobeMulti] = errNoFprobe
	nothing := facts()
	nothing.Support = map[kernel.Backend]error{kernel.KprobeMulti: errNoFprobe, kernel.Kprobe: errNoFprobe, kernel.TracepointBackend: errNoFprobe}
	tests := []struct {
		options Options
		facts   *kernel.Facts
		want    string
		usage   bool
	}{
		{Options{Func: "nosuch"}, facts(), `no traceable function that takes an skb matches "nosuch"`, true},
		{Options{Func: "("}, facts(), `function filter "("`, true},
		{Options{Backend: "magic"}, facts(), `backend "magic": unknown`, true},
		{Options{Backend: kernel.KprobeMulti}, noFprobe, `backend "kprobe-multi" does not run here: CONFIG_FPROBE is off`, false},
		{Options{}, nothing, "no backend runs on this kernel", false},
		{Options{RingSize: 5000}, facts(), "buffer size 5000: must be a power of two", true},
	}
	for _, test := range tests {
		_, err := New(test.options, test.facts)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v, want %q", test.options, err, test.want)
			continue
		}
		var usage interface{ Usage() bool }
		if got := errors.As(err, &usage) && usage.Usage(); got != test.usage {
			t.Errorf("%v: usage error: %v", err, got)
		}
	}
}

// TestNoBackendHasAHint checks that the hint has a common reason of several backends only once.
func TestNoBackendHasAHint(t *testing.T) {
	closed := errors.New("closed")
	err := noBackendError{[]Rejected{{kernel.KprobeMulti, errNoFprobe}, {kernel.Kprobe, closed}, {kernel.TracepointBackend, closed}}}
	if got, want := err.Hint(), "kprobe-multi: CONFIG_FPROBE is off; kprobe, tracepoint: closed; `tracer doctor` says what to do"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestConfigCarriesTheFilters(t *testing.T) {
	body := asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()}
	p := mustPlan(t, Options{
		Netns: Netns{In: []uint32{5}, Out: []uint32{6, 7}}, Mark: Mark{Value: 0xff, Mask: 0x0f}, Settings: bpf.Config{Meta: true, MaxPerSecond: 8},
		Filter:   &filter.Program{Expr: "ip", Need: 14, Length: true, Body: body},
		TunnelL3: &filter.Program{Expr: "icmp", Need: 24, Body: body},
	}, facts())
	c := p.BPF.Config
	if c.NetnsInCount != 1 || c.NetnsIn[0] != 5 || c.NetnsOutCount != 2 || c.NetnsOut[1] != 7 || c.Mark != 0x0f || c.MarkMask != 0x0f {
		t.Errorf("network namespaces and mark %+v", c)
	}
	if !c.Meta || c.Tuple || !c.Filter || c.Need != 14 || !c.Length || c.FilterL2 || !c.FilterL3 || c.NeedL3 != 24 || c.MaxPerSecond != 8 {
		t.Errorf("filters and record %+v", c)
	}
	if len(p.BPF.Bodies.Filter) != 2 || len(p.BPF.Bodies.TunnelL3) != 2 || p.BPF.Bodies.TunnelL2 != nil {
		t.Errorf("bodies %+v", p.BPF.Bodies)
	}
	if p.BPF.RingSize != DefaultRingSize || c.Watermark == 0 || c.Watermark >= p.BPF.RingSize {
		t.Errorf("ring of %d, watermark %d", p.BPF.RingSize, c.Watermark)
	}
	if c.VxlanPorts != [4]uint16{4789, 4790, 8472} || c.GenevePorts != [4]uint16{6081} {
		t.Errorf("ports %v, %v", c.VxlanPorts, c.GenevePorts)
	}
}

func TestConfigCarriesTheTaskFilter(t *testing.T) {
	f := facts()
	f.Contexts = &kernel.Contexts{CPUOffsets: 100, PreemptCount: 200}
	c := mustPlan(t, Options{TaskFilter: TaskFilter{
		PIDs: []uint32{1, 2}, Comms: []string{"ping"}, Cgroups: []uint64{1 << 40},
	}}, f).BPF.Config
	if c.PidCount != 2 || c.Pids[1] != 2 || c.CommCount != 1 || c.CgroupCount != 1 || c.Cgroups[0] != 1<<40 {
		t.Errorf("task filter %+v", c)
	}
	if c.CpuOffsets != 100 || c.PreemptCount != 200 {
		t.Errorf("contexts at %d, %d", c.CpuOffsets, c.PreemptCount)
	}
}

func TestListsThatAreTooLong(t *testing.T) {
	for name, o := range map[string]Options{
		"network namespaces": {Netns: Netns{Out: make([]uint32, 17)}},
		"interfaces":         {Ifnames: Ifnames{In: make([]string, 17)}},
		"VXLAN ports":        {Ports: Ports{VXLAN: make([]uint16, 5)}},
	} {
		if _, err := New(o, facts()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestPrint(t *testing.T) {
	f := facts()
	f.Support[kernel.KprobeMulti] = errNoFprobe
	p := mustPlan(t, Options{Netns: Netns{In: []uint32{7}}, Ifnames: Ifnames{Out: []string{"lo", "eth*"}}, Mark: Mark{1, 0xff}, Filter: &filter.Program{
		Expr:    "ip",
		Classic: []netbpf.Instruction{netbpf.RetConstant{Val: 1}},
		Body:    asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()},
	}}, f)
	var b strings.Builder
	if err := p.Print(&b, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"backend      kprobe\n", "not kprobe-multi: CONFIG_FPROBE is off", "functions    3\n  ip_rcv icmp_rcv sk_skb_reason_drop\n", "tracepoints  1\n  kfree_skb\n", "ring buffer  4096K\n", "netns        7\nnot iface    lo eth*\nmark         0x1/0xff\n", "filter       ip\n", "classic BPF\n  (000) ret      #1\n", "exit"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}

func countPrinted(t *testing.T, p *Plan, word string) int {
	t.Helper()
	var b strings.Builder
	if err := p.Print(&b, false); err != nil {
		t.Fatal(err)
	}
	return strings.Count(b.String(), word)
}

func TestPrintNamesManyFunctionsOnlyWhenAsked(t *testing.T) {
	p := &Plan{Functions: make([]kernel.Function, fewNames+1)}
	for i := range p.Functions {
		p.Functions[i].Name = "some_function"
	}
	for _, all := range []bool{false, true} {
		var b strings.Builder
		if err := p.Print(&b, all); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(b.String(), "some_function"); got != map[bool]int{true: fewNames + 1}[all] {
			t.Errorf("all %v: %d names", all, got)
		}
	}
}
