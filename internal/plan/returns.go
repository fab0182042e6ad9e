// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// returnWays are the ways to be called at a return beside each backend, best first.
var returnWays = map[kernel.Backend][]kernel.ReturnWay{
	kernel.KprobeMulti: {kernel.KprobeSession, kernel.KretprobeMulti, kernel.Kretprobe},
	kernel.Kprobe:      {kernel.Kretprobe},
}

// ReturnWayNames are the names of all ways, the best first.
func ReturnWayNames() []string {
	var names []string
	for _, way := range returnWays[kernel.KprobeMulti] {
		names = append(names, string(way))
	}
	return names
}

// chooseReturns takes the forced way, or the first that runs here. A session is for the
// returns of all functions.
func (p *Plan) chooseReturns(facts *kernel.Facts) error {
	all := p.Asked.Record.Return || p.Asked.Follow.ByStack
	if !all && len(p.Asked.Lookups) == 0 && !p.Asked.Record.Maps {
		return nil
	}
	if forced := p.Asked.ReturnsBy; forced != "" {
		p.Returns = forced
		return p.checkReturns(forced, facts)
	}
	for _, way := range returnWays[p.Backend] {
		if way == kernel.KprobeSession && !all {
			continue
		}
		if way == kernel.KprobeSession && facts.NoSession != nil {
			p.noSession = facts.NoSession
			continue
		}
		p.Returns = way
		break
	}
	return nil
}

func (p *Plan) checkReturns(forced kernel.ReturnWay, facts *kernel.Facts) error {
	if !slices.Contains(returnWays[p.Backend], forced) {
		return usageError{error: fmt.Errorf("backend %[2]q can't trace returns by %[1]q", forced, p.Backend)}
	}
	if forced == kernel.KprobeSession && !p.Asked.Record.Return && !p.Asked.Follow.ByStack {
		return usageError{error: fmt.Errorf("returns by %q need --output-return: look-ups alone can't use them", forced)}
	}
	if forced == kernel.KprobeSession && facts.NoSession != nil {
		return fmt.Errorf("this kernel can't trace returns by %q: %w", forced, facts.NoSession)
	}
	return nil
}

// ReturnsBy says how returns are seen, and why not in a better way.
func (p *Plan) ReturnsBy() string {
	if p.noSession == nil {
		return string(p.Returns)
	}
	return fmt.Sprintf("%s (not %s: %v)", p.Returns, kernel.KprobeSession, p.noSession)
}

// checkFunctions says whether the backend sees functions, where what is asked for
// needs that.
func (p *Plan) checkFunctions() error {
	what := ""
	switch {
	case p.Asked.Record.Return:
		what = "returns of functions can't be traced"
	case len(p.Asked.Others) > 0:
		what = "functions that take no skb can't be traced"
	case len(p.Asked.Lookups) > 0:
		what = "look-ups can't be traced"
	case p.Asked.Record.Maps:
		what = "operations on BPF maps can't be traced"
	case p.Asked.Helpers:
		what = "functions that BPF programs call can't be traced"
	case p.Asked.Follow.ByStack && p.Backend == kernel.TracepointBackend:
		what = "packets created while handling one can't be followed"
	}
	switch {
	case what == "" || p.Backend != kernel.TracepointBackend && !p.Asked.followsToDrops():
		return nil
	case p.Asked.Drop.Only && (!p.Asked.Follow.ByStack || p.Backend != kernel.TracepointBackend):
		return usageError{error: errors.New(what + " with --drop or --filter-drop-reason, which trace only drops")}
	}
	return usageError{errors.New(what + " with the tracepoint backend, which traces no functions"), p.functionsHint()}
}

// functionsHint says how to get a backend that traces functions.
func (p *Plan) functionsHint() string {
	switch {
	case p.Asked.Backend == kernel.TracepointBackend:
		return "omit --backend tracepoint"
	case len(p.Passed) > 0:
		return "`tracer doctor` says how to get a better backend; here " + strings.Join(p.Reasons(), "; ")
	}
	return ""
}

// addReturns plans to be called when the functions return: all, or those that look
// something up.
func (p *Plan) addReturns() {
	switch {
	case len(p.Functions)+len(p.Sighters) == 0:
		p.Returns = ""
	case len(p.Functions) == 0:
	case p.Asked.Record.Return:
		p.addReturnProgram(bpf.ReturnTemplate, p.withoutReturn(p.Functions))
	case len(p.Lookups) > 0:
		p.addReturnProgram(bpf.ReturnTemplate, p.withoutReturn(p.lookers()))
	}
}

// addReturnProgram plans a program on the returns of functions. A session calls that of the
// entries.
func (p *Plan) addReturnProgram(template string, functions []kernel.Function) {
	if p.Returns == kernel.KprobeSession {
		return
	}
	p.BPF.Programs = append(p.BPF.Programs, bpf.Program{
		Name:     template,
		Template: template,
		Multi:    p.Returns == kernel.KretprobeMulti,
	})
	p.ReturnGroups = append(p.ReturnGroups, Group{Program: template, Functions: functions})
}

// withoutReturn are those of the functions for whose returns no program is planned yet.
func (p *Plan) withoutReturn(functions []kernel.Function) []kernel.Function {
	return slices.DeleteFunc(slices.Clone(functions), func(f kernel.Function) bool {
		same := func(g kernel.Function) bool { return g.Addr == f.Addr }
		return slices.ContainsFunc(p.ReturnGroups, func(g Group) bool { return slices.ContainsFunc(g.Functions, same) })
	})
}

// TellsReturns says whether functions are told of when they return.
func (p *Plan) TellsReturns() bool { return p.BPF.Config.Returns }

// leastStack is the size in bytes of a kernel's stack, which is at least a page.
const leastStack = 16 << 10

// keepCalls configures what it takes to know which calls are under way.
func (p *Plan) keepCalls(facts *kernel.Facts) {
	c := &p.BPF.Config
	c.Returns, c.Others = p.Asked.Record.Return && len(p.Functions) > 0, p.servesOthers()
	c.ByStack, c.Maps = p.Asked.Follow.ByStack, p.Asked.Record.Maps
	if p.Returns == kernel.KprobeSession {
		c.Session, p.BPF.Bodies.IsReturn = true, facts.IsReturn
	}
	if !c.Returns && !c.Others && !c.ByStack && c.LookupSize == 0 {
		return
	}
	c.StackSize = uint32(max(leastStack, os.Getpagesize()))
	if facts.Symbols != nil {
		copy(c.Trampolines[:], facts.Symbols.Trampolines())
	}
}
