// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
	"tracer/internal/printable"
)

// ReturnWayNames returns the names of all ways to trace returns, best first.
func ReturnWayNames() []string {
	var names []string
	for _, way := range kernel.ReturnWays() {
		names = append(names, string(way))
	}
	return names
}

// PassedReturns is a better way to trace returns, and the reason why this kernel does not have it.
type PassedReturns struct {
	Way    kernel.ReturnWay
	Reason error
}

// tracesAllReturns reports whether every function is traced at its return. Kprobe sessions, which probe
// entries and returns with one link, can be used only then.
func (o Options) tracesAllReturns() bool { return o.Record.Return || o.Follow.ByStack }

// chooseReturns selects the forced way to trace returns, or the first one that this kernel has.
func (p *Plan) chooseReturns(facts *kernel.Facts) error {
	if !p.Asked.tracesAllReturns() && len(p.Asked.Lookups) == 0 && !p.Asked.Record.Maps {
		return nil
	}
	if forced := p.Asked.ReturnsBy; forced != "" {
		p.Returns = forced
		return p.checkReturns(forced, facts)
	}
	for _, way := range p.Backend.Describe().Returns {
		if way.Describe().WithEntries && !p.Asked.tracesAllReturns() {
			continue
		}
		reason := way.Describe().Missing(facts)
		if reason == nil {
			p.Returns = way
			return nil
		}
		p.PassedReturns = append(p.PassedReturns, PassedReturns{way, reason})
	}
	return nil
}

func (p *Plan) checkReturns(forced kernel.ReturnWay, facts *kernel.Facts) error {
	if !slices.Contains(p.Backend.Describe().Returns, forced) {
		return usageError{error: fmt.Errorf("backend %[2]q can't trace returns by %[1]q", forced, p.Backend)}
	}
	if forced.Describe().WithEntries && !p.Asked.tracesAllReturns() {
		return usageError{error: fmt.Errorf("returns by %s need --output-return: look-ups alone can't use them", printable.Quote(string(forced)))}
	}
	if reason := forced.Describe().Missing(facts); reason != nil {
		return fmt.Errorf("this kernel can't trace returns by %s: %w", printable.Quote(string(forced)), reason)
	}
	return nil
}

// ReturnsBy returns the name of the way in which returns are traced, and why better ones are not used.
func (p *Plan) ReturnsBy() string {
	if len(p.PassedReturns) == 0 {
		return string(p.Returns)
	}
	var reasons []string
	for _, passed := range p.PassedReturns {
		reasons = append(reasons, fmt.Sprintf("not %s: %v", passed.Way, passed.Reason))
	}
	return fmt.Sprintf("%s (%s)", p.Returns, strings.Join(reasons, "; "))
}

// checkFunctions returns an error if the options need traced functions, and the backend or --drop
// excludes them.
func (p *Plan) checkFunctions() error {
	what := ""
	switch {
	case p.Asked.Record.Return:
		what = "returns of functions can't be traced"
	case len(p.Asked.NoSkbFuncs) > 0:
		what = "functions that take no skb can't be traced"
	case len(p.Asked.Lookups) > 0:
		what = "look-ups can't be traced"
	case p.Asked.Record.Maps:
		what = "operations on BPF maps can't be traced"
	case p.Asked.Helpers:
		what = "functions that BPF programs call can't be traced"
	case p.Asked.Follow.ByStack && !p.TracesFunctions():
		what = "packets created while handling one can't be followed"
	}
	switch {
	case what == "" || p.TracesFunctions() && !p.Asked.followsToDrops():
		return nil
	case p.Asked.Drop.Only && (!p.Asked.Follow.ByStack || p.TracesFunctions()):
		return usageError{error: errors.New(what + " with --drop or --filter-drop-reason, which trace only drops")}
	}
	return usageError{fmt.Errorf("%s with the %s backend, which traces no functions", what, p.Backend), p.functionsHint()}
}

// functionsHint returns how to get a backend that traces functions.
func (p *Plan) functionsHint() string {
	switch {
	case p.Asked.Backend != "":
		return fmt.Sprintf("omit --backend %s", p.Asked.Backend)
	case len(p.Rejected) > 0:
		return "`tracer doctor` says how to get a better backend; here " + strings.Join(p.Reasons(), "; ")
	}
	return ""
}

// addReturns plans probes of the returns of functions: of all traced functions, or of look-ups.
func (p *Plan) addReturns() {
	switch {
	case len(p.Functions)+len(p.MatchFunctions) == 0:
		p.Returns = ""
	case len(p.Functions) == 0:
	case p.Asked.Record.Return:
		p.addReturnProgram(bpf.ReturnTemplate, p.withoutReturn(p.Functions))
	case len(p.Lookups) > 0:
		p.addReturnProgram(bpf.ReturnTemplate, p.withoutReturn(p.lookupFunctions()))
	}
}

// addReturnProgram plans a program on the returns of functions, unless the entry programs also run at
// returns.
func (p *Plan) addReturnProgram(template string, functions []kernel.Function) {
	way := p.Returns.Describe()
	if way.WithEntries {
		return
	}
	p.BPF.Programs = append(p.BPF.Programs, bpf.Program{
		Name:       template,
		Template:   template,
		AttachType: way.AttachType,
	})
	p.ReturnGroups = append(p.ReturnGroups, Group{Program: template, Functions: functions})
}

// withoutReturn returns the functions whose returns have no planned program yet.
func (p *Plan) withoutReturn(functions []kernel.Function) []kernel.Function {
	return slices.DeleteFunc(slices.Clone(functions), func(f kernel.Function) bool {
		same := func(g kernel.Function) bool { return g.Addr == f.Addr }
		return slices.ContainsFunc(p.ReturnGroups, func(g Group) bool { return slices.ContainsFunc(g.Functions, same) })
	})
}

// EmitsReturns reports whether functions emit return events.
func (p *Plan) EmitsReturns() bool { return p.BPF.Config.Returns }

// minStack is the size of a kernel stack in bytes. If a page is larger, the stack has the size of a page.
const minStack = 16 << 10

// trackCalls configures how calls are tracked from entry to return.
func (p *Plan) trackCalls(facts *kernel.Facts) {
	c := &p.BPF.Config
	c.Returns, c.NoSkbFuncs = p.Asked.Record.Return && len(p.Functions) > 0, p.servesNoSkb()
	c.ByStack, c.Maps = p.Asked.Follow.ByStack, p.Asked.Record.Maps
	if p.Returns.Describe().WithEntries {
		c.Session, p.BPF.Bodies.IsReturn = true, facts.IsReturn
	}
	if !c.Returns && !c.NoSkbFuncs && !c.ByStack && c.LookupSize == 0 && c.Decisions == 0 {
		return
	}
	c.StackSize = uint32(max(minStack, facts.PageSize))
	if facts.Symbols != nil {
		copy(c.Trampolines[:], facts.Symbols.Trampolines())
	}
}
