// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// withQueue returns facts of a kernel with everything that explains drops: hook functions, a function that
// queues packets to free, and the qdisc_drop tracepoint of 7.2.
func withQueue(t *testing.T) *kernel.Facts {
	f := facts()
	f.Functions = append(slices.Clone(hooks), kernel.Function{Name: "dev_kfree_skb_irq_reason", Addr: 0x9000, SkbArg: 1})
	f.Tracepoints = append(f.Tracepoints, kernel.Tracepoint{Name: "qdisc_drop", SkbArg: 3, LocationArg: -1, ReasonArg: -1})
	f.Reasons = map[uint32]string{9: "SKB_DROP_REASON_QDISC_DROP", 8: "SKB_DROP_REASON_NETFILTER_DROP"}
	symbols, err := kernel.ParseSymbols(strings.NewReader("ffffffff81000000 t net_tx_action\nffffffff81000100 T dev_kfree_skb_any_reason\nffffffff81000140 T nf_hook_slow\nffffffff81000200 T last\n"))
	if err != nil {
		t.Fatal(err)
	}
	f.Symbols = symbols
	return f
}

func groupNames(p *Plan) []string {
	var names []string
	for _, g := range p.Groups {
		names = append(names, g.Program)
	}
	return names
}

// TestDropsAloneAreExplained checks that functions are probed to explain drops, but not traced.
func TestDropsAloneAreExplained(t *testing.T) {
	p := mustPlan(t, Options{Drop: Drop{Only: true}, Settings: bpf.Config{Netfilter: true}}, withQueue(t))
	if p.Backend != kernel.TracepointBackend || p.ProbesBy() != kernel.KprobeMulti || len(p.Functions) != 0 {
		t.Errorf("backend %s, probes by %s, functions %v", p.Backend, p.ProbesBy(), functionNames(p))
	}
	names := groupNames(p)
	if !slices.Contains(names, bpf.QueuedFreeTemplate) || !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, bpf.HookTemplate) }) {
		t.Errorf("groups %v", names)
	}
	for _, program := range p.BPF.Programs {
		if !bpf.IsSilent(program.Name) && slices.Contains(names, program.Name) || (program.AttachType == ebpf.AttachTraceKprobeMulti) != slices.Contains(names, program.Name) {
			t.Errorf("program %+v", program)
		}
	}
	c := p.BPF.Config
	if c.QdiscDrop != 9 || c.NetfilterDrop != 8 || c.NetTxAction.Size != 0x100 || c.FreeAny.Size != 0x40 || c.HookSlow.Size != 0xc0 {
		t.Errorf("settings: %d %d %+v %+v %+v", c.QdiscDrop, c.NetfilterDrop, c.NetTxAction, c.FreeAny, c.HookSlow)
	}
	if len(p.Silent) != 1 || p.Silent[0].Name != "qdisc_drop" {
		t.Errorf("silent tracepoints %+v", p.Silent)
	}
}

// TestExplanationsAreOptional checks that no probes are planned if the user forces the tracepoint backend.
func TestExplanationsAreOptional(t *testing.T) {
	f := withQueue(t)
	for _, o := range []Options{{Backend: kernel.TracepointBackend}, {Backend: kernel.TracepointBackend, Drop: Drop{Only: true}}} {
		o.Settings.Netfilter = true
		if p := mustPlan(t, o, f); len(p.Groups) != 0 || p.ProbesBy() != kernel.TracepointBackend {
			t.Errorf("%+v: groups %v", o, groupNames(p))
		}
	}
}

// TestHookFunctionsAreKnown checks that traced hook functions are not probed again, and that Spec.Hooks lists
// all hook functions.
func TestHookFunctionsAreKnown(t *testing.T) {
	f := withQueue(t)
	p := mustPlan(t, Options{Settings: bpf.Config{Conntrack: true}}, f)
	for _, name := range groupNames(p) {
		if strings.HasPrefix(name, bpf.HookTemplate) {
			t.Errorf("%s is planned for traced functions", name)
		}
	}
	if len(p.BPF.Hooks) == 0 || slices.Contains(p.BPF.Hooks, 0) {
		t.Errorf("hook functions %#x", p.BPF.Hooks)
	}
}
