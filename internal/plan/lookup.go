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
	"tracer/internal/expr"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
	"tracer/internal/printable"
)

const lookupsFlag = "--output-lookups"

// AllLookups selects every kind of look-up of which at least one function can be traced.
const AllLookups = "all"

// LookupWords returns the words that select kinds of look-ups.
func LookupWords() []string { return append([]string{AllLookups}, lookup.Kinds()...) }

// CheckLookup returns an error if the word is not one of [LookupWords].
func CheckLookup(word string) error {
	if slices.Contains(LookupWords(), word) {
		return nil
	}
	return fmt.Errorf("not one of %s", strings.Join(LookupWords(), ", "))
}

// lookupKinds returns the kinds that the words select.
func lookupKinds(words []string) []string {
	if slices.Contains(words, AllLookups) {
		return lookup.Kinds()
	}
	return words
}

// LookupFunctions returns expressions for the names of the functions that do the selected look-ups.
func LookupFunctions(words []string) []*regexp.Regexp {
	var list []*regexp.Regexp
	for _, kind := range lookupKinds(words) {
		for _, l := range lookup.Of(kind) {
			list = append(list, kernel.MustWholeName(strings.Join(l.Functions, "|")))
		}
	}
	return list
}

// LookupModules returns patterns for the modules that may contain some of these functions.
func LookupModules(words []string) []string {
	var list []string
	for _, kind := range lookupKinds(words) {
		list = append(list, lookup.Modules(kind)...)
	}
	return list
}

// Lookup is a function that looks something up, and the layout of the values read at its return.
type Lookup struct {
	Function kernel.Function
	Layout   lookup.Layout

	body asm.Instructions
	size int
}

// addLookups plans to record what functions look up. All of these functions emit return events. Those that
// are also traced for another reason emit entry events as well.
func (p *Plan) addLookups(facts *kernel.Facts, wanted *funcFilter) error {
	var left []string
	for _, kind := range lookupKinds(p.Asked.Lookups) {
		had := len(p.Lookups)
		missing := p.addLookupsOf(kind, facts, wanted)
		left = append(left, missing...)
		if len(p.Lookups) == had && slices.Contains(p.Asked.Lookups, kind) {
			return noLookups(kind, missing)
		}
	}
	if len(p.Asked.Lookups) > 0 && len(p.Lookups) == 0 {
		return noLookups(AllLookups, left)
	}
	if len(left) > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s: these functions can't be traced: %s", lookupsFlag, strings.Join(left, ", ")))
	}
	p.buildLookups()
	return nil
}

func noLookups(kind string, missing []string) error {
	return usageError{
		fmt.Errorf("%s %s: none of its functions can be traced", lookupsFlag, printable.Quote(kind)),
		strings.Join(missing, "; "),
	}
}

// addLookupsOf adds the look-up functions of a kind, and returns which are missing and why.
func (p *Plan) addLookupsOf(kind string, facts *kernel.Facts, wanted *funcFilter) (missing []string) {
	for _, l := range lookup.Of(kind) {
		functions := functionsOf(l, facts)
		for _, name := range l.Functions {
			if !slices.ContainsFunc(functions, func(f kernel.Function) bool { return f.Name == name }) {
				missing = append(missing, fmt.Sprintf("%s (%s)", name, absence(name, kind, facts)))
			}
		}
		for _, f := range functions {
			if wanted.isExcluded(f.Name) {
				missing = append(missing, f.Name+" (--filter-func-exclude)")
				continue
			}
			if err := p.addLookup(l, f, facts); err != nil {
				missing = append(missing, fmt.Sprintf("%s (%v)", f.Name, err))
			}
		}
	}
	return missing
}

// functionsOf returns the functions of a look-up that can be traced.
func functionsOf(l *lookup.Lookup, facts *kernel.Facts) []kernel.Function {
	var found []kernel.Function
	for _, f := range slices.Concat(facts.NoSkbFuncs, facts.Functions) {
		if slices.Contains(l.Functions, f.Name) || l.Enqueue && f.Result.Form == kernel.EnqueueForm {
			found = append(found, f)
		}
	}
	return found
}

// absence returns the reason why no function with the name can be traced.
func absence(name, kind string, facts *kernel.Facts) string {
	if i := slices.IndexFunc(facts.Skipped, func(s kernel.Skipped) bool { return s.Name == name }); i >= 0 {
		return facts.Skipped[i].Reason
	}
	if modules := lookup.Modules(kind); len(modules) > 0 && !strings.HasSuffix(modules[0], "*") {
		return fmt.Sprintf("module %s is not loaded, or has no BTF (modules have BTF since Linux 5.11)", modules[0])
	}
	return "the kernel's BTF has no such function"
}

// addLookup compiles the expressions that are evaluated when a function returns.
func (p *Plan) addLookup(l *lookup.Lookup, f kernel.Function, facts *kernel.Facts) error {
	types := p.Asked.Types
	if types == nil {
		types = facts.BTF
	}
	proto, err := prototype(types, f.Name)
	if err != nil {
		return err
	}
	c := lookupCompiler{types: types, roots: argumentsOf(proto)}
	found := Lookup{Function: f, Layout: lookup.Layout{Of: l}}
	if err := c.compile(&found.Layout); err != nil {
		return err
	}
	at, err := expr.LayOut(c.programs)
	if err != nil {
		return err
	}
	found.body, found.size = expr.Values(c.programs), at.Size
	setOffsets(&found.Layout, at)
	p.Lookups = append(p.Lookups, found)
	return nil
}

// prototype returns the prototype of the function with the name. It is an error if BTF has several.
func prototype(types expr.Types, name string) (*btf.FuncProto, error) {
	all, _ := types.AnyTypesByName(name)
	var proto *btf.FuncProto
	for _, t := range all {
		f, ok := t.(*btf.Func)
		if !ok || f.Name != name {
			continue
		}
		if proto != nil {
			return nil, fmt.Errorf("BTF describes several functions with this name")
		}
		proto, _ = f.Type.(*btf.FuncProto)
	}
	if proto == nil {
		return nil, fmt.Errorf("BTF has no prototype of it")
	}
	return proto, nil
}

// argumentsOf returns the roots of expressions on a call, in the order of struct arguments in
// bpf/explain/lookup.h: the arguments, named by the alias of the type that they point to or else by their own
// names, and the result after the last possible argument.
func argumentsOf(proto *btf.FuncProto) expr.Roots { return expr.Listed(argumentList(proto)...) }

func argumentList(proto *btf.FuncProto) []expr.Root {
	list := make([]expr.Root, bpf.MaxArguments+1)
	for i := range list {
		list[i] = expr.Root{Name: fmt.Sprint("argument ", i+1), Type: &btf.Int{Size: 8}}
	}
	for i, param := range proto.Params[:min(len(proto.Params), bpf.MaxArguments)] {
		list[i] = expr.Root{Name: param.Name, Type: param.Type}
		if alias := aliasOf(param.Type); alias != "" && !slices.ContainsFunc(list, func(r expr.Root) bool { return r.Name == alias }) {
			list[i].Name = alias
		}
	}
	list[bpf.MaxArguments] = expr.Root{Name: expr.Result, Type: proto.Return}
	return list
}

func aliasOf(t btf.Type) string {
	pointer, ok := btf.As[*btf.Pointer](t)
	if !ok {
		return ""
	}
	return lookup.Aliases[btf.UnderlyingType(pointer.Target).TypeName()]
}

// lookupCompiler collects the expressions that are evaluated for the calls of one function.
type lookupCompiler struct {
	types    expr.Types
	roots    expr.Roots
	programs []*expr.Program
}

// compile compiles all expressions. A value that this kernel does not have is left out.
func (c *lookupCompiler) compile(l *lookup.Layout) (err error) {
	if l.Of.Missing != "" {
		if l.Missing.Values, err = c.add(l.Of.Missing); err != nil {
			return err
		}
	}
	l.Asked = c.fields(l.Of.Asked)
	l.Found = c.fields(l.Of.Found)
	return nil
}

func (c *lookupCompiler) fields(fields []lookup.Field) []lookup.FieldSlots {
	slots := make([]lookup.FieldSlots, len(fields))
	for i, f := range fields {
		if f.Where != "" {
			slots[i].Where, _ = c.add(f.Where)
		}
		for _, variant := range f.Variants {
			values, err := c.add(variant...)
			if err == nil {
				slots[i].Values = values
				break
			}
		}
	}
	return slots
}

// add compiles expressions, all or none, and numbers them. The caller may have others for the same value.
func (c *lookupCompiler) add(texts ...string) ([]lookup.Slot, error) {
	var slots []lookup.Slot
	programs := c.programs
	for _, text := range texts {
		program, err := expr.Variant(c.types, c.roots, text)
		if err != nil {
			return nil, err
		}
		slots = append(slots, lookup.Slot{Number: len(programs), Size: program.Size})
		programs = append(programs, program)
	}
	c.programs = programs
	return slots, nil
}

// setOffsets sets the offset of each value in the record.
func setOffsets(l *lookup.Layout, at expr.Layout) {
	setSlotOffsets(slices.Concat([]lookup.FieldSlots{l.Missing}, l.Asked, l.Found), at)
}

func setSlotOffsets(list []lookup.FieldSlots, at expr.Layout) {
	for _, p := range list {
		for _, slots := range [][]lookup.Slot{p.Where, p.Values} {
			for i := range slots {
				slots[i].At = at.Offsets[slots[i].Number]
			}
		}
	}
}

// buildLookups generates a function body that reads the values of a look-up, given the address of the
// function that returned: u32 f(u64 arguments, u8 *to, u64 function).
func (p *Plan) buildLookups() {
	var choice, bodies asm.Instructions
	for _, l := range p.Lookups {
		label := fmt.Sprintf("at_%x", l.Function.Addr)
		choice = append(choice,
			asm.LoadImm(asm.R4, int64(l.Function.Addr), asm.DWord),
			asm.JEq.Reg(asm.R3, asm.R4, label))
		body := slices.Clone(l.body)
		body[0] = body[0].WithSymbol(label)
		bodies = append(bodies, body...)
		p.BPF.Config.LookupSize = max(p.BPF.Config.LookupSize, uint32(l.size))
	}
	if len(p.Lookups) > 0 {
		choice = append(choice, asm.Mov.Imm(asm.R0, 0), asm.Return())
		p.BPF.Bodies.Lookup = append(choice, bodies...)
	}
}

// looksUp reports whether the function is one of the planned look-ups.
func (p *Plan) looksUp(f kernel.Function) bool {
	return slices.ContainsFunc(p.Lookups, func(l Lookup) bool { return l.Function.Addr == f.Addr })
}

// lookupFunctions returns the functions of the planned look-ups.
func (p *Plan) lookupFunctions() []kernel.Function {
	var list []kernel.Function
	for _, l := range p.Lookups {
		list = append(list, l.Function)
	}
	return list
}

// probeLookups plans probes of the look-up functions that are not traced for another reason.
func (p *Plan) probeLookups() {
	for _, l := range p.Lookups {
		probed := func(f kernel.Function) bool { return f.Addr == l.Function.Addr }
		if !slices.ContainsFunc(p.Functions, probed) {
			p.addQuietly(l.Function)
		}
	}
}
