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
)

// decider is a function that decides about packets, with its decisions.
type decider struct {
	kernel.Function
	record bpf.DecisionFunction
	// atEntry and atReturn are its decisions. indirect is one of them: the one that reads the packet from an argument.
	atEntry, atReturn []*decision
	indirect          *decision
	// countsRules means that it evaluates rules of iptables-legacy or ebtables, and that the one that drops a packet
	// is looked for.
	countsRules bool
}

// decision has the compiled expressions of a decision of the table in one function.
type decision struct {
	number uint16 // in records, from 1
	keep   asm.Instructions
	read   asm.Instructions
	skb    asm.Instructions
	// counters writes the address of the counters, nil if there are none.
	counters asm.Instructions
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
	p.chooseDecisionReturns(facts)
	if d.hasSilentDrops {
		p.addConsumption(facts)
	}
	d.plan.BPF.Config.Decisions = uint32(len(table))
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
	return checkNumber(len(p.Why.Decisions))
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

// addTo compiles a decision for a function. It returns an error if this kernel lacks the types for the packet, the condition
// or the layout, or if the function has too many decisions.
func (d *decisions) addTo(f kernel.Function, of *explain.Decision, slot uint16) error {
	proto, err := prototype(d.types, f.Name)
	if err != nil {
		return err
	}
	roots := decisionRoots(proto, d.facts.Symbols)
	c := lookupCompiler{types: d.types, roots: roots}
	placed, at, err := c.place(of.Reads)
	if err != nil {
		return err
	}
	compiled := &decision{read: expr.Values(c.programs)}
	if compiled.keep, err = d.condition(roots, of.Keep); err != nil {
		return err
	}
	direct := of.Skb == "skb" && f.SkbArg > 0
	if of.Skb != "" && !direct {
		program, err := expr.Value(d.types, roots, of.Skb)
		if err != nil {
			return err
		}
		compiled.skb = program.Body
	}
	params := bpf.DecisionParams{Size: uint32(at.Size), Slot: slot, Flags: flagsOf(of)}
	if of.Counters != nil {
		if err := d.count(compiled, &params, roots, of.Counters, placed); err != nil {
			return err
		}
	}
	to := d.decider(f, compiled.skb != nil)
	if len(proto.Params) > surelyInRegisters {
		to.record.Stack = 1
	}
	if !to.add(compiled, of.At) {
		return fmt.Errorf("%s has too many decisions", f.Name)
	}
	if len(of.Within) > 0 {
		if d.within == nil {
			d.within = map[*decider][]string{}
		}
		d.within[to] = append(d.within[to], of.Within...)
	}
	p := d.plan
	p.Why.Decisions = append(p.Why.Decisions, explain.Placement{Name: of.Name, Function: f.Name, Placed: placed})
	p.BPF.Decisions.Params = append(p.BPF.Decisions.Params, params)
	if params.Snapshot != 0 {
		p.BPF.Decisions.Snapshots++
	}
	if of.Innermost {
		to.record.Timed = 1
	}
	compiled.number = uint16(len(p.Why.Decisions))
	d.hasSilentDrops = d.hasSilentDrops || of.Dies
	to.setNumber(compiled, of.At)
	return nil
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

// decider returns the decider of a function, and adds one if there is none yet.
func (d *decisions) decider(f kernel.Function, readsPacket bool) *decider {
	key := f.Addr
	if readsPacket {
		key += bpf.IndirectKey
	}
	if found := d.byKey[key]; found != nil {
		return found
	}
	added := &decider{Function: f}
	added.record.Packet = uint8(f.SkbArg)
	d.byKey[key] = added
	d.list = append(d.list, added)
	return added
}

// keyOf returns the key of a decider in the map decision_functions.
func keyOf(f *decider) uint64 {
	if f.indirect != nil {
		return f.Addr + bpf.IndirectKey
	}
	return f.Addr
}

// add adds a decision. It returns false if there are too many.
func (f *decider) add(added *decision, at explain.Moment) bool {
	list := &f.atReturn
	if at == explain.AtEntry {
		list = &f.atEntry
	}
	if len(*list) == bpf.MaxFunctionDecisions || added.skb != nil && f.indirect != nil {
		return false
	}
	if *list = append(*list, added); added.skb != nil {
		f.indirect = added
	}
	return true
}

// setNumber sets the number of the decision that was added last.
func (f *decider) setNumber(of *decision, at explain.Moment) {
	if at == explain.AtEntry {
		f.record.AtEntry[len(f.atEntry)-1] = of.number
	} else {
		f.record.AtReturn[len(f.atReturn)-1] = of.number
	}
}

// probesReturn reports whether the return of the function is probed.
func (f *decider) probesReturn() bool { return len(f.atReturn) > 0 || f.record.Outer != 0 }

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

// addPrograms plans the programs: one for functions that take the packet, one for those that read it from an argument, one
// for functions without it, and one for the returns.
func (d *decisions) addPrograms() {
	p := d.plan
	p.BPF.Decisions.Functions = map[uint64]bpf.DecisionFunction{}
	var returning []*decider
	for _, name := range d.programNames() {
		list := d.of(name)
		for _, f := range list {
			p.BPF.Decisions.Functions[keyOf(f)] = f.record
			p.group(f.Function, d.program(name, list))
			if f.probesReturn() {
				returning = append(returning, f)
			}
		}
	}
	if p.Returns == "" || p.Returns.Describe().WithEntries {
		return
	}
	countsRules := func(f *decider) bool { return f.countsRules }
	d.addReturns(bpf.XtReturnTemplate, slices.DeleteFunc(slices.Clone(returning), func(f *decider) bool { return !countsRules(f) }))
	d.addReturns(bpf.DecisionReturnTemplate, slices.DeleteFunc(returning, countsRules))
}

// addReturns plans the program for the returns of these functions.
func (d *decisions) addReturns(template string, list []*decider) {
	if len(list) == 0 {
		return
	}
	p := d.plan
	program := bpf.Program{Name: template, Template: template, AttachType: p.Returns.Describe().AttachType}
	program.Decisions = bodiesOf(list, false, true)
	p.BPF.Programs = append(p.BPF.Programs, program)
	p.ReturnGroups = append(p.ReturnGroups, Group{Program: program.Name, Functions: functionsIn(list)})
}

func functionsIn(list []*decider) (functions []kernel.Function) {
	for _, f := range list {
		functions = append(functions, f.Function)
	}
	return functions
}

// programName returns the name of the program for a function.
func (f *decider) programName() string {
	switch {
	case f.record.Within != 0:
		return bpf.InnerDecisionTemplate
	case f.indirect != nil:
		return bpf.IndirectDecisionTemplate
	case f.countsRules:
		return fmt.Sprintf("%s_%d", bpf.XtTemplate, f.SkbArg)
	}
	return bpf.DecisionTemplate
}

// programNames returns the names of all programs, in the order of the list.
func (d *decisions) programNames() (names []string) {
	for _, f := range d.list {
		if name := f.programName(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// of returns the functions to which a program is attached.
func (d *decisions) of(program string) (list []*decider) {
	for _, f := range d.list {
		if f.programName() == program {
			list = append(list, f)
		}
	}
	return list
}

// program returns the program for functions. In a kprobe session it also runs at returns.
func (d *decisions) program(name string, list []*decider) bpf.Program {
	program := bpf.Program{Name: name, Template: name}
	if list[0].countsRules {
		program.Template, program.Argument = bpf.XtTemplate, list[0].SkbArg
	}
	program.Decisions = bodiesOf(list, true, d.plan.Returns.Describe().WithEntries)
	return program
}

// bodiesOf returns function bodies that branch to the expressions of a decision of the functions by its number.
func bodiesOf(list []*decider, atEntry, atReturn bool) bpf.DecisionBodies {
	var all, indirect, counting []*decision
	for _, f := range list {
		if atEntry {
			all = append(all, f.atEntry...)
		}
		if atReturn {
			all = append(all, f.atReturn...)
		}
		if atEntry && f.indirect != nil {
			indirect = append(indirect, f.indirect)
		}
	}
	for _, d := range all {
		if d.counters != nil {
			counting = append(counting, d)
		}
	}
	return bpf.DecisionBodies{
		Keep:     chosenBody(all, asm.R2, func(d *decision) asm.Instructions { return d.keep }),
		Read:     chosenBody(all, asm.R3, func(d *decision) asm.Instructions { return d.read }),
		Skb:      chosenBody(indirect, asm.R3, func(d *decision) asm.Instructions { return d.skb }),
		Counters: chosenBody(counting, asm.R3, func(d *decision) asm.Instructions { return d.counters }),
	}
}

// chosenBody returns a function body that branches to the body of the decision whose number is in the register; nil if there
// are no decisions.
func chosenBody(list []*decision, number asm.Register, body func(*decision) asm.Instructions) asm.Instructions {
	if len(list) == 0 {
		return nil
	}
	choice := asm.Instructions{asm.Mov.Imm(asm.R0, 0)} // the first instruction of a body must not be a jump
	var bodies asm.Instructions
	for _, d := range list {
		label := fmt.Sprintf("decision_%d", d.number)
		choice = append(choice, asm.JEq.Imm(number, int32(d.number), label))
		own := slices.Clone(body(d))
		own[0] = own[0].WithSymbol(label)
		bodies = append(bodies, own...)
	}
	return append(append(choice, asm.Return()), bodies...)
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
