// SPDX-License-Identifier: Apache-2.0

package filter

import "golang.org/x/net/bpf"

// storage is a bit set of the registers A and X and the scratch memory words M[0] to M[15]
// of a classic program.
type storage uint32

const (
	storageA storage = 1 << bpf.RegA
	storageX storage = 1 << bpf.RegX
)

func register(r bpf.Register) storage { return 1 << r }
func memory(n int) storage            { return 1 << (2 + n) }

// reads returns the registers and memory words that an instruction reads.
func reads(insn bpf.Instruction) storage {
	switch in := insn.(type) {
	case bpf.ALUOpX, bpf.JumpIfX:
		return storageA | storageX
	case bpf.ALUOpConstant, bpf.NegateA, bpf.JumpIf, bpf.RetA, bpf.TAX:
		return storageA
	case bpf.LoadIndirect, bpf.TXA:
		return storageX
	case bpf.StoreScratch:
		return register(in.Src)
	case bpf.LoadScratch:
		return memory(in.N)
	}
	return 0
}

// writes returns the registers and memory words that an instruction writes.
func writes(insn bpf.Instruction) storage {
	switch in := insn.(type) {
	case bpf.LoadConstant:
		return register(in.Dst)
	case bpf.LoadScratch:
		return register(in.Dst)
	case bpf.LoadMemShift, bpf.TAX:
		return storageX
	case bpf.StoreScratch:
		return memory(in.N)
	case bpf.Jump, bpf.JumpIf, bpf.JumpIfX, bpf.RetA, bpf.RetConstant:
		return 0
	}
	return storageA
}
