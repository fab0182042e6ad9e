// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

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
