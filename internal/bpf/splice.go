// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// parts are the functions of a program, by name; the first is the program itself.
type parts struct {
	order []string
	code  map[string]asm.Instructions
	// replaced are the functions whose body was replaced.
	replaced map[string]bool
}

// split splits a program into its functions, which share the memory of the instructions.
func split(instructions asm.Instructions) *parts {
	p := &parts{code: map[string]asm.Instructions{}, replaced: map[string]bool{}}
	begin := 0
	for i := 1; i <= len(instructions); i++ {
		if i < len(instructions) && btf.FuncMetadata(&instructions[i]) == nil {
			continue
		}
		name := instructions[begin].Symbol()
		p.order = append(p.order, name)
		p.code[name] = instructions[begin:i:i]
		begin = i
	}
	return p
}

// has reports whether the function is in the program.
func (p *parts) has(function string) bool { return p.code[function] != nil }

// replace replaces the body of a function, which keeps its symbol and type. Comments on the instructions of the
// body are removed, since the loader would load them as source lines.
func (p *parts) replace(function string, body asm.Instructions) error {
	if !p.has(function) {
		return fmt.Errorf("program %q: no function %q to replace", p.order[0], function)
	}
	body = qualifyLabels(function, body)
	if target := body[0].Reference(); target != "" {
		return fmt.Errorf("function %q: the first instruction of its body refers to %q, and this would be lost", function, target)
	}
	if symbol := body[0].Symbol(); symbol != "" {
		return fmt.Errorf("function %q: the first instruction of its body has the symbol %q already", function, symbol)
	}
	for i := range body {
		body[i] = body[i].WithSource(nil)
	}
	body[0].Metadata = p.code[function][0].Metadata
	p.code[function], p.replaced[function] = body, true
	return nil
}

// call replaces each call of a function by an instruction.
func (p *parts) call(function string, instruction asm.Instruction) {
	for name, code := range p.code {
		copied := false
		for i := range code {
			if !code[i].IsFunctionCall() || code[i].Reference() != function {
				continue
			}
			if !copied {
				code, copied = slices.Clone(code), true
			}
			code[i] = instruction.WithSource(code[i].Source())
		}
		p.code[name] = code
	}
}

// join returns the whole program without functions that are no longer called: the kernel rejects the BTF
// information of unreachable functions. Each function begins with its name as a source line: the loader adds
// comments to instructions whose relocation fails, and the kernel requires line information of all functions or
// of none.
func (p *parts) join() asm.Instructions {
	called := map[string]bool{}
	size := p.reach(p.order[0], called)
	out := make(asm.Instructions, 0, size)
	for _, name := range p.order {
		if !called[name] {
			continue
		}
		first := len(out)
		out = append(out, p.code[name]...)
		out[first] = out[first].WithSource(asm.Comment(name))
	}
	return out
}

// reach adds the function and all functions that it calls, directly or indirectly, to called. It returns the
// number of instructions of the new ones.
func (p *parts) reach(function string, called map[string]bool) (size int) {
	code := p.code[function]
	if called[function] || code == nil {
		return 0
	}
	called[function] = true
	size = len(code)
	for _, other := range p.calls(function) {
		size += p.reach(other, called)
	}
	return size
}

// calls returns the functions that a function calls, or passes as callbacks.
func (p *parts) calls(function string) (names []string) {
	for i := range p.code[function] {
		if in := &p.code[function][i]; in.IsFunctionReference() {
			names = append(names, in.Reference())
		}
	}
	return names
}

// chosenOffset is the placeholder in the object for the offset of a word of the context that is chosen before
// loading (CHOSEN_WORD in bpf/core/context.h).
const chosenOffset = 8 * 4095

// chooseWord makes the program read a word of its context. The program must not share its instructions.
func chooseWord(program *ebpf.ProgramSpec, word int) error {
	chosen := 0
	for i := range program.Instructions {
		if in := &program.Instructions[i]; in.Offset == chosenOffset && in.OpCode.Class() == asm.LdXClass {
			in.Offset = int16(8 * word)
			chosen++
		}
	}
	if chosen == 0 {
		return fmt.Errorf("program %q does not read the chosen word of the context", program.Name)
	}
	return nil
}

// qualifyLabels returns the body with the function's name as a prefix of its labels, so that a program can have
// several bodies with the same labels.
func qualifyLabels(function string, body asm.Instructions) asm.Instructions {
	own := map[string]bool{}
	for i := range body {
		own[body[i].Symbol()] = true
	}
	body = slices.Clone(body)
	for i := range body {
		if symbol := body[i].Symbol(); symbol != "" {
			body[i] = body[i].WithSymbol(function + "." + symbol)
		}
		if target := body[i].Reference(); target != "" && own[target] {
			body[i] = body[i].WithReference(function + "." + target)
		}
	}
	return body
}
