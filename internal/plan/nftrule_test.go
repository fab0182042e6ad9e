// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/event"
	"tracer/internal/explain"
	"tracer/internal/kernel"
)

// nftPlan plans the programs for nftables rules. Only these functions exist.
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

// nftEntry is a record part with the values of a rule.
func nftEntry(t *testing.T, v bpf.NftRuleValues) []byte {
	t.Helper()
	var b bytes.Buffer
	size := uint16(unsafe.Sizeof(v))
	for _, part := range []any{uint32(16 + size), uint32(0), uint16(0), size, uint8(1), [3]uint8{}, v} {
		if err := binary.Write(&b, binary.NativeEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// TestNftRuleValues checks the text and the group of drops with the values that the kernel half writes.
func TestNftRuleValues(t *testing.T) {
	v := bpf.NftRuleValues{Known: [8]uint8{0xff}, Handle: 12, Base: 1, Family: 1, Hook: 2<<8 | 1, Priority: uint64(1<<64 - 10)}
	copy(v.Table[:], "filter")
	copy(v.Chain[:], "input")
	policy, unknown := v, v
	policy.Handle, unknown.Known[0] = 0, 0xff&^2
	unknown.Handle = 0
	s, err := explain.NewStage(explain.Layout{
		Families:  []string{"netfilter"},
		Decisions: []explain.Placement{{Name: nftRule, Function: nftDoChain, Placed: placeNftRule(nftDecision(t).Reads)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const hook = "; hook input, priority -10"
	for want, values := range map[string]bpf.NftRuleValues{
		"nft-rule, inet/filter/input handle 12: nftables rule inet/filter/input handle 12" + hook:                                         v,
		"nft-policy, inet/filter/input handle 0: policy drop of the nftables chain inet/filter/input: no rule accepted the packet" + hook: policy,
		"unknown, : ": unknown,
	} {
		e := &event.Event{Drop: event.Drop{Dropped: true, HasReason: true}, Names: event.Names{Reason: event.ReasonPrefix + "NETFILTER_DROP", Location: "nft_do_chain+0x5"}}
		e.Raw.Why = nftEntry(t, values)
		s.Explain(e)
		if got := fmt.Sprintf("%s, %s: %s", e.Why.Cause, e.Why.Group, e.Why.Text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
