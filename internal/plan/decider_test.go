// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/cilium/ebpf/asm"

	"tracer/internal/bpf"
	"tracer/internal/explain"
)

// TestDecisionsOfAFunctionFit checks that no function has more decisions than its record: the values of the others would be
// unknown.
func TestDecisionsOfAFunctionFit(t *testing.T) {
	table, err := explain.LoadFamilies(explain.Families())
	if err != nil {
		t.Fatal(err)
	}
	type place struct {
		function string
		at       explain.Moment
	}
	decisions := map[place][]string{}
	for _, d := range table.Decisions {
		for _, function := range d.Functions {
			if p := (place{function, d.At}); d.Special == "" {
				decisions[p] = append(decisions[p], d.Name)
			}
		}
	}
	for p, names := range decisions {
		if len(names) > bpf.MaxFunctionDecisions {
			t.Errorf("%s (moment %d) has the decisions %q, but room for %d", p.function, p.at, names, bpf.MaxFunctionDecisions)
		}
	}
}

// TestFullFunction checks that a function takes no more decisions than its record has room for, and one that reads the packet.
func TestFullFunction(t *testing.T) {
	var f decider
	for i := range bpf.MaxFunctionDecisions {
		if !f.add(&decision{number: uint16(i + 1)}, explain.AtReturn) {
			t.Errorf("decision %d is refused", i)
		}
	}
	if f.add(&decision{}, explain.AtReturn) || !f.add(&decision{skb: asm.Instructions{asm.Return()}}, explain.AtEntry) || f.add(&decision{skb: asm.Instructions{asm.Return()}}, explain.AtEntry) {
		t.Errorf("%d decisions at the return, %d at the entry", len(f.atReturn), len(f.atEntry))
	}
}
