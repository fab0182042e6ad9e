// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
	"tracer/internal/printable"
)

// chooseBackend returns the forced backend, or else the first one that runs here and the better ones
// that do not.
func chooseBackend(forced kernel.Backend, support map[kernel.Backend]error) (kernel.Backend, []Rejected, error) {
	if forced != "" {
		return forced, nil, checkForced(forced, support)
	}
	var rejected []Rejected
	for _, b := range kernel.Backends {
		reason, asked := support[b]
		if asked && reason == nil {
			return b, rejected, nil
		}
		if !asked {
			reason = kernel.ErrNotAsked
		}
		rejected = append(rejected, Rejected{b, reason})
	}
	return "", rejected, noBackendError{rejected}
}

// backend returns the backend that the user forces, or "". If only drops or only BPF programs are
// traced, it returns one that traces no functions: every backend has the drop tracepoint, and tracing
// BPF programs needs no backend.
func (o Options) backend() kernel.Backend {
	drops := o.Drop.Only && !o.followsToDrops()
	if o.Backend == "" && (drops || o.Programs.Only && !o.Follow.on()) {
		return withoutFunctions()
	}
	return o.Backend
}

// withoutFunctions returns the best backend that traces no functions.
func withoutFunctions() kernel.Backend {
	i := slices.IndexFunc(kernel.Backends, func(b kernel.Backend) bool { return !b.Describe().Functions })
	return kernel.Backends[i]
}

// TracesFunctions reports whether the backend traces functions, and not only tracepoints.
func (p *Plan) TracesFunctions() bool { return p.Backend.Describe().Functions }

// ProbesFunctions reports whether programs can be attached to functions, even if only to explain
// drops.
func (p *Plan) ProbesFunctions() bool { return p.ProbesBy().Describe().Functions }

func checkForced(forced kernel.Backend, support map[kernel.Backend]error) error {
	if !slices.Contains(kernel.Backends, forced) {
		return usageError{
			fmt.Errorf("backend %s: unknown", printable.Quote(string(forced))),
			"the backends are " + strings.Join(BackendNames(), ", "),
		}
	}
	if err := support[forced]; err != nil {
		return fmt.Errorf("backend %s does not run here: %w", printable.Quote(string(forced)), err)
	}
	return nil
}

// BackendNames returns the names of the backends, best first.
func BackendNames() []string {
	names := make([]string, len(kernel.Backends))
	for i, b := range kernel.Backends {
		names[i] = string(b)
	}
	return names
}

// noBackendError has the reason why each backend does not run.
type noBackendError struct{ rejected []Rejected }

func (noBackendError) Error() string { return "no backend runs on this kernel" }

// Hint groups the backends that do not run for the same reason.
func (e noBackendError) Hint() string {
	var reasons []string
	backends := map[string][]string{}
	for _, r := range e.rejected {
		reason := r.Reason.Error()
		if backends[reason] == nil {
			reasons = append(reasons, reason)
		}
		backends[reason] = append(backends[reason], string(r.Backend))
	}
	for i, reason := range reasons {
		reasons[i] = strings.Join(backends[reason], ", ") + ": " + reason
	}
	return strings.Join(reasons, "; ") + "; `tracer doctor` says what to do"
}

// addFunctions plans a probe for each wanted function.
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

// addQuietly plans a probe of a function that emits only a return event.
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

// group adds a function to the group of a program. The first function adds the program to the plan.
func (p *Plan) group(f kernel.Function, program bpf.Program) {
	i := slices.IndexFunc(p.Groups, func(g Group) bool { return g.Program == program.Name })
	if i < 0 {
		p.addProgram(program, nil)
		i = len(p.Groups) - 1
	}
	p.Groups[i].Functions = append(p.Groups[i].Functions, f)
}

// programFor returns the program for a function. Functions share a program if they take the skb in the
// same register and, if netfilter data is recorded, have the same netfilter arguments.
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

// addProgram plans a program to attach to functions.
func (p *Plan) addProgram(program bpf.Program, functions []kernel.Function) {
	program.AttachType = p.ProbesBy().Describe().AttachType
	if way := p.Returns.Describe(); way.WithEntries {
		program.AttachType, program.Session = way.AttachType, true
	}
	p.BPF.Programs = append(p.BPF.Programs, program)
	p.Groups = append(p.Groups, Group{Program: program.Name, Functions: functions})
}

// addTracepoints plans the wanted tracepoints. If functions are traced, or only drops are wanted, it plans
// only the drop tracepoint, which has the reason and the location.
func (p *Plan) addTracepoints(facts *kernel.Facts, wanted *funcFilter) {
	all := !p.TracesFunctions() && !p.Asked.Drop.Only
	for _, t := range facts.Tracepoints {
		drop := isDrop(t)
		if !all && !drop || !wanted.tracepoint(t, drop) || t.SkbArg > lastArgument {
			continue
		}
		p.addTracepoint(t, drop)
	}
}

const (
	// dropTracepoint is skb:kfree_skb, which reports drops.
	dropTracepoint = "kfree_skb"
	// lastArgument is the index of the last tracepoint argument that BPF programs can receive
	// (bpf_trace_run12 in kernel/trace/bpf_trace.c).
	lastArgument = 11
)

func isDrop(t kernel.Tracepoint) bool { return t.Name == dropTracepoint && t.Module == "" }

func (p *Plan) addTracepoint(t kernel.Tracepoint, drop bool) {
	number := len(p.Tracepoints)
	program := "tracepoint_" + t.Name
	params := &bpf.TracepointParams{Number: uint16(number), Location: -1, Reason: -1, Socket: t.SocketArg, Drop: drop}
	if drop {
		params.Location = t.LocationArg
	}
	params.Reason = t.ReasonArg
	p.BPF.Programs = append(p.BPF.Programs, bpf.Program{
		Name:       program,
		Template:   bpf.TracepointTemplate,
		Argument:   t.SkbArg,
		Tracepoint: params,
	})
	p.Tracepoints = append(p.Tracepoints, Tracepoint{t, program})
}
