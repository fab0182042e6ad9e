// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
)

// xtPlan plans the programs for the rules of tables. Only these functions exist; they take the packet in argument 2.
func xtPlan(t *testing.T, by kernel.ReturnWay, symbols string, functions ...string) (*Plan, *decisions) {
	t.Helper()
	parsed, err := kernel.ParseSymbols(strings.NewReader(symbols))
	if err != nil {
		t.Fatal(err)
	}
	p := &Plan{Backend: kernel.Kprobe, Returns: by, Why: &explain.Layout{Decisions: make([]explain.Placement, 3)}}
	d := &decisions{plan: p, facts: &kernel.Facts{Symbols: parsed, CPUs: 2}}
	body := asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	for i, name := range functions {
		f := kernel.Function{Name: name, Addr: 0xffffffffc0000000 + uint64(i)<<12, SkbArg: 2}
		d.list = append(d.list, &decider{Function: f, atReturn: []*decision{{number: uint16(i + 1), keep: body, read: body}}})
	}
	return p, d
}

const withOffsets = "ffffffff82000000 D __per_cpu_offset\n"

func addXtRules(t *testing.T, d *decisions) {
	t.Helper()
	table, err := explain.Load()
	if err != nil {
		t.Fatal(err)
	}
	d.addXtRule(table.Decision(xtRule), 5)
	d.addXtRule(table.Decision(ebtRule), 6)
	d.addPrograms()
}

func TestXtPrograms(t *testing.T) {
	all := []string{"ip_rcv", "ipt_do_table", "ip6t_do_table", "ebt_do_table"}
	entries := []string{bpf.DecisionTemplate + " ip_rcv", bpf.XtTemplate + "_2 ipt_do_table", bpf.XtTemplate + "_2 ip6t_do_table", bpf.XtTemplate + "_2 ebt_do_table"}
	returns := []string{bpf.XtReturnTemplate + " ipt_do_table", bpf.XtReturnTemplate + " ip6t_do_table", bpf.XtReturnTemplate + " ebt_do_table", bpf.DecisionReturnTemplate + " ip_rcv"}
	for by, wantReturns := range map[kernel.ReturnWay][]string{kernel.Kretprobe: returns, kernel.KprobeSession: nil} {
		p, d := xtPlan(t, by, withOffsets, all...)
		addXtRules(t, d)
		if diff := cmp.Diff(entries, grouped(p.Groups)); diff != "" {
			t.Errorf("%s: entries (-want +got):\n%s", by, diff)
		}
		if diff := cmp.Diff(wantReturns, grouped(p.ReturnGroups)); diff != "" {
			t.Errorf("%s: returns (-want +got):\n%s", by, diff)
		}
		c := p.BPF.Config
		if !c.XtRules || !c.XtPerCpu || c.CpuOffsets != 0xffffffff82000000 || c.XtPlacement != 3 || c.XtSlot != 5 {
			t.Errorf("%s: settings for iptables %v %v %x %d %d", by, c.XtRules, c.XtPerCpu, c.CpuOffsets, c.XtPlacement, c.XtSlot)
		}
		if c.EbtDoTable != d.list[3].Addr || c.EbtPlacement != 4 || c.EbtSlot != 6 || len(p.BPF.Decisions.Params) != 2 {
			t.Errorf("%s: settings for ebtables %x %d %d", by, c.EbtDoTable, c.EbtPlacement, c.EbtSlot)
		}
		if modules := p.Modules(); !slices.Equal(modules, []string{"x_tables", "ebtables"}) {
			t.Errorf("%s: modules %v", by, modules)
		}
	}
}

// TestWithoutXtables checks that no rules are looked for without the functions, their returns, or the places of the
// counters.
func TestWithoutXtables(t *testing.T) {
	for name, test := range map[string]struct {
		by        kernel.ReturnWay
		symbols   string
		functions []string
	}{
		"no function":     {kernel.Kretprobe, withOffsets, []string{"ip_rcv"}},
		"no returns":      {"", withOffsets, []string{"ipt_do_table", "ebt_do_table"}},
		"unknown offsets": {kernel.Kretprobe, "ffffffff82000000 t f\n", []string{"ipt_do_table"}},
	} {
		p, d := xtPlan(t, test.by, test.symbols, test.functions...)
		addXtRules(t, d)
		c := p.BPF.Config
		if c.XtRules || c.EbtDoTable != 0 || len(p.Why.Decisions) != 3 || len(p.Modules()) > 0 {
			t.Errorf("%s: %v %x, %d placements, modules %v", name, c.XtRules, c.EbtDoTable, len(p.Why.Decisions), p.Modules())
		}
	}
}

// TestXtRuleValues checks that each value is found where the kernel half writes it.
func TestXtRuleValues(t *testing.T) {
	raw, err := binary.Append(nil, binary.NativeEndian, bpf.XtRuleValues{Known: [8]uint8{0xff}, Offset: 152, Size: 1000, Rules: 7, Hash: 99})
	if err != nil {
		t.Fatal(err)
	}
	table, err := explain.Load()
	if err != nil {
		t.Fatal(err)
	}
	got, list := map[string]string{}, table.Decision(xtRule).Reads
	for i, placed := range placeMembers[bpf.XtRuleValues](list) {
		if values, known := lookup.Take(nil, placed.Values, raw); known {
			got[list[i].Key] = list[i].Value(values).Text
		}
	}
	want := map[string]string{"offset": "152", "size": "1000", "rules": "7", "hash": "99"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
