// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"
)

var arithmeticOps = map[bpf.ALUOp]asm.ALUOp{
	bpf.ALUOpAdd:        asm.Add,
	bpf.ALUOpSub:        asm.Sub,
	bpf.ALUOpMul:        asm.Mul,
	bpf.ALUOpDiv:        asm.Div,
	bpf.ALUOpOr:         asm.Or,
	bpf.ALUOpAnd:        asm.And,
	bpf.ALUOpShiftLeft:  asm.LSh,
	bpf.ALUOpShiftRight: asm.RSh,
	bpf.ALUOpMod:        asm.Mod,
	bpf.ALUOpXor:        asm.Xor,
}

// arithmetic translates an operation on A, a 32-bit unsigned number.
func arithmetic(insn bpf.Instruction) asm.Instructions {
	switch in := insn.(type) {
	case bpf.ALUOpConstant:
		return asm.Instructions{arithmeticOps[in.Op].Imm32(regA, int32(in.Val))}
	case bpf.ALUOpX:
		return arithmeticX(in.Op)
	}
	return asm.Instructions{asm.Neg.Imm32(regA, 0)} // NegateA
}

// arithmeticX translates an operation on A and X. A division by zero rejects the packet. A shift by
// 32 or more gives 0, as in libpcap; eBPF would shift by the count modulo 32.
func arithmeticX(op bpf.ALUOp) asm.Instructions {
	compute := arithmeticOps[op].Reg32(regA, regX)
	switch op {
	case bpf.ALUOpDiv, bpf.ALUOpMod:
		return asm.Instructions{asm.JEq.Imm(regX, 0, labelReject), compute}
	case bpf.ALUOpShiftLeft, bpf.ALUOpShiftRight:
		return asm.Instructions{compute, skip(asm.JLT, regX, 32, 1), asm.Mov.Imm32(regA, 0)}
	}
	return asm.Instructions{compute}
}

// skip jumps over the next n instructions if the comparison holds. It needs no label, so the
// instruction after them can have its own.
func skip(op asm.JumpOp, reg asm.Register, value uint32, n int) asm.Instruction {
	in := op.Imm32(reg, int32(value), "")
	in.Metadata, in.Offset = asm.Metadata{}, int16(n)
	return in
}
