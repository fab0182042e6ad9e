// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// replaceBody puts body in place of a function that the program calls. The
// function keeps its symbol, type and first source line, which the kernel wants
// of every function.
func replaceBody(program *ebpf.ProgramSpec, function string, body asm.Instructions) error {
	begin, end := functionBounds(program.Instructions, function)
	if begin < 0 {
		return fmt.Errorf("program %q: no function %q to replace", program.Name, function)
	}
	body = labelsOf(function, body)
	if symbol := body[0].Symbol(); symbol != "" {
		return fmt.Errorf("function %q: the first instruction of its body has the symbol %q already", function, symbol)
	}
	body[0].Metadata = program.Instructions[begin].Metadata
	program.Instructions = slices.Replace(slices.Clone(program.Instructions), begin, end, body...)
	return nil
}

// chosenOffset stands in the object for a word of the context that is chosen before
// loading (CHOSEN_WORD in bpf/context.h).
const chosenOffset = 8 * 4095

// chooseWord has the program read that word of its context.
func chooseWord(program *ebpf.ProgramSpec, word int) error {
	program.Instructions = slices.Clone(program.Instructions)
	chosen := 0
	for i := range program.Instructions {
		if in := &program.Instructions[i]; in.Offset == chosenOffset && in.OpCode.Class() == asm.LdXClass {
			in.Offset = int16(8 * word)
			chosen++
		}
	}
	if chosen == 0 {
		return fmt.Errorf("program %q reads no word that is chosen", program.Name)
	}
	return nil
}

// calls says whether the function is part of the program.
func calls(program *ebpf.ProgramSpec, function string) bool {
	begin, _ := functionBounds(program.Instructions, function)
	return begin >= 0
}

// labelsOf is the body with its labels made the function's own, so that several
// bodies can be in one program.
func labelsOf(function string, body asm.Instructions) asm.Instructions {
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

// dropUncalled takes out the functions that nothing in the program calls any
// more; the kernel refuses descriptions of functions that it can't reach.
func dropUncalled(program *ebpf.ProgramSpec) {
	for {
		begin, end := uncalled(program.Instructions)
		if begin < 0 {
			return
		}
		program.Instructions = slices.Delete(slices.Clone(program.Instructions), begin, end)
	}
}

// uncalled finds a function that no other calls, the program itself aside.
func uncalled(instructions asm.Instructions) (begin, end int) {
	called := map[string]bool{}
	for i := range instructions {
		called[instructions[i].Reference()] = true
	}
	for i := 1; i < len(instructions); i++ {
		if f := btf.FuncMetadata(&instructions[i]); f != nil && !called[f.Name] {
			return functionBounds(instructions, f.Name)
		}
	}
	return -1, -1
}

// functionBounds finds a function's first instruction and the one behind its
// last; begin is negative where there is no such function.
func functionBounds(instructions asm.Instructions, function string) (begin, end int) {
	begin = slices.IndexFunc(instructions, func(i asm.Instruction) bool { return i.Symbol() == function })
	if begin < 0 {
		return -1, -1
	}
	for end = begin + 1; end < len(instructions); end++ {
		if btf.FuncMetadata(&instructions[end]) != nil {
			break
		}
	}
	return begin, end
}
