// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"
)

// Registers of the body. R6 to R9 are callee-saved and keep their values across calls; R2 is only used
// within the translation of one instruction.
const (
	regPacket = asm.R6 // struct packet *
	regA      = asm.R7
	regX      = asm.R9
	regLen    = asm.R8 // length of the frame in bytes
	regTmp    = asm.R2
)

// Labels of the body, and the function that it calls.
const (
	labelReject = "filter_reject"
	labelAt     = "filter_%d" // %d is the number of the classic instruction
	loadPacket  = "load_packet"
)

// translator translates a classic program to eBPF, instruction by instruction.
type translator struct {
	flow
	classic []bpf.Instruction
	entries []int
	out     asm.Instructions
	need    int
	// memory generates loads from kernel memory, for the prefilter. It is nil for the full filter, which
	// loads from the head.
	memory *skbReader
	// computedOffsets is set if the prefilter loads at computed offsets.
	computedOffsets bool
}

// translate returns the body of filter_packet, and how many bytes of the head it
// reads.
func translate(classic []bpf.Instruction) (body asm.Instructions, need int, err error) {
	t := translator{classic: define(classic)}
	if err := t.translate(); err != nil {
		return nil, 0, err
	}
	return t.finish(), t.need, nil
}

// translate translates all instructions.
func (t *translator) translate() error {
	t.flow, t.entries = analyse(t.classic), entries(t.classic)
	targets := jumpTargets(t.classic)
	n := 1
	for pc := 0; pc < len(t.classic); pc += n {
		if n = max(1, t.row(pc)); !t.emitted(pc) {
			continue
		}
		insns, err := t.translated(pc, n)
		if err != nil {
			return err
		}
		if targets[pc] {
			insns[0] = insns[0].WithSymbol(t.label(pc))
		}
		t.out = append(t.out, insns...)
	}
	return nil
}

// translated translates an instruction, or a row of n comparisons.
func (t *translator) translated(pc, n int) (asm.Instructions, error) {
	if n > 1 {
		return t.search(pc, n), nil
	}
	return t.instruction(pc)
}

// emitted reports whether the instruction at pc is translated. Unreachable instructions are left out,
// since the verifier rejects them. So are rejections that only jumps lead to: these jumps go to a shared
// rejection at the end of the body.
func (t *translator) emitted(pc int) bool {
	return t.before[pc].reached && (!rejects(t.classic[pc]) || t.fallsThrough())
}

// fallsThrough reports whether execution can continue after the last instruction that was emitted.
func (t *translator) fallsThrough() bool {
	if len(t.out) == 0 {
		return true
	}
	last := t.out[len(t.out)-1].OpCode
	return last != asm.Return().OpCode && last != asm.Ja.Label("").OpCode
}

// jumpTargets returns the instructions that need a label.
func jumpTargets(classic []bpf.Instruction) map[int]bool {
	targets := make(map[int]bool)
	for pc := range classic {
		for _, next := range successors(classic, pc) {
			targets[next] = targets[next] || isJump(classic[pc]) && !rejects(classic[next])
		}
	}
	return targets
}

func isJump(insn bpf.Instruction) bool {
	switch insn.(type) {
	case bpf.Jump, bpf.JumpIf, bpf.JumpIfX:
		return true
	}
	return false
}

// label returns the label for a jump to the instruction at pc.
func (t *translator) label(pc int) string {
	if rejects(t.classic[pc]) {
		return labelReject
	}
	return fmt.Sprintf(labelAt, pc)
}

// instruction translates one instruction.
func (t *translator) instruction(pc int) (asm.Instructions, error) {
	switch in := t.classic[pc].(type) {
	case bpf.LoadAbsolute, bpf.LoadIndirect, bpf.LoadMemShift:
		return t.load(pc)
	case bpf.LoadConstant, bpf.LoadScratch, bpf.StoreScratch, bpf.TAX, bpf.TXA:
		return move(in), nil
	case bpf.LoadExtension:
		if t.memory != nil {
			return nil, errNotReadable
		}
		return length(in)
	case bpf.ALUOpConstant, bpf.ALUOpX, bpf.NegateA:
		return arithmetic(in), nil
	case bpf.Jump, bpf.JumpIf, bpf.JumpIfX:
		return t.jump(pc), nil
	case bpf.RetA:
		return t.returnA(), nil
	case bpf.RetConstant:
		return asm.Instructions{asm.Mov.Imm32(asm.R0, t.verdict(in.Val)), asm.Return()}, nil
	}
	return nil, fmt.Errorf("classic BPF instruction %v at %d has no translation", t.classic[pc], pc)
}

// verdict returns the result of the body for the result val of the classic program.
func (t *translator) verdict(val uint32) int32 {
	switch {
	case t.memory == nil:
		return int32(val)
	case val == 0:
		return prefilterReject
	}
	return prefilterMatch
}

func (t *translator) returnA() asm.Instructions {
	if t.memory == nil {
		return asm.Instructions{asm.Mov.Reg32(asm.R0, regA), asm.Return()}
	}
	return asm.Instructions{
		asm.Mov.Imm32(asm.R0, prefilterReject),
		skip(asm.JEq, regA, 0, 1),
		asm.Mov.Imm32(asm.R0, prefilterMatch),
		asm.Return(),
	}
}

// finish adds the prologue and the shared rejection to the translated instructions.
func (t *translator) finish() asm.Instructions {
	t.close(labelReject, 0)
	return append(t.prologue(), t.out...)
}

// close adds code that returns the result at the label, if any jump goes to the label.
func (t *translator) close(label string, result int32) {
	if len(t.out.ReferenceOffsets()[label]) > 0 {
		t.out = append(t.out, asm.Mov.Imm32(asm.R0, result).WithSymbol(label), asm.Return())
	}
}

// prologue sets up the registers of the body. It is never empty, so the first instruction of the body
// has no label.
func (t *translator) prologue() asm.Instructions {
	insns := asm.Instructions{asm.LoadMem(regLen, asm.R1, offsetLen, asm.Word)}
	if len(t.out.ReferenceOffsets()[loadPacket]) > 0 {
		insns = append(insns, asm.Mov.Reg(regPacket, asm.R1))
	} else {
		replaceSource(t.out, regPacket, asm.R1)
	}
	return append(insns, zero(t.unset)...)
}

// replaceSource replaces the source register from with to in all instructions. A body without calls needs
// no copy of R1, since R1 keeps its value.
func replaceSource(insns asm.Instructions, from, to asm.Register) {
	for i := range insns {
		if insns[i].Src == from {
			insns[i].Src = to
		}
	}
}

// zero clears registers and memory words, which are 0 at the beginning of a classic program.
func zero(unset storage) asm.Instructions {
	var insns asm.Instructions
	if unset&storageA != 0 {
		insns = append(insns, asm.Mov.Imm(regA, 0))
	}
	if unset&storageX != 0 {
		insns = append(insns, asm.Mov.Imm(regX, 0))
	}
	for n := range memorySlots {
		if unset&memory(n) != 0 {
			insns = append(insns, asm.StoreImm(asm.R10, slot(n), 0, asm.Word))
		}
	}
	return insns
}
