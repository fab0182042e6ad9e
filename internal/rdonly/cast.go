// SPDX-License-Identifier: Apache-2.0

// Package rdonly has what BPF programs need to read kernel memory with plain loads instead of a helper:
// through pointers of the kfunc bpf_rdonly_cast (6.2).
package rdonly

import "github.com/cilium/ebpf/asm"

// Cast has the BTF ids and offsets of the running kernel for bpf_rdonly_cast, which converts any number
// to a pointer to a kernel type. A load through that pointer reads 0 if it faults.
type Cast struct {
	// Func is the BTF id of bpf_rdonly_cast. Words is the id of a struct that begins with enough
	// 8-byte words to load all members below through one pointer (pt_regs). Bytes is the id of a
	// struct with an array of Length bytes at the offset Array.
	Func, Words, Bytes int32
	Array, Length      int16
	// Offsets of these members in struct sk_buff.
	Head, Data, Tail, MacHeader, NetworkHeader, Protocol int16
}

// Call returns the call of Func: R1 is the address, R2 the BTF id of the type.
func (c *Cast) Call() asm.Instruction {
	return asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(c.Func)}
}
