// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// hookSlow is the function that calls the hook functions of a netfilter hook (net/netfilter/core.c).
const hookSlow = "nf_hook_slow"

// queuers are the functions that queue packets freed in an interrupt, so that net_tx_action frees them
// later (net/core/dev.c). The second one exists until 6.3.
var queuers = []string{"dev_kfree_skb_irq_reason", "__dev_kfree_skb_irq"}

// freeAny are the functions of net/core/dev.c through which drivers may call the queuers.
var freeAny = []string{"dev_kfree_skb_any_reason", "__dev_kfree_skb_any"}

const (
	// netTxAction is the softirq that frees what the queuers queued (net/core/dev.c).
	netTxAction = "net_tx_action"
	// qdiscTracepoint is qdisc:qdisc_drop (7.2). The argument after the packet is the drop reason of
	// the queueing discipline.
	qdiscTracepoint = "qdisc_drop"
)

// addExplanations plans programs that emit no events. They record data for drop events that the drop
// tracepoint does not report.
func (p *Plan) addExplanations(facts *kernel.Facts) error {
	if !p.reportsDrops() {
		return nil
	}
	p.chooseProber(facts)
	if err := p.addWhy(facts); err != nil {
		return err
	}
	p.addHooks(facts)
	p.addQueuers(facts)
	p.addQdiscDrops(facts)
	return nil
}

func (p *Plan) reportsDrops() bool {
	return slices.ContainsFunc(p.Tracepoints, func(t Tracepoint) bool { return t.Name == dropTracepoint })
}

// chooseProber sets the backend for the probes that explain drops: the best one that probes functions, if
// only the drop tracepoint is traced and the user did not force a backend.
func (p *Plan) chooseProber(facts *kernel.Facts) {
	if p.TracesFunctions() || p.Asked.Backend != "" || !p.Asked.Drop.Only {
		return
	}
	for _, b := range kernel.Backends {
		if reason, asked := facts.Support[b]; b.Describe().Functions && asked && reason == nil {
			p.Prober = b
			return
		}
	}
}

// ProbesBy returns the backend that attaches the groups.
func (p *Plan) ProbesBy() kernel.Backend {
	if p.Prober != "" {
		return p.Prober
	}
	return p.Backend
}

// addHooks probes the hook functions of netfilter, so that the last hook call of each packet is
// recorded.
func (p *Plan) addHooks(facts *kernel.Facts) {
	if !p.Asked.Settings.Netfilter && !p.Asked.Settings.Conntrack || !p.ProbesFunctions() {
		return
	}
	for _, f := range facts.Functions {
		call := hookCall(f)
		if !call.Hook && f.Name != hookSlow {
			continue
		}
		if call.Hook {
			p.BPF.Hooks = append(p.BPF.Hooks, f.Addr)
		}
		if p.traced(f.Addr) == nil {
			name := fmt.Sprintf("%s_%d_%d_%d_%d", bpf.HookTemplate, f.SkbArg, call.State, call.Object, call.Kind)
			p.group(f, bpf.Program{Name: name, Template: bpf.HookTemplate, Argument: f.SkbArg, HookCall: call})
		}
	}
}

func (p *Plan) addQueuers(facts *kernel.Facts) {
	if !p.ProbesFunctions() {
		return
	}
	for _, f := range facts.Functions {
		if f.Module == "" && (f.Name == queuers[0] || f.Name == queuers[1]) {
			p.group(f, bpf.Program{Name: bpf.QueuedFreeTemplate, Template: bpf.QueuedFreeTemplate, Argument: f.SkbArg})
		}
	}
	code := facts.Symbols.Code(append(freeAny, netTxAction)...)
	c := &p.BPF.Config
	setRange(&c.NetTxAction.Begin, &c.NetTxAction.Size, code[netTxAction])
	for _, name := range freeAny {
		if found, ok := code[name]; ok {
			setRange(&c.FreeAny.Begin, &c.FreeAny.Size, found)
		}
	}
}

func (p *Plan) addQdiscDrops(facts *kernel.Facts) {
	number, known := reasonNamed("QDISC_DROP", facts.Reasons)
	if !known {
		return
	}
	for _, t := range facts.Tracepoints {
		if t.Name != qdiscTracepoint || t.Module != "" {
			continue
		}
		p.BPF.Config.QdiscDrop = number
		p.BPF.Programs = append(p.BPF.Programs, bpf.Program{
			Name: bpf.QdiscDropTemplate, Template: bpf.QdiscDropTemplate, Argument: t.SkbArg,
			Tracepoint: &bpf.TracepointParams{Location: -1, Reason: t.SkbArg + 1},
		})
		p.Silent = append(p.Silent, Tracepoint{t, bpf.QdiscDropTemplate})
	}
}
