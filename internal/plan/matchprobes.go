// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// matchFunctions are functions that get a packet before NAT, encapsulation or fragmentation changes it. On
// receive, tracepoints are hit earlier.
var matchFunctions = []string{
	// net/netfilter/core.c: before every hook
	"nf_hook_slow",
	// net/ipv4/ip_output.c, net/ipv6/output_core.c, net/ipv6/ip6_output.c
	"ip_local_out", "__ip_local_out", "ip_build_and_send_pkt", "ip_output", "ip_mc_output", "ip_do_fragment",
	"ip6_local_out", "__ip6_local_out", "ip6_output", "ip6_fragment",
	// net/ipv4/ip_input.c, ip_forward.c, net/ipv6/ip6_input.c, ip6_output.c
	"ip_rcv", "ip_local_deliver", "ip_forward", "ipv6_rcv", "ip6_input", "ip6_forward",
	// net/bridge, net/core/dev.c
	"br_handle_frame", "__dev_queue_xmit",
}

// matchProgram is the prefix of the names of the programs that match packets at tracepoints.
const matchProgram = "match_"

// freeTracepoints are hit only when a packet is freed, which is too late to follow it.
var freeTracepoints = []string{dropTracepoint, "consume_skb"}

// followsToDrops reports whether only drops are printed and packets are followed to them.
func (o Options) followsToDrops() bool {
	return o.Drop.Only && (o.Follow.Matched || o.Follow.ByStack)
}

// addMatchProbes plans probes and tracepoints that match packets, which are then followed to their drops. They
// emit no events.
func (p *Plan) addMatchProbes(facts *kernel.Facts) {
	if !p.Asked.followsToDrops() {
		return
	}
	p.BPF.Config.OnlyDrops = true
	if p.TracesFunctions() {
		p.addMatchFunctions(facts)
	}
	for _, t := range facts.Tracepoints {
		if t.SkbArg <= lastArgument && !(t.Module == "" && slices.Contains(freeTracepoints, t.Name)) {
			p.addMatchTracepoint(t)
		}
	}
}

// addMatchFunctions plans probes of matchFunctions, or of all functions if packets are followed by stack.
func (p *Plan) addMatchFunctions(facts *kernel.Facts) {
	for _, f := range facts.Functions {
		if !p.Asked.Follow.ByStack && !slices.Contains(matchFunctions, f.Name) {
			continue
		}
		p.MatchFunctions = append(p.MatchFunctions, f)
		p.group(f, bpf.OnFunctions(f.SkbArg))
	}
}

func (p *Plan) addMatchTracepoint(t kernel.Tracepoint) {
	name := matchProgram + t.Name
	p.BPF.Programs = append(p.BPF.Programs, bpf.Program{
		Name:       name,
		Template:   bpf.TracepointTemplate,
		Argument:   t.SkbArg,
		Tracepoint: &bpf.TracepointParams{Location: -1, Reason: -1},
	})
	p.Silent = append(p.Silent, Tracepoint{t, name})
}

// MatchTracepoints returns the names of the tracepoints that match packets, which are then followed to their
// drops. It is empty unless --drop is combined with following.
func (p *Plan) MatchTracepoints() []string {
	var names []string
	for _, t := range p.Silent {
		if strings.HasPrefix(t.Program, matchProgram) {
			names = append(names, t.Name)
		}
	}
	return names
}
