// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"unsafe"

	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/kernel"
)

const (
	// nftRule is the name of the decision with the nftables rule that dropped a packet.
	nftRule = "nft_rule"
	// nftDoChain is the function that evaluates the rules. The decision nft_chain keeps its calls.
	nftDoChain = "nft_do_chain"
)

// addNftRule plans the programs that find the nftables rule that dropped a packet, on the functions that evaluate
// expressions. slot is the index of the values in the map decision_slots.
func (d *decisions) addNftRule(of *explain.Decision, slot uint16) {
	p := d.plan
	i := slices.IndexFunc(d.list, func(f *decider) bool { return f.Name == nftDoChain && len(f.atReturn) > 0 })
	if i < 0 || p.Returns == "" {
		return
	}
	code := codeAt(d.facts.Symbols, d.list[i].Function)
	if code.End <= code.Begin {
		return
	}
	c := &p.BPF.Config
	setRange(&c.NftDoChain.Begin, &c.NftDoChain.Size, code)
	c.NftPlacement, c.NftSlot = uint32(len(p.Why.Decisions)), uint32(slot)
	p.Why.Decisions = append(p.Why.Decisions, explain.Placement{Name: of.Name, Function: nftDoChain, Placed: placeMembers[bpf.NftRuleValues](of.Reads)})
	p.BPF.Decisions.Params = append(p.BPF.Decisions.Params, bpf.DecisionParams{Size: uint32(unsafe.Sizeof(bpf.NftRuleValues{})), Slot: slot})
	d.time(d.list[i])
	d.addNftPrograms(of.Functions)
}

// time makes the program record when a call of the function began, which distinguishes it from earlier calls.
func (d *decisions) time(f *decider) {
	f.record.Timed = 1
	if functions := d.plan.BPF.Decisions.Functions; functions != nil {
		functions[keyOf(f)] = f.record
	}
}

// codeAt returns the address range of a function, without parts that the compiler has split off (.cold).
func codeAt(symbols *kernel.Symbols, f kernel.Function) kernel.CodeRange {
	for _, code := range symbols.AllCode(map[string]bool{f.Name: true})[f.Name] {
		if code.Begin == f.Addr {
			return code
		}
	}
	return kernel.CodeRange{}
}

// nftTemplates are the templates of the programs on some functions; all others have NftOtherTemplate.
var nftTemplates = map[string]string{
	"nft_immediate_eval": bpf.NftImmediateTemplate,
	"nft_lookup_eval":    bpf.NftLookupTemplate,
	"nft_register_expr":  bpf.NftRegisterTemplate,
}

// addNftPrograms plans the programs on functions that evaluate expressions, and on the returns of those whose verdict is only
// known then.
func (d *decisions) addNftPrograms(names []string) {
	p := d.plan
	var returning []kernel.Function
	for _, name := range names {
		template, special := nftTemplates[name]
		if !special {
			template = bpf.NftOtherTemplate
		}
		for _, f := range d.find(name) {
			p.group(f, bpf.Program{Name: template, Template: template})
			if !special || template == bpf.NftLookupTemplate {
				returning = append(returning, f)
			}
		}
	}
	if way := p.Returns.Describe(); !way.WithEntries && len(returning) > 0 {
		p.BPF.Programs = append(p.BPF.Programs, bpf.Program{Name: bpf.NftReturnTemplate, Template: bpf.NftReturnTemplate, AttachType: way.AttachType})
		p.ReturnGroups = append(p.ReturnGroups, Group{Program: bpf.NftReturnTemplate, Functions: returning})
	}
}
