// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// hookCall returns which arguments of a function are those of netfilter. A hook function takes its own
// object (such as a table), the skb and the nf_hook_state, in this order. Other functions that take a state
// call hook functions, or are called by them.
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

// TablesUnseen returns the reason why the column NETFILTER shows no tables. It is empty if the column was
// not requested, or if a function that evaluates a table is probed.
func (p *Plan) TablesUnseen() string {
	worksOnTable := func(b bpf.Program) bool { return b.HookCall.Object != 0 }
	switch {
	case !p.BPF.Config.Netfilter || slices.ContainsFunc(p.BPF.Programs, worksOnTable):
		return ""
	case !p.ProbesFunctions():
		return "NETFILTER stays empty: no functions are traced, and tracepoints have no hook"
	case p.Asked.Modules:
		return "NETFILTER shows no tables: the traced modules have no function of nftables or iptables that works on one, or --filter-func selects none"
	}
	return "no function of nftables or iptables is traced, so NETFILTER shows no tables: they are in modules, see --kmods and --all-kmods (kernel 5.11)"
}

// chainFunctions are the prefixes of the names of hook functions whose object is a chain of nftables:
// those of filter, nat and route chains.
var chainFunctions = []string{"nft_do_chain_", "nft_nat_do_chain", "nf_route_table_"}

// tableFunctions are the functions whose object is a table, and the kind of table.
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
	return tableFunctions[function] // HookPlain for all others
}
