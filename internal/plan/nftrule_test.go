// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
)

// nftPlan returns a plan, and decisions with nft_do_chain, for a kernel with only the given functions.
func nftPlan(t *testing.T, by kernel.ReturnWay, functions ...string) (*Plan, *decisions) {
	t.Helper()
	symbols, err := kernel.ParseSymbols(strings.NewReader("ffffffffc0000000 t nft_do_chain\t[nf_tables]\nffffffffc0000500 t nft_do_chain.cold\t[nf_tables]\nffffffffc0000600 t last\t[nf_tables]\n"))
	if err != nil {
		t.Fatal(err)
	}
	f := &kernel.Facts{Symbols: symbols}
	for i, name := range functions {
		f.NoSkbFuncs = append(f.NoSkbFuncs, kernel.Function{Name: name, Addr: 0xffffffffc0000000 + uint64(i)<<12})
	}
	p := &Plan{Backend: kernel.Kprobe, Returns: by, Why: &explain.Layout{Decisions: make([]explain.Placement, 2)}}
	d := &decisions{plan: p, facts: f}
	for _, found := range d.find(nftDoChain) {
		d.list = append(d.list, &decider{Function: found, atReturn: []*decision{{}}})
	}
	return p, d
}

func nftDecision(t *testing.T) *explain.Decision {
	t.Helper()
	table, err := explain.Load()
	if err != nil {
		t.Fatal(err)
	}
	return table.Decision(nftRule)
}

// TestNftPrograms checks the programs on entries and on returns, the settings, and the module to load.
func TestNftPrograms(t *testing.T) {
	all := []string{nftDoChain, "nft_immediate_eval", "nft_lookup_eval", "nft_reject_inet_eval", "nft_target_eval_xt", "nft_register_expr", "nft_cmp_eval"}
	entries := []string{
		bpf.NftImmediateTemplate + " nft_immediate_eval", bpf.NftLookupTemplate + " nft_lookup_eval",
		bpf.NftOtherTemplate + " nft_target_eval_xt", bpf.NftOtherTemplate + " nft_reject_inet_eval", bpf.NftRegisterTemplate + " nft_register_expr",
	}
	returns := []string{bpf.NftReturnTemplate + " nft_lookup_eval", bpf.NftReturnTemplate + " nft_target_eval_xt", bpf.NftReturnTemplate + " nft_reject_inet_eval"}
	for by, wantReturns := range map[kernel.ReturnWay][]string{kernel.Kretprobe: returns, kernel.KprobeSession: nil} {
		p, d := nftPlan(t, by, all...)
		d.addNftRule(nftDecision(t), 5)
		if diff := cmp.Diff(entries, grouped(p.Groups)); diff != "" {
			t.Errorf("%s: entries (-want +got):\n%s", by, diff)
		}
		if diff := cmp.Diff(wantReturns, grouped(p.ReturnGroups)); diff != "" {
			t.Errorf("%s: returns (-want +got):\n%s", by, diff)
		}
		c := p.BPF.Config
		if c.NftDoChain.Begin != 0xffffffffc0000000 || c.NftDoChain.Size != 0x500 || c.NftPlacement != 2 || c.NftSlot != 5 || len(p.BPF.Decisions.Params) != 1 {
			t.Errorf("%s: settings %+v, %d, %d", by, c.NftDoChain, c.NftPlacement, c.NftSlot)
		}
		if !slices.Contains(p.Modules(), "nf_tables") {
			t.Errorf("%s: modules %v", by, p.Modules())
		}
	}
}

func grouped(groups []Group) (list []string) {
	for _, g := range groups {
		for _, f := range g.Functions {
			list = append(list, g.Program+" "+f.Name)
		}
	}
	return list
}

// TestWithoutNftables checks that nothing is planned without nftables, and without probes of returns.
func TestWithoutNftables(t *testing.T) {
	for name, test := range map[string]struct {
		by        kernel.ReturnWay
		functions []string
	}{
		"no nft_do_chain": {kernel.Kretprobe, []string{"nft_immediate_eval"}},
		"no returns":      {"", []string{nftDoChain, "nft_immediate_eval"}},
	} {
		p, d := nftPlan(t, test.by, test.functions...)
		d.addNftRule(nftDecision(t), 5)
		if len(p.Groups) > 0 || p.BPF.Config.NftDoChain.Size > 0 || len(p.Why.Decisions) != 2 {
			t.Errorf("%s: %v %+v", name, p.Groups, p.Why.Decisions)
		}
	}
}

// TestNftRuleValues checks that each value is read from its member of struct nft_rule_values.
func TestNftRuleValues(t *testing.T) {
	v := bpf.NftRuleValues{Known: [8]uint8{0xff &^ 2, 1}, Handle: 12, TableHandle: 7, Base: 1, Family: 10, Hook: 2<<8 | 1, Priority: uint64(1<<64 - 10)}
	copy(v.Table[:], "filter")
	copy(v.Chain[:], "input")
	raw, err := binary.Append(nil, binary.NativeEndian, v)
	if err != nil {
		t.Fatal(err)
	}
	got, list := map[string]string{}, nftDecision(t).Reads
	for i, placed := range placeMembers[bpf.NftRuleValues](list) {
		if values, known := lookup.Take(nil, placed.Values, raw); known {
			got[list[i].Key] = list[i].Value(values).Text
		}
	}
	want := map[string]string{"handle": "12", "base": "1", "family": "ip6", "hook": "input", "priority": "-10", "table_handle": "7", "table": "filter", "chain": "input"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
