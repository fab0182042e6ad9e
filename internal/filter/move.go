// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"
)

// memorySlots is the number of 32-bit scratch memory words (BPF_MEMWORDS) of a classic program.
const memorySlots = 16

// slot returns the stack offset of the memory word M[n].
func slot(n int) int16 { return int16(-4 * (n + 1)) }

// physical returns the eBPF register that holds A or X.
func physical(r bpf.Register) asm.Register {
	if r == bpf.RegX {
		return regX
	}
	return regA
}

// move translates an instruction that copies a value between registers and scratch memory.
func move(insn bpf.Instruction) asm.Instructions {
	switch in := insn.(type) {
	case bpf.LoadConstant:
		return asm.Instructions{asm.Mov.Imm32(physical(in.Dst), int32(in.Val))}
	case bpf.LoadScratch:
		return asm.Instructions{asm.LoadMem(physical(in.Dst), asm.R10, slot(in.N), asm.Word)}
	case bpf.StoreScratch:
		return asm.Instructions{asm.StoreMem(asm.R10, slot(in.N), physical(in.Src), asm.Word)}
	case bpf.TAX:
		return asm.Instructions{asm.Mov.Reg32(regX, regA)}
	}
	return asm.Instructions{asm.Mov.Reg32(regA, regX)} // TXA
}

// length translates the load of the frame's length, the only extension of classic BPF
// that depends on the packet alone.
func length(in bpf.LoadExtension) (asm.Instructions, error) {
	if in.Num != bpf.ExtLen {
		return nil, fmt.Errorf("classic BPF extension %q is not supported", in)
	}
	return asm.Instructions{asm.Mov.Reg32(regA, regLen)}, nil
}
