// SPDX-License-Identifier: Apache-2.0

// Package rdonly describes how BPF programs read kernel memory without calling a helper
// (bpf_rdonly_cast, 6.2).
package rdonly

import "github.com/cilium/ebpf/asm"

// Cast makes a pointer to a kernel type out of any number. If a load through it faults, it reads 0.
// Func, Words and Bytes are BTF ids of the running kernel.
type Cast struct {
	// Func is bpf_rdonly_cast, Words a type that begins with many words in a row, Bytes one that
	// has an array of bytes of this Length at the offset Array.
	Func, Words, Bytes int32
	Array, Length      int16
	// Offsets of these members in struct sk_buff.
	Head, Data, Tail, MacHeader, NetworkHeader, Protocol int16
}

// Call calls Func: R1 is the address, R2 the BTF id of the type.
func (c *Cast) Call() asm.Instruction {
	return asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(c.Func)}
}
