// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// The programs that trace BPF programs: SkbProgram is for programs whose context is an sk_buff, HookProgram for
// programs of netfilter, FrameProgram for XDP programs, and VerdictProgram for the return of any of them. SkbTail,
// HookTail and FrameTail are for targets of tail calls.
const (
	SkbProgram     = "program_skb"
	HookProgram    = "program_netfilter"
	FrameProgram   = "program_xdp"
	VerdictProgram = "program_verdict"
	SkbTail        = "program_tail_skb"
	HookTail       = "program_tail_netfilter"
	FrameTail      = "program_tail_xdp"
	// HoldersProgram is an iterator that lists the reference counts of programs.
	HoldersProgram = "list_holders"
)

// Holders is a program id and its reference count.
type Holders = tracerHolders

const (
	// tracedFunction returns the id of the traced program, keptFunction the number of its arguments that the
	// kernel saves.
	tracedFunction = "traced_program"
	keptFunction   = "kept_arguments"
)

// Traced is a BPF program to trace.
type Traced struct {
	Handle *ebpf.Program
	ID     uint32
	// Function is the name of its main function.
	Function string
	// Kept is the number of its arguments that the kernel saves for the tracing program (until 5.17).
	Kept int
}

// tracerTemplates are the programs in the object that trace BPF programs.
var tracerTemplates = []string{
	SkbProgram, HookProgram, FrameProgram, VerdictProgram, SkbTail, HookTail, FrameTail, HoldersProgram,
}

// isTracer reports whether a program of the object traces BPF programs.
func isTracer(template string) bool { return slices.Contains(tracerTemplates, template) }

// Tracers are the programs that trace BPF programs. The kernel requires a new copy for each traced program, so
// everything that the copies have in common is prepared here.
type Tracers struct{ templates map[string]*ebpf.ProgramSpec }

// newTracers prepares the programs of s.Tracers.
func newTracers(s Spec, o object) (*Tracers, error) {
	t := &Tracers{templates: map[string]*ebpf.ProgramSpec{}}
	for _, name := range s.Tracers {
		p := Program{Name: name, Template: name}
		program, err := p.instantiate(o, s.Bodies)
		if err != nil {
			return nil, err
		}
		t.templates[name] = program
	}
	return t, nil
}

// Use associates the programs with the loaded maps, by name.
func (t *Tracers) Use(maps map[string]*ebpf.Map) error {
	for _, program := range t.templates {
		for i := range program.Instructions {
			if err := useMap(&program.Instructions[i], maps); err != nil {
				return fmt.Errorf("program %q: %w", program.Name, err)
			}
		}
	}
	return nil
}

func useMap(i *asm.Instruction, maps map[string]*ebpf.Map) error {
	if !i.IsLoadFromMap() || i.Reference() == "" {
		return nil
	}
	m := maps[i.Reference()]
	if m == nil {
		return fmt.Errorf("no map %q", i.Reference())
	}
	return i.AssociateMap(m)
}

// For returns a copy of a template for one traced program.
func (t *Tracers) For(template string, target Traced) (*ebpf.ProgramSpec, error) {
	program := t.templates[template]
	if program == nil {
		return nil, fmt.Errorf("no %q to trace BPF programs with", template)
	}
	program, code := program.Copy(), split(program.Instructions)
	if target.Handle != nil {
		program.AttachTarget, program.AttachTo = target.Handle, target.Function
	}
	for _, r := range []replacement{
		{tracedFunction, constantBody(uint64(target.ID))},
		{keptFunction, constantBody(uint64(target.Kept))},
	} {
		if !code.has(r.function) {
			continue
		}
		if err := code.replace(r.function, r.body); err != nil {
			return nil, err
		}
	}
	program.Instructions = code.join()
	return program, nil
}
