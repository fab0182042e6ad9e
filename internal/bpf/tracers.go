// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// The programs that trace BPF programs: SkbProgram is for those that are given an
// sk_buff, HookProgram for those that get one by netfilter, FrameProgram for those that get
// an XDP frame, and VerdictProgram for what any of them returns. SkbTail, HookTail and
// FrameTail are for where tail calls land.
const (
	SkbProgram     = "program_skb"
	HookProgram    = "program_netfilter"
	FrameProgram   = "program_xdp"
	VerdictProgram = "program_verdict"
	SkbTail        = "program_tail_skb"
	HookTail       = "program_tail_netfilter"
	FrameTail      = "program_tail_xdp"
	// HoldersProgram lists who holds programs.
	HoldersProgram = "list_holders"
)

// Holders is how many hold a program.
type Holders = tracerHolders

const (
	// tracedFunction answers which program is traced, keptFunction how many arguments the
	// kernel keeps of it.
	tracedFunction = "traced_program"
	keptFunction   = "kept_arguments"
)

// Traced is a program that is traced.
type Traced struct {
	Handle *ebpf.Program
	ID     uint32
	// Function is the one that it begins with.
	Function string
	// Kept is how many arguments of it the kernel keeps (until 5.17).
	Kept int
}

// tracerTemplates are those of which each traced program gets copies.
var tracerTemplates = []string{
	SkbProgram, HookProgram, FrameProgram, VerdictProgram, SkbTail, HookTail, FrameTail, HoldersProgram,
}

// isTracer says whether a program of the object traces BPF programs.
func isTracer(template string) bool { return slices.Contains(tracerTemplates, template) }

// Tracers are the programs that trace BPF programs. The kernel wants them loaded for
// each traced program anew, so that all that is alike is done beforehand.
type Tracers struct{ templates map[string]*ebpf.ProgramSpec }

// newTracers makes them of the object's programs.
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

// Use has the programs use maps that are loaded, by their names.
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

// For is a copy for one program.
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
		{tracedFunction, answer(uint64(target.ID))},
		{keptFunction, answer(uint64(target.Kept))},
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
