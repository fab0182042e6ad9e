// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// chooseBackend takes the forced backend, or the first that runs here.
func chooseBackend(forced kernel.Backend, support map[kernel.Backend]error) (kernel.Backend, []Rejected, error) {
	if forced != "" {
		return forced, nil, checkForced(forced, support)
	}
	var passed []Rejected
	for _, b := range kernel.Backends {
		reason, asked := support[b]
		if asked && reason == nil {
			return b, passed, nil
		}
		if !asked {
			reason = kernel.ErrNotAsked
		}
		passed = append(passed, Rejected{b, reason})
	}
	return "", passed, noBackendError{passed}
}

// backend is the backend that the user forces. If only drops or only BPF programs are traced, it is
// one without functions: every backend has the drop tracepoint, and BPF programs need none.
func (o Options) backend() kernel.Backend {
	drops := o.Drop.Only && !o.followsToDrops()
	if o.Backend == "" && (drops || o.Programs.Only && !o.Follow.on()) {
		return withoutFunctions()
	}
	return o.Backend
}

// withoutFunctions is the best backend that traces no functions.
func withoutFunctions() kernel.Backend {
	i := slices.IndexFunc(kernel.Backends, func(b kernel.Backend) bool { return !b.Describe().Functions })
	return kernel.Backends[i]
}

// TracesFunctions reports whether the backend traces functions, and not only tracepoints.
func (p *Plan) TracesFunctions() bool { return p.Backend.Describe().Functions }

// probesFunctions reports whether programs can be attached to functions, be it only to explain
// drops.
func (p *Plan) probesFunctions() bool { return p.ProbesBy().Describe().Functions }

func checkForced(forced kernel.Backend, support map[kernel.Backend]error) error {
	if !slices.Contains(kernel.Backends, forced) {
		return usageError{
			fmt.Errorf("backend %q: unknown", forced),
			"the backends are " + strings.Join(BackendNames(), ", "),
		}
	}
	if err := support[forced]; err != nil {
		return fmt.Errorf("backend %q does not run here: %w", forced, err)
	}
	return nil
}

// BackendNames are the names of the backends, the best first.
func BackendNames() []string {
	names := make([]string, len(kernel.Backends))
	for i, b := range kernel.Backends {
		names[i] = string(b)
	}
	return names
}

// noBackendError says of every backend why it does not run.
type noBackendError struct{ rejected []Rejected }

func (noBackendError) Error() string { return "no backend runs on this kernel" }

// Hint groups the backends that do not run for the same reason.
func (e noBackendError) Hint() string {
	var reasons []string
	backends := map[string][]string{}
	for _, p := range e.rejected {
		reason := p.Reason.Error()
		if backends[reason] == nil {
			reasons = append(reasons, reason)
		}
		backends[reason] = append(backends[reason], string(p.Backend))
	}
	for i, reason := range reasons {
		reasons[i] = strings.Join(backends[reason], ", ") + ": " + reason
	}
	return strings.Join(reasons, "; ") + "; `tracer doctor` says what to do"
}

// addFunctions plans a probe for each function that is wanted, one program for
// each register that carries the skb, and for each way in which netfilter calls.
func (p *Plan) addFunctions(facts *kernel.Facts, wanted *funcFilter) {
	if !p.TracesFunctions() {
		return
	}
	for _, f := range facts.Functions {
		if wanted.function(f) {
			p.addFunction(f)
		}
	}
}

func (p *Plan) addFunction(f kernel.Function) { p.probe(f, p.programFor(f)) }

// addQuietly plans a probe of a function that is told of when it returns alone.
func (p *Plan) addQuietly(f kernel.Function) {
	program := p.programFor(f)
	program.Quiet = true
	program.Name += "_quiet"
	p.probe(f, program)
}

func (p *Plan) probe(f kernel.Function, program bpf.Program) {
	p.Functions = append(p.Functions, f)
	p.group(f, program)
}

// group adds a function to those that a program serves.
func (p *Plan) group(f kernel.Function, program bpf.Program) {
	i := slices.IndexFunc(p.Groups, func(g Group) bool { return g.Program == program.Name })
	if i < 0 {
		p.addProgram(program, nil)
		i = len(p.Groups) - 1
	}
	p.Groups[i].Functions = append(p.Groups[i].Functions, f)
}

// programFor is what functions have that carry the skb in the same register, and
// what netfilter gave them too, where that is told.
func (p *Plan) programFor(f kernel.Function) bpf.Program {
	program := bpf.OnFunctions(f.SkbArg)
	if program.Lookup = p.looksUp(f); program.Lookup {
		program.Name += "_lookup"
	}
	if !p.Asked.Settings.Netfilter && !p.Asked.Settings.Conntrack {
		return program
	}
	program.HookCall = hookCall(f)
	if call := program.HookCall; call.State != 0 {
		program.Name += fmt.Sprintf("_%d_%d_%d", call.State, call.Object, call.Kind)
	}
	return program
}

// addProgram plans a program on functions.
func (p *Plan) addProgram(program bpf.Program, functions []kernel.Function) {
	program.AttachType = p.ProbesBy().Describe().AttachType
	if way := p.Returns.Describe(); way.WithEntries {
		program.AttachType, program.Session = way.AttachType, true
	}
	p.BPF.Programs = append(p.BPF.Programs, program)
	p.Groups = append(p.Groups, Group{Program: program.Name, Functions: functions})
}

// addTracepoints plans the tracepoints that are wanted; a backend that probes
// functions takes the drop tracepoint only, for reason and location, and so does
// whoever wants nothing but drops.
func (p *Plan) addTracepoints(facts *kernel.Facts, wanted *funcFilter) {
	all := !p.TracesFunctions() && !p.Asked.Drop.Only
	for _, t := range facts.Tracepoints {
		drop := t.Name == dropTracepoint && t.Module == ""
		if !all && !drop || !wanted.tracepoint(t, drop) || t.SkbArg > lastArgument {
			continue
		}
		p.addTracepoint(t, drop)
	}
}

const (
	// dropTracepoint is skb:kfree_skb, by which the kernel tells of drops.
	dropTracepoint = "kfree_skb"
	// lastArgument is the last one of a tracepoint that BPF programs are given
	// (bpf_trace_run12 in kernel/trace/bpf_trace.c).
	lastArgument = 11
)

func (p *Plan) addTracepoint(t kernel.Tracepoint, drop bool) {
	number := len(p.Tracepoints)
	program := "tracepoint_" + t.Name
	facts := &bpf.TracepointParams{Number: uint16(number), Location: -1, Reason: -1, Socket: t.SocketArg, Drop: drop}
	if drop {
		facts.Location = t.LocationArg
	}
	facts.Reason = t.ReasonArg
	p.BPF.Programs = append(p.BPF.Programs, bpf.Program{
		Name:       program,
		Template:   bpf.TracepointTemplate,
		Argument:   t.SkbArg,
		Tracepoint: facts,
	})
	p.Tracepoints = append(p.Tracepoints, Tracepoint{t, program})
}
