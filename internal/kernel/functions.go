// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// candidate is a function in BTF that takes an skb, or that was requested although it takes none.
type candidate struct {
	name, module string
	position
	result    Result
	other     bool // takes no skb
	described int  // number of FUNC entries with this name
	disputed  bool // their positions differ
	glue      bool // generated code of a tracepoint
	spans     []span
	copies    []string // names of variants that the compiler made, with other arguments
}

// catalogue has the candidates of vmlinux or of one module.
type catalogue struct {
	module string
	byName map[string]*candidate
}

// newCatalogue finds the functions that take an skb, and other functions whose names match one of the
// expressions.
func newCatalogue(t *types, a abi, module string, others []*regexp.Regexp) *catalogue {
	r := newParamKinds(t)
	results := newResults(t)
	found := map[uint32]*candidate{} // by offset of the name, since BTF has each string once
	c := &catalogue{module, map[string]*candidate{}}
	t.functions(func(name uint32, proto record) {
		if found[name] == nil && r.takesSkb(proto) {
			found[name] = c.add(string(t.name(name)))
		}
	})
	c.addNoSkbFuncs(t, others, found)
	t.functions(func(name uint32, proto record) {
		if f := found[name]; f != nil {
			f.describe(r.position(a, proto), results.of(proto))
		}
	})
	c.addUnreached(others)
	c.markGlue(t)
	return c
}

// addUnreached makes functions whose skb is not in a register count as functions without an skb, if they were
// requested.
func (c *catalogue) addUnreached(others []*regexp.Regexp) {
	for _, f := range c.byName {
		if f.skb == 0 && !f.disputed && !f.other && matchesAny(others, []byte(f.name)) {
			f.other, f.position = true, position{}
		}
	}
}

func (c *catalogue) addNoSkbFuncs(t *types, others []*regexp.Regexp, found map[uint32]*candidate) {
	if len(others) == 0 {
		return
	}
	t.functions(func(name uint32, _ record) {
		if found[name] == nil && matchesAny(others, t.name(name)) {
			found[name] = c.add(string(t.name(name)))
			found[name].other = true
		}
	})
}

func matchesAny(list []*regexp.Regexp, name []byte) bool {
	return slices.ContainsFunc(list, func(re *regexp.Regexp) bool { return re.Match(name) })
}

func (c *catalogue) add(name string) *candidate {
	f := &candidate{name: name, module: c.module}
	c.byName[name] = f
	return f
}

func (f *candidate) describe(p position, result Result) {
	if f.other {
		p = position{}
	}
	if f.described > 0 {
		f.disputed = f.disputed || !p.takesAlike(f.position)
		p.merge(f.position)
	}
	if f.described > 0 && (result.Class != f.result.Class || result.Size != f.result.Size) {
		result = Result{}
	}
	f.described++
	f.position, f.result = p, result
}

// functions calls f for each FUNC of t, but not of its base.
func (t *types) functions(f func(name uint32, proto record)) {
	t.each(kindFunc, func(r record) { f(r.name, t.proto(r)) })
}

// glue are prefixes of the functions that the kernel's macros generate for each tracepoint
// (include/linux/tracepoint.h, include/trace/*.h). They run because a tracer is attached, not because of the
// packet.
var glue = []string{"__traceiter_", "__probestub_", "trace_event_raw_event_", "perf_trace_", "__bpf_trace_"}

func (c *catalogue) markGlue(t *types) {
	t.tracepointProtos(func(name []byte, _ record) {
		for _, prefix := range glue {
			if f := c.byName[prefix+string(name)]; f != nil {
				f.glue = true
			}
		}
	})
}

// locate gives each candidate the address ranges of the symbols with its name.
func (s *Symbols) locate(images []image) {
	byModule := make([]*catalogue, len(s.modules))
	for _, img := range images {
		if i := slices.Index(s.modules, img.module); i >= 0 {
			byModule[i] = img.catalogue
		}
	}
	for i, sym := range s.list {
		if c := byModule[sym.module]; c != nil && sym.length > 0 {
			c.place(s.name(sym), func() span { return span{sym.addr, s.after(i)} })
		}
	}
}

// place records one symbol. A copy such as NAME.isra.0 or NAME.constprop.1 has other arguments than NAME, and
// the kernel does not say which. NAME.cold is not a function. LLVM's thin LTO renames local functions to
// NAME.llvm.N without changing their arguments.
func (c *catalogue) place(name []byte, where func() span) {
	base, suffix, copied := bytes.Cut(name, []byte{'.'})
	f := c.byName[string(base)]
	switch {
	case f == nil:
	case !copied || bytes.HasPrefix(suffix, []byte("llvm.")):
		f.at(where())
	case !bytes.HasSuffix(suffix, []byte("cold")):
		f.copies = append(f.copies, string(name))
	}
}

func (f *candidate) at(s span) {
	if !slices.Contains(f.spans, s) {
		f.spans = append(f.spans, s)
	}
}

// selector decides which candidates can be traced.
type selector struct {
	// consistent is set if BTF leaves out names whose prototypes differ.
	consistent bool
	symbols    *Symbols
	list       traceable // nil if it could not be read
	blacklist  blacklist
}

// decide returns the functions of a candidate that can be traced, and the reasons why others can't.
func (j *selector) decide(f *candidate) ([]Function, []Skipped) {
	var skipped []Skipped
	skip := func(name, why string) {
		skipped = append(skipped, Skipped{name, f.module, why})
	}
	for _, name := range f.copies {
		skip(name, "the compiler changed the arguments of this copy")
	}
	spans, why := j.pass(f)
	if why != "" {
		skip(f.name, why)
	}
	return f.functions(spans), skipped
}

// pass applies the rules in order. The rule about several functions with one name is the last: most of these
// are copies of an inline function, which are notrace and thus excluded by an earlier rule.
func (j *selector) pass(f *candidate) ([]span, string) {
	if why := f.unfit(); why != "" {
		return nil, why
	}
	spans, why := j.probeable(f)
	if len(spans) == 0 {
		return nil, why
	}
	if why := f.ambiguous(j.consistent); why != "" {
		return nil, why
	}
	return spans, why
}

// unfit returns why a candidate is left out regardless of what the kernel can trace; empty if it is not.
func (f *candidate) unfit() string {
	switch {
	case f.glue:
		return "it is generated code of a tracepoint"
	case f.skb == 0 && !f.disputed && !f.other:
		return "its skb is not passed in a register"
	case len(f.spans) == 0 && len(f.copies) > 0:
		return "the compiler left only copies with other arguments"
	case len(f.spans) == 0:
		return "the kernel has no symbol with this name"
	}
	return ""
}

// ambiguous returns why the functions with this name can't be told apart; empty if they can, or need not be.
// Different FUNC entries are different functions (equal ones are merged), so as many entries as functions cover
// all of them.
func (f *candidate) ambiguous(consistent bool) string {
	switch {
	case f.other: // none of its arguments is read
	case f.disputed:
		return fmt.Sprintf("%d functions have this name and take the skb as different arguments", f.described)
	case !consistent && len(f.spans) > f.described:
		return fmt.Sprintf("%d functions have this name and BTF describes %d", len(f.spans), f.described)
	}
	return ""
}

// probeable returns the functions that the kernel lets us trace, or the reason why there are none.
func (j *selector) probeable(f *candidate) ([]span, string) {
	if j.list != nil {
		return j.list.traceable(f.name, f.module, f.spans)
	}
	var out []span
	var why string
	for _, s := range f.spans {
		if w := j.refusal(s.start); w != "" {
			why = w
			continue
		}
		out = append(out, s)
	}
	return out, why
}

func (j *selector) refusal(addr uint64) string {
	if j.blacklist.contains(addr) {
		return "it is on the kprobe blacklist"
	}
	return j.symbols.refused(addr)
}

func (f *candidate) functions(spans []span) []Function {
	out := make([]Function, 0, len(spans))
	for _, s := range spans {
		out = append(out, Function{f.name, f.module, s.start, f.skb, f.reason, f.state, f.socket, f.net, f.result})
	}
	return out
}

// sortFunctions sorts by address and keeps one name per address: aliases are one function.
func sortFunctions(list []Function) []Function {
	slices.SortFunc(list, func(a, b Function) int {
		return cmp.Or(cmp.Compare(a.Addr, b.Addr), strings.Compare(a.Name, b.Name))
	})
	return slices.CompactFunc(list, func(a, b Function) bool { return a.Addr == b.Addr })
}

func sortSkipped(list []Skipped) {
	slices.SortFunc(list, func(a, b Skipped) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Module, b.Module))
	})
}
