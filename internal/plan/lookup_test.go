// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
)

// prototypes are BTF types that are only functions, by name. A name may have several prototypes.
type prototypes map[string][]*btf.FuncProto

func (p prototypes) AnyTypesByName(name string) ([]btf.Type, error) {
	var found []btf.Type
	for _, proto := range p[name] {
		found = append(found, &btf.Func{Name: name, Type: proto})
	}
	if found == nil {
		return nil, btf.ErrNotFound
	}
	return found, nil
}

func (prototypes) All() iter.Seq2[btf.Type, error] { return func(func(btf.Type, error) bool) {} }

func integer(name string) *btf.Int {
	return &btf.Int{Name: name, Size: 4, Encoding: btf.Signed}
}

func pointerTo(name string) btf.Type { return &btf.Pointer{Target: &btf.Struct{Name: name}} }

// lookupProtos are prototypes of functions that look something up. One takes an skb, and one has two prototypes.
var lookupProtos = prototypes{
	"fib_table_lookup": {{
		Return: integer("int"),
		Params: []btf.FuncParam{{Name: "whatever", Type: pointerTo("fib_table")}, {Name: "fl", Type: pointerTo("flowi4")}},
	}},
	"neigh_resolve_output": {{
		Return: integer("int"),
		Params: []btf.FuncParam{{Name: "n", Type: pointerTo("neighbour")}, {Name: "skb", Type: pointerTo("sk_buff")}},
	}},
	"fib6_table_lookup": {{Return: integer("int")}, {Return: integer("int"), Params: []btf.FuncParam{{Name: "a", Type: integer("int")}}}},
}

func withLookups() *kernel.Facts {
	f := facts()
	f.NoSkbFuncs = []kernel.Function{{Name: "fib_table_lookup", Addr: 0x400}, {Name: "fib6_table_lookup", Addr: 0x500}}
	f.Functions = append(f.Functions, kernel.Function{Name: "neigh_resolve_output", Addr: 0x600, SkbArg: 2})
	f.Skipped = []kernel.Skipped{{Name: "neigh_lookup", Reason: "no symbol has this name"}}
	return f
}

// programOf returns the program that is attached to a function of the plan.
func programOf(p *Plan, function string) bpf.Program {
	for _, g := range p.Groups {
		if slices.ContainsFunc(g.Functions, func(f kernel.Function) bool { return f.Name == function }) {
			i := slices.IndexFunc(p.BPF.Programs, func(b bpf.Program) bool { return b.Name == g.Program })
			return p.BPF.Programs[i]
		}
	}
	return bpf.Program{}
}

func TestLookupsEmitReturnEvents(t *testing.T) {
	p := mustPlan(t, Options{Func: "icmp_rcv", Lookups: []string{"route", "neigh"}, Types: lookupProtos}, withLookups())
	if diff := cmp.Diff([]string{"icmp_rcv", "fib_table_lookup", "neigh_resolve_output"}, functionNames(p)); diff != "" {
		t.Error(diff)
	}
	for function, template := range map[string]int{"fib_table_lookup": 0, "neigh_resolve_output": 2} {
		if b := programOf(p, function); !b.Lookup || !b.Quiet || b.Template != bpf.OnFunctions(template).Template || b.Argument != template {
			t.Errorf("%s: %+v", function, b)
		}
	}
	if b := programOf(p, "icmp_rcv"); b.Lookup || b.Quiet {
		t.Errorf("icmp_rcv: %+v", b)
	}
	if len(p.ReturnGroups) != 1 || len(p.ReturnGroups[0].Functions) != 2 || p.Returns != kernel.KretprobeMulti { // a session would be for all functions
		t.Errorf("returns of %v by %q", p.ReturnGroups, p.Returns)
	}
	c := p.BPF.Config
	if c.Returns || !c.NoSkbFuncs || c.LookupSize == 0 || c.StackSize == 0 || p.BPF.Bodies.Lookup == nil {
		t.Errorf("settings %+v", c)
	}
}

func TestTracedLookupsEmitEntryEventsToo(t *testing.T) {
	o := Options{Func: "neigh_.*", NoSkbFuncs: noSkbFuncs("fib_.*"), Lookups: []string{AllLookups}, Types: lookupProtos, Record: Record{Return: true}, ReturnsBy: kernel.KretprobeMulti}
	p := mustPlan(t, o, withLookups())
	for _, function := range []string{"fib_table_lookup", "neigh_resolve_output"} {
		if b := programOf(p, function); !b.Lookup || b.Quiet {
			t.Errorf("%s: %+v", function, b)
		}
	}
	if len(p.Functions) != 2 || len(p.ReturnGroups[0].Functions) != 2 || !p.BPF.Config.Returns {
		t.Errorf("functions %v, returns of %v", p.Functions, p.ReturnGroups)
	}
}

func TestWithoutLookupsNothingIsRead(t *testing.T) {
	p := mustPlan(t, Options{NoSkbFuncs: noSkbFuncs("fib_.*")}, withLookups())
	if p.Lookups != nil || p.ReturnGroups != nil || p.BPF.Config.LookupSize != 0 || p.BPF.Bodies.Lookup != nil || p.Notes != nil {
		t.Errorf("%+v", p)
	}
}

func TestUntraceableLookupsAreNoted(t *testing.T) {
	p := mustPlan(t, Options{Lookups: []string{AllLookups}, Types: lookupProtos, FuncExclude: "neigh_connected_output"}, withLookups())
	if len(p.Notes) != 1 {
		t.Fatalf("notes %q", p.Notes)
	}
	for _, want := range []string{
		"--output-lookups: these functions can't be traced: ",
		"fib6_table_lookup (BTF describes several functions with this name)",
		"neigh_lookup (no symbol has this name)",
		"__neigh_create (the kernel's BTF has no such function)",
		"nf_conntrack_in (module nf_conntrack is not loaded, or has no BTF",
	} {
		if !strings.Contains(p.Notes[0], want) {
			t.Errorf("%q is not in %s", want, p.Notes[0])
		}
	}
}

func TestNoTraceableLookupIsAnError(t *testing.T) {
	for kind, hint := range map[string]string{
		"socket":   "__udp4_lib_lookup (the kernel's BTF has no such function)",
		AllLookups: "fib_table_lookup (the kernel's BTF has no such function)",
	} {
		f := withLookups()
		if kind == AllLookups {
			f = facts()
		}
		_, err := New(Options{Lookups: []string{kind}, Types: lookupProtos}, f)
		var usage usageError
		if !errors.As(err, &usage) || err.Error() != `--output-lookups "`+kind+`": none of its functions can be traced` || !strings.Contains(usage.Hint(), hint) {
			t.Errorf("%s: %v, hint %q", kind, err, usage.hint)
		}
	}
	_, err := New(Options{Lookups: []string{"route"}, Backend: kernel.TracepointBackend}, facts())
	if err == nil || !strings.HasPrefix(err.Error(), "look-ups can't be traced with the tracepoint backend") {
		t.Error(err)
	}
}

func TestArgumentsHaveAliases(t *testing.T) {
	proto := lookupProtos["fib_table_lookup"][0]
	two := &btf.FuncProto{Return: proto.Return, Params: append(proto.Params, btf.FuncParam{Name: "other", Type: pointerTo("flowi4")})}
	for name, test := range map[string]struct {
		proto *btf.FuncProto
		text  string
		ok    bool
	}{
		"an alias":                  {proto, "(u64)fl4 == 1", true},
		"an alias of two arguments": {two, "other != fl4", true},
		"the result":                {proto, "ret != 0", true},
		"a name that has an alias":  {proto, "(u64)fl", false},
		"an unknown name":           {proto, "res", false},
	} {
		c := lookupCompiler{types: lookupProtos, roots: argumentsOf(test.proto)}
		if _, err := c.add(strings.ReplaceAll(test.text, "u64", "unsigned long")); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestResultFollowsTheArguments checks that the result is read at its offset in struct arguments of
// bpf/explain/lookup.h.
func TestResultFollowsTheArguments(t *testing.T) {
	if offset := unsafe.Offsetof(bpf.Arguments{}.Result); offset != 8*uintptr(bpf.MaxArguments) {
		t.Fatalf("the result is at offset %d, after %d arguments", offset, bpf.MaxArguments)
	}
	c := lookupCompiler{types: lookupProtos, roots: argumentsOf(lookupProtos["fib_table_lookup"][0])}
	if _, err := c.add("ret"); err != nil {
		t.Fatal(err)
	}
	reads := func(in asm.Instruction) bool {
		return in.OpCode.Class().IsLoad() && in.Src != asm.R10 && int(in.Offset) == 8*bpf.MaxArguments
	}
	if !slices.ContainsFunc(c.programs[0].Body, reads) {
		t.Errorf("nothing reads the result: %v", c.programs[0].Body)
	}
}

// TestLookupsOfThisKernel compiles all look-ups whose functions are in vmlinux.
func TestLookupsOfThisKernel(t *testing.T) {
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skip("this kernel has no BTF")
	}
	for _, kind := range lookup.Kinds() {
		for _, l := range lookup.Of(kind) {
			for _, function := range l.Functions {
				if _, err := prototype(types, function); err != nil {
					continue
				}
				p := &Plan{}
				if err := p.addLookup(l, kernel.Function{Name: function}, &kernel.Facts{BTF: types}); err != nil {
					t.Errorf("%s: %v", function, err)
					continue
				}
				checkSlots(t, function, l.Asked, p.Lookups[0].Layout.Asked)
				checkSlots(t, function, l.Found, p.Lookups[0].Layout.Found)
				checkFrame(t, function, p.Lookups[0].body)
			}
		}
	}
}

// checkFrame checks that a body uses no more of the stack than TestStackFits of package bpf allows for it.
func checkFrame(t *testing.T, function string, body asm.Instructions) {
	t.Helper()
	const most = 32
	for i, in := range body {
		down := 0
		switch class := in.OpCode.Class(); {
		case class.IsStore() && in.Dst == asm.R10, class.IsLoad() && in.Src == asm.R10:
			down = -int(in.Offset)
		case i > 0 && in.OpCode.ALUOp() == asm.Add && body[i-1].Src == asm.R10:
			down = -int(in.Constant)
		}
		if down > most {
			t.Errorf("%s: %v uses %d bytes of the stack, at most %d are allowed", function, in, down, most)
		}
	}
}

func checkSlots(t *testing.T, function string, fields []lookup.Field, slots []lookup.FieldSlots) {
	t.Helper()
	for i, f := range fields {
		if slots[i].Values == nil || (f.Where == "") != (slots[i].Where == nil) {
			t.Errorf("%s: no variant of %s compiles on this kernel", function, f.Key)
		}
	}
}
