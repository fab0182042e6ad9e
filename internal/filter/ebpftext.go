// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/asm"
)

// EBPFText lists the body in the format of the kernel's verifier log, one line per instruction. A jump
// shows the number of its target instruction.
func (p *Program) EBPFText() string {
	labels, err := p.Body.SymbolOffsets()
	if err != nil {
		return err.Error() + "\n"
	}
	var text strings.Builder
	for pc, in := range p.Body {
		fmt.Fprintf(&text, "%4d: %s\n", pc, ebpfLine(in, target(labels, pc, in)))
	}
	return text.String()
}

// target returns the number of the instruction that a jump goes to.
func target(labels map[string]int, pc int, in asm.Instruction) int {
	if to, ok := labels[in.Reference()]; ok {
		return to
	}
	return pc + 1 + int(in.Offset)
}

func ebpfLine(in asm.Instruction, target int) string {
	switch in.OpCode.Class() {
	case asm.LdXClass:
		return fmt.Sprintf("%s = %s", full(in.Dst), memoryOperand(in, in.Src))
	case asm.StXClass:
		return fmt.Sprintf("%s = %s", memoryOperand(in, in.Dst), full(in.Src))
	case asm.StClass:
		return fmt.Sprintf("%s = %d", memoryOperand(in, in.Dst), in.Constant)
	case asm.ALUClass, asm.ALU64Class:
		return aluLine(in)
	}
	return jumpLine(in, target)
}

// memoryOperand returns the text of a memory operand, such as *(u16 *)(r6 +12).
func memoryOperand(in asm.Instruction, base asm.Register) string {
	return fmt.Sprintf("*(u%d *)(%s %+d)", 8*in.OpCode.Size().Sizeof(), full(base), in.Offset)
}

// operators are the assignment operators of C for ALU operations.
var operators = map[asm.ALUOp]string{
	asm.Add: "+=", asm.Sub: "-=", asm.Mul: "*=", asm.Div: "/=", asm.Mod: "%=", asm.Mov: "=",
	asm.Or: "|=", asm.And: "&=", asm.Xor: "^=", asm.LSh: "<<=", asm.RSh: ">>=",
}

func aluLine(in asm.Instruction) string {
	dst := name(in.OpCode, in.Dst)
	switch op := in.OpCode.ALUOp(); op {
	case asm.Swap:
		return fmt.Sprintf("%s = be%d %s", full(in.Dst), in.Constant, full(in.Dst))
	case asm.Neg:
		return fmt.Sprintf("%s = -%s", dst, dst)
	default:
		return fmt.Sprintf("%s %s %s", dst, operators[op], source(in))
	}
}

// tests are the comparison operators of C for conditional jumps; & is true if both operands have a
// common bit.
var tests = map[asm.JumpOp]string{
	asm.JEq: "==", asm.JNE: "!=", asm.JGT: ">", asm.JGE: ">=", asm.JLT: "<", asm.JLE: "<=", asm.JSet: "&",
}

func jumpLine(in asm.Instruction, target int) string {
	switch op := in.OpCode.JumpOp(); op {
	case asm.Exit:
		return "exit"
	case asm.Call:
		return "call " + in.Reference()
	case asm.Ja:
		return fmt.Sprintf("goto %d", target)
	default:
		return fmt.Sprintf("if %s %s %s goto %d", name(in.OpCode, in.Dst), tests[op], source(in), target)
	}
}

// source returns the text of the right operand: a register or a 32-bit constant.
func source(in asm.Instruction) string {
	if in.OpCode.Source() == asm.RegSource {
		return name(in.OpCode, in.Src)
	}
	return fmt.Sprintf("0x%x", uint32(in.Constant))
}

// name returns the name of a register; w7 is the lower half of r7.
func name(op asm.OpCode, reg asm.Register) string {
	if class := op.Class(); class == asm.ALUClass || class == asm.Jump32Class {
		return fmt.Sprintf("w%d", uint8(reg))
	}
	return full(reg)
}

// full returns the name of a 64-bit register; the frame pointer is r10.
func full(reg asm.Register) string { return fmt.Sprintf("r%d", uint8(reg)) }
