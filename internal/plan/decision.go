// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/expr"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
)

// decision is a decision of the table in one function, with its compiled expressions.
type decision struct {
	number uint16 // in records, from 1
	params bpf.DecisionParams
	placed []lookup.FieldSlots
	// keep is the condition, and read writes the values. skb writes the packet, and counters the address of the counters;
	// they are nil for a packet that is an argument, and without counters.
	keep, read, skb, counters asm.Instructions
}

// addDecisions plans the programs that keep the values of decisions. It plans none if the backend does not probe
// functions.
func (p *Plan) addDecisions(table []*explain.Decision, facts *kernel.Facts) error {
	if !p.ProbesFunctions() {
		return nil
	}
	if err := checkNumber(len(table)); err != nil {
		return err
	}
	d := decisions{plan: p, facts: facts, types: p.whyTypes(facts), byKey: map[uint64]*decider{}}
	for i, of := range table {
		d.add(of, uint16(i))
	}
	d.markOuter()
	if len(d.list) == 0 {
		return nil
	}
	p.BPF.Config.Decisions = uint32(len(table))
	p.chooseDecisionReturns(facts)
	if d.hasSilentDrops {
		p.addConsumption(facts)
	}
	d.addAllPrograms(table)
	return checkNumber(len(p.Why.Decisions))
}

// addAllPrograms plans the programs of all functions. Those that find a rule of iptables-legacy or ebtables replace others on
// the same functions, those that find a rule of nftables are on functions of their own.
func (d *decisions) addAllPrograms(table []*explain.Decision) {
	for i, of := range table {
		if of.Name == xtRule || of.Name == ebtRule {
			d.addXtRule(of, uint16(i))
		}
	}
	d.addPrograms()
	for i, of := range table {
		if of.Name == nftRule {
			d.addNftRule(of, uint16(i))
		}
	}
}

// checkNumber rejects more decisions than the programs support.
func checkNumber(decisions int) error {
	if decisions > bpf.MaxDecisions {
		return fmt.Errorf("the causes have %d decisions, at most %d are supported", decisions, bpf.MaxDecisions)
	}
	return nil
}

// chooseDecisionReturns selects the way to probe returns if nothing else has selected one. A kprobe session costs least,
// but then all programs on functions must be in sessions, so it is not used if programs are planned already.
func (p *Plan) chooseDecisionReturns(facts *kernel.Facts) {
	if p.Returns != "" {
		return
	}
	for _, way := range p.ProbesBy().Describe().Returns {
		if way.Describe().WithEntries && len(p.Groups) > 0 {
			continue
		}
		if way.Describe().Missing(facts) == nil {
			p.Returns = way
			return
		}
	}
}

// surelyInRegisters is the number of arguments that are in registers on every architecture (s390x has the fewest).
const surelyInRegisters = 5

// consumeTracepoint is skb:consume_skb, which fires when a packet is freed that the kernel does not count as dropped.
const consumeTracepoint = "consume_skb"

// addConsumption plans the tracepoint that emits packets that end without a drop.
func (p *Plan) addConsumption(facts *kernel.Facts) {
	for _, t := range facts.Tracepoints {
		if t.Name != consumeTracepoint || t.Module != "" {
			continue
		}
		program := "silent_" + t.Name
		p.BPF.Programs = append(p.BPF.Programs, bpf.Program{
			Name: program, Template: bpf.TracepointTemplate, Argument: t.SkbArg,
			Tracepoint: &bpf.TracepointParams{Number: uint16(len(p.Tracepoints)), Location: -1, Reason: -1, Socket: -1, Consumption: true},
		})
		p.Tracepoints = append(p.Tracepoints, Tracepoint{t, program})
	}
}

// decisions collects the functions that decide.
type decisions struct {
	plan  *Plan
	facts *kernel.Facts
	types expr.Types
	list  []*decider
	byKey map[uint64]*decider
	// functions are those that can be probed, by name.
	functions map[string][]kernel.Function
	// hasSilentDrops is set if a decision has explain.Decision.Dies.
	hasSilentDrops bool
	// within has for each function without a packet the names of the functions inside which it must be called.
	within map[*decider][]string
}

// add compiles a decision for the first of its functions that can be probed, or for all with Every. slot is the index of
// its values in the map decision_slots.
func (d *decisions) add(of *explain.Decision, slot uint16) {
	if of.Special != "" || of.AtDrop && namesSocket(d.facts) {
		return
	}
	for _, name := range of.Functions {
		found := d.find(name)
		if len(found) == 0 {
			continue
		}
		added := false
		for _, f := range found {
			added = d.addTo(f, of, slot) == nil || added
		}
		if added && !of.Every {
			return
		}
	}
}

// namesSocket reports whether the drop tracepoint has the socket that was to receive the packet.
func namesSocket(facts *kernel.Facts) bool {
	return slices.ContainsFunc(facts.Tracepoints, func(t kernel.Tracepoint) bool {
		return isDrop(t) && t.SocketArg >= 0
	})
}

// find returns the functions with a name that can be probed.
func (d *decisions) find(name string) []kernel.Function {
	if d.functions == nil {
		d.functions = map[string][]kernel.Function{}
		for _, list := range [][]kernel.Function{d.facts.Functions, d.facts.NoSkbFuncs} {
			for _, f := range list {
				d.functions[f.Name] = append(d.functions[f.Name], f)
			}
		}
	}
	return d.functions[name]
}

// addTo adds a decision to a function. It returns an error if this kernel lacks what the decision needs, or if the function
// has too many decisions.
func (d *decisions) addTo(f kernel.Function, of *explain.Decision, slot uint16) error {
	proto, err := prototype(d.types, f.Name)
	if err != nil {
		return err
	}
	compiled, err := d.compile(f, proto, of)
	if err != nil {
		return err
	}
	compiled.params.Slot = slot
	to := d.decider(f, compiled.skb != nil)
	if len(proto.Params) > surelyInRegisters {
		to.record.Stack = 1
	}
	if !to.add(compiled, of.At) {
		return fmt.Errorf("%s has too many decisions", f.Name)
	}
	d.require(to, of.Within)
	d.place(compiled, of, f.Name)
	if of.Innermost {
		to.record.Timed = 1
	}
	to.setNumber(compiled, of.At)
	return nil
}

// compile compiles a decision for a function. It returns an error if this kernel lacks the types for the packet, the condition,
// the counters or the layout.
func (d *decisions) compile(f kernel.Function, proto *btf.FuncProto, of *explain.Decision) (*decision, error) {
	roots := decisionRoots(proto, d.facts.Symbols)
	c := lookupCompiler{types: d.types, roots: roots}
	placed, at, err := c.place(of.Reads)
	if err != nil {
		return nil, err
	}
	compiled := &decision{placed: placed, read: expr.Values(c.programs), params: bpf.DecisionParams{Size: uint32(at.Size), Flags: flagsOf(of)}}
	if compiled.keep, err = d.condition(roots, of.Keep); err != nil {
		return nil, err
	}
	if isArgument := of.Skb == "skb" && f.SkbArg > 0; of.Skb != "" && !isArgument {
		program, err := expr.Value(d.types, roots, of.Skb)
		if err != nil {
			return nil, err
		}
		compiled.skb = program.Body
	}
	if of.Counters != nil {
		err = d.count(compiled, &compiled.params, roots, of.Counters, placed)
	}
	return compiled, err
}

// require notes inside which functions a function must be called whose packet is that of the outer call.
func (d *decisions) require(f *decider, within []string) {
	if len(within) == 0 {
		return
	}
	if d.within == nil {
		d.within = map[*decider][]string{}
	}
	d.within[f] = append(d.within[f], within...)
}

// place gives a decision the next number, and adds its values to the layout of the records.
func (d *decisions) place(compiled *decision, of *explain.Decision, function string) {
	p := d.plan
	p.Why.Decisions = append(p.Why.Decisions, explain.Placement{Name: of.Name, Function: function, Placed: compiled.placed})
	p.BPF.Decisions.Params = append(p.BPF.Decisions.Params, compiled.params)
	if compiled.params.Snapshot != 0 {
		p.BPF.Decisions.Snapshots++
	}
	compiled.number = uint16(len(p.Why.Decisions))
	d.hasSilentDrops = d.hasSilentDrops || of.Dies
}

func flagsOf(of *explain.Decision) (flags uint16) {
	if !of.Innermost {
		flags |= bpf.OutermostDecision
	}
	if of.Dies {
		flags |= bpf.SilentDropDecision
	}
	if of.Counters != nil && of.Counters.Rewrites {
		flags |= bpf.RewritingDecision
	}
	return flags
}

// condition compiles a condition. An empty one always holds.
func (d *decisions) condition(roots expr.Roots, text string) (asm.Instructions, error) {
	if text == "" {
		return asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()}, nil
	}
	program, err := expr.Condition(d.types, roots, text)
	if err != nil {
		return nil, err
	}
	return program.Body, nil
}

// decisionRoots returns the roots of the expressions on a call, in the order of the members args and cpu of struct
// decision_call in bpf/explain/decision.h, and the kernel variables.
func decisionRoots(proto *btf.FuncProto, symbols *kernel.Symbols) expr.Roots {
	return expr.Listed(append(append(argumentList(proto), cpuRoot), variableRoots(symbols)...)...)
}

// maxOuter is the number of bits for outer functions.
const maxOuter = 64

// markOuter gives each function inside which others must be called a bit, and adds these functions to the list.
func (d *decisions) markOuter() {
	bits := map[string]uint64{}
	for _, inner := range slices.Clone(d.list) {
		for _, name := range d.within[inner] {
			if bits[name] == 0 && len(bits) < maxOuter {
				bits[name] = 1 << len(bits)
			}
			inner.record.Within |= bits[name]
		}
	}
	for name, bit := range bits {
		for _, f := range d.find(name) {
			if f.SkbArg > 0 {
				d.decider(f, false).record.Outer |= bit
			}
		}
	}
}

// WhyFunctions returns patterns for the names of the functions of decisions, since some of them take no skb and must be
// asked for.
func WhyFunctions(families []string) []*regexp.Regexp {
	table := whyTable(families)
	if table == nil {
		return nil
	}
	var names []string
	for _, d := range table.Decisions {
		names = append(append(names, d.Functions...), d.Within...)
	}
	return []*regexp.Regexp{kernel.MustWholeName(strings.Join(names, "|"))}
}

// whyTable returns the table of the families. It is nil if there are none, or if one is unknown, which New reports as an
// error.
func whyTable(families []string) *explain.Table {
	if len(families) == 0 {
		return nil
	}
	table, err := explain.LoadFamilies(families)
	if err != nil {
		return nil
	}
	return table
}
