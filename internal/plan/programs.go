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

// Programs selects the BPF programs to trace.
type Programs struct {
	// Kinds are the names of kinds of programs.
	Kinds []string
	// Only traces nothing else.
	Only bool
}

// ProgramKindNames returns the kinds of BPF programs that can be traced.
func ProgramKindNames() []string {
	names := make([]string, len(kernel.ProgramKinds))
	for i, k := range kernel.ProgramKinds {
		names[i] = k.Name
	}
	return names
}

// tracers are the programs that find the packet in the context of a traced BPF program: at its entry, and
// at the target of a tail call.
var tracers = map[kernel.Given]struct{ entry, tail string }{
	kernel.GivenSkb:   {bpf.SkbProgram, bpf.SkbTail},
	kernel.GivenHook:  {bpf.HookProgram, bpf.HookTail},
	kernel.GivenFrame: {bpf.FrameProgram, bpf.FrameTail},
}

// TracerOf returns the program that traces the entry of programs of a kind.
func TracerOf(k *kernel.ProgramKind) string { return tracers[k.Given].entry }

// TailTracerOf returns the program that traces tail calls to programs of a kind.
func TailTracerOf(k *kernel.ProgramKind) string { return tracers[k.Given].tail }

// programKinds returns the names of the kinds that are traced.
func (p *Plan) programKinds() []string {
	var names []string
	for _, k := range p.Programs {
		names = append(names, k.Name)
	}
	return names
}

// addPrograms plans to trace BPF programs.
func (p *Plan) addPrograms(facts *kernel.Facts) error {
	for _, name := range p.Asked.Programs.Kinds {
		kind := kernel.ProgramKindOf(name)
		if kind == nil {
			return usageError{
				fmt.Errorf("kind of BPF programs %s: unknown", printable.Quote(name)),
				"the kinds are " + strings.Join(ProgramKindNames(), ", "),
			}
		}
		if !slices.Contains(p.Programs, kind) {
			p.Programs = append(p.Programs, kind)
		}
	}
	if len(p.Programs) == 0 {
		return nil
	}
	if facts.Untraceable != nil {
		return fmt.Errorf("BPF programs can't be traced: %w", facts.Untraceable)
	}
	p.NoBreakpoints = facts.NoBreakpoints
	p.BPF.Config.Programs = true
	p.BPF.Tracers = []string{bpf.VerdictProgram, bpf.HoldersProgram}
	for _, kind := range p.Programs {
		for _, tracer := range []string{TracerOf(kind), TailTracerOf(kind)} {
			if !slices.Contains(p.BPF.Tracers, tracer) {
				p.BPF.Tracers = append(p.BPF.Tracers, tracer)
			}
		}
		p.BPF.Config.Xdp = p.BPF.Config.Xdp || kind.Given == kernel.GivenFrame
	}
	return nil
}
