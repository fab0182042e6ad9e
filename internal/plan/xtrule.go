// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"unsafe"

	"tracer/internal/bpf"
	"tracer/internal/explain"
)

const (
	// xtRule and ebtRule are the decisions with the rule of iptables-legacy, or of ebtables, that dropped a packet.
	xtRule  = "xt_rule"
	ebtRule = "ebt_rule"
)

// addXtRule plans to find the rules of tables that drop packets: the functions that evaluate them, whose calls are
// kept for another decision, get programs of their own. slot is the decision's slot in the kernel.
func (d *decisions) addXtRule(of *explain.Decision, slot uint16) {
	list := d.evaluators(of.Functions)
	p := d.plan
	if len(list) == 0 || p.Returns == "" || d.facts.Symbols == nil {
		return
	}
	c := &p.BPF.Config
	placement := uint32(len(p.Why.Decisions))
	switch offsets := d.facts.Symbols.CPUOffsets(); {
	case of.Name == ebtRule:
		c.EbtDoTable, c.EbtPlacement, c.EbtSlot = list[0].Addr, placement, uint32(slot)
	case offsets == 0 && d.facts.CPUs != 1:
		return
	default:
		c.XtRules, c.XtPerCpu, c.CpuOffsets = true, d.facts.CPUs != 1, offsets
		c.XtPlacement, c.XtSlot = placement, uint32(slot)
	}
	for _, f := range list {
		f.countsRules = true
	}
	p.Why.Decisions = append(p.Why.Decisions, explain.Placement{Name: of.Name, Function: list[0].Name, Placed: placeMembers[bpf.XtRuleValues](of.Reads)})
	p.BPF.Decisions.Params = append(p.BPF.Decisions.Params, bpf.DecisionParams{Size: uint32(unsafe.Sizeof(bpf.XtRuleValues{})), Slot: slot})
}

// evaluators returns the functions with these names whose calls are kept.
func (d *decisions) evaluators(names []string) (list []*decider) {
	for _, f := range d.list {
		if slices.Contains(names, f.Name) && len(f.atReturn) > 0 && f.indirect == nil {
			list = append(list, f)
		}
	}
	return list
}
