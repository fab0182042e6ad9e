// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"
)

// memorySlots is how many words of memory a classic program has.
const memorySlots = 16

// slot is the place on the stack of the word M[n].
func slot(n int) int16 { return int16(-4 * (n + 1)) }

// place is the register of A or X.
func place(r bpf.Register) asm.Register {
	if r == bpf.RegX {
		return regX
	}
	return regA
}

// move translates what copies a value.
func move(insn bpf.Instruction) asm.Instructions {
	switch in := insn.(type) {
	case bpf.LoadConstant:
		return asm.Instructions{asm.Mov.Imm32(place(in.Dst), int32(in.Val))}
	case bpf.LoadScratch:
		return asm.Instructions{asm.LoadMem(place(in.Dst), asm.R10, slot(in.N), asm.Word)}
	case bpf.StoreScratch:
		return asm.Instructions{asm.StoreMem(asm.R10, slot(in.N), place(in.Src), asm.Word)}
	case bpf.TAX:
		return asm.Instructions{asm.Mov.Reg32(regX, regA)}
	}
	return asm.Instructions{asm.Mov.Reg32(regA, regX)} // TXA
}

// length translates the load of the frame's length, the only extension that is
// a fact of the packet itself.
func length(in bpf.LoadExtension) (asm.Instructions, error) {
	if in.Num != bpf.ExtLen {
		return nil, fmt.Errorf("classic BPF extension %q is not supported", in)
	}
	return asm.Instructions{asm.Mov.Reg32(regA, regLen)}, nil
}
