// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// hooks are functions with all positions of the netfilter arguments.
var hooks = []kernel.Function{
	{Name: "ip_rcv", Addr: 1, SkbArg: 1},
	{Name: "nf_hook_slow", Addr: 2, SkbArg: 1, StateArg: 2},
	{Name: "ipv4_conntrack_in", Addr: 3, SkbArg: 2, StateArg: 3},
	{Name: "nft_do_chain_inet", Addr: 4, SkbArg: 2, StateArg: 3},
	{Name: "nft_nat_do_chain", Addr: 5, SkbArg: 2, StateArg: 3},
	{Name: "ip6t_do_table", Addr: 6, SkbArg: 2, StateArg: 3},
	{Name: "ipt_do_table", Addr: 7, SkbArg: 1, StateArg: 2}, // until 5.15
	{Name: "ebt_do_table", Addr: 8, SkbArg: 2, StateArg: 3},
	{Name: "nf_conntrack_tcp_packet", Addr: 9, SkbArg: 2, StateArg: 5},
	{Name: "tcp_rcv", Addr: 10, SkbArg: 2},
}

func TestHooksHaveProgramsOfTheirOwn(t *testing.T) {
	f := facts()
	f.Functions = hooks
	p := mustPlan(t, Options{Settings: bpf.Config{Netfilter: true}}, f)
	programs := map[string]bpf.HookCall{}
	for _, program := range p.BPF.Programs {
		programs[program.Name] = program.HookCall
	}
	got := map[string]bpf.HookCall{}
	for _, g := range p.Groups {
		for _, f := range g.Functions {
			got[f.Name] = programs[g.Program]
		}
	}
	want := map[string]bpf.HookCall{
		"ip_rcv": {}, "tcp_rcv": {},
		"nf_hook_slow":            {State: 2},
		"ipv4_conntrack_in":       {State: 3, Hook: true},
		"nft_do_chain_inet":       {State: 3, Object: 1, Kind: bpf.HookNFT, Hook: true},
		"nft_nat_do_chain":        {State: 3, Object: 1, Kind: bpf.HookNFT, Hook: true},
		"ip6t_do_table":           {State: 3, Object: 1, Kind: bpf.HookXtables, Hook: true},
		"ipt_do_table":            {State: 2, Object: 3, Kind: bpf.HookXtables},
		"ebt_do_table":            {State: 3, Object: 1, Kind: bpf.HookEbtables, Hook: true},
		"nf_conntrack_tcp_packet": {State: 5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !p.BPF.Config.Netfilter || p.BPF.Config.Conntrack {
		t.Errorf("settings %+v", p.BPF.Config)
	}
	if why := p.TablesUnseen(); why != "" {
		t.Error(why)
	}
	if diff := cmp.Diff([]string{"nf_tables", "x_tables", "ebtables"}, p.Modules()); diff != "" {
		t.Error(diff)
	}
}

// TestHooksAreOffByDefault checks that there is only one program for each register.
func TestHooksAreOffByDefault(t *testing.T) {
	f := facts()
	f.Functions = hooks
	p := mustPlan(t, Options{}, f)
	if len(p.Groups) != 2 || p.BPF.Programs[0].HookCall != (bpf.HookCall{}) || p.BPF.Config.Netfilter || p.Modules() != nil {
		t.Errorf("%+v", p.Groups)
	}
}

func TestConntrackReadsTypesOfItsModule(t *testing.T) {
	p := mustPlan(t, Options{Settings: bpf.Config{Conntrack: true}}, facts())
	if diff := cmp.Diff([]string{"nf_conntrack"}, p.Modules()); diff != "" || !p.BPF.Config.Conntrack {
		t.Error(diff)
	}
}

// TestUnseenTablesAreExplained checks that the reason depends on the options.
func TestUnseenTablesAreExplained(t *testing.T) {
	for want, o := range map[string]Options{
		"see --kmods and --all-kmods":                        {Func: "ip.*"},
		"NETFILTER shows no tables: the traced modules have": {Func: "ip.*", Modules: true},
		"NETFILTER stays empty: no functions are traced":     {Backend: kernel.TracepointBackend, Modules: true},
	} {
		o.Settings.Netfilter = true
		if why := mustPlan(t, o, facts()).TablesUnseen(); !strings.Contains(why, want) {
			t.Errorf("%q, want %q", why, want)
		}
	}
}
