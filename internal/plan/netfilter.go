// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// hookCall is what is known of the calls of a function in netfilter. A hook function
// gets what is its own, the skb and the state, in this order; what else takes a state
// was called on the way to one.
func hookCall(f kernel.Function) bpf.HookCall {
	if f.StateArg == 0 {
		return bpf.HookCall{}
	}
	call := bpf.HookCall{State: f.StateArg, Hook: f.SkbArg == 2 && f.StateArg == 3}
	call.Kind = hookKind(f.Name)
	switch {
	case call.Kind == bpf.HookPlain:
	case call.Hook:
		call.Object = 1
	case f.SkbArg == 1 && f.StateArg == 2:
		call.Object = 3 // until 5.15, "netfilter: iptables: allow use of ipt_do_table as hookfn"
	}
	return call
}

// TablesUnseen is the reason why NETFILTER shows no tables; empty if the column was not requested,
// or if a function that evaluates a table is probed.
func (p *Plan) TablesUnseen() string {
	worksOnTable := func(b bpf.Program) bool { return b.HookCall.Object != 0 }
	switch {
	case !p.BPF.Config.Netfilter || slices.ContainsFunc(p.BPF.Programs, worksOnTable):
		return ""
	case !p.probesFunctions():
		return "NETFILTER stays empty: no functions are traced, and tracepoints have no hook"
	case p.Asked.Modules:
		return "NETFILTER shows no tables: the traced modules have no function of nftables or iptables that works on one, or --filter-func selects none"
	}
	return "no function of nftables or iptables is traced, so NETFILTER shows no tables: they are in modules, see --kmods and --all-kmods (kernel 5.11)"
}

// chainFunctions begin the names of the hook functions whose own is a chain of
// nftables: those of filter, nat and route chains.
var chainFunctions = []string{"nft_do_chain_", "nft_nat_do_chain", "nf_route_table_"}

// tableFunctions are those whose own is a table.
var tableFunctions = map[string]uint8{
	"ipt_do_table": bpf.HookXtables, "ip6t_do_table": bpf.HookXtables, "arpt_do_table": bpf.HookXtables,
	"ebt_do_table": bpf.HookEbtables,
}

func hookKind(function string) uint8 {
	for _, prefix := range chainFunctions {
		if strings.HasPrefix(function, prefix) {
			return bpf.HookNFT
		}
	}
	return tableFunctions[function] // plain for all others
}
