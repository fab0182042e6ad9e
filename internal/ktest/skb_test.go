// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// TestSkbAsArgument checks that a raw tracepoint program can read the byte at skb->data of the sk_buff in its first
// argument.
func TestSkbAsArgument(t *testing.T) {
	skb := NewSkb(t)
	skb.Put(t, SkbState{Memory: []byte{1, 2, 3, 4}, Data: 2, Tail: 4})
	found := OneValue(t, 8)
	read := func(size int32) asm.Instructions { // reads size bytes at the address in R3, and loads them into R3
		return asm.Instructions{
			asm.LoadMapValue(asm.R1, found.FD(), 0),
			asm.Mov.Imm(asm.R2, size),
			asm.FnProbeReadKernel.Call(),
			asm.LoadMapValue(asm.R1, found.FD(), 0),
			asm.LoadMem(asm.R3, asm.R1, 0, asm.DWord),
		}
	}
	insns := asm.Instructions{
		asm.LoadMem(asm.R3, asm.R1, 0, asm.DWord),
		asm.Add.Imm(asm.R3, int32(skb.offsets["data"])),
	}
	insns = append(append(append(insns, read(8)...), read(1)...), asm.Mov.Imm(asm.R0, 0), asm.Return())
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.RawTracepoint, License: "GPL", Instructions: insns})
	must(t, err)
	defer program.Close()
	skb.Run(t, program)
	var value [8]byte
	must(t, found.Lookup(uint32(0), &value))
	if value[0] != 3 {
		t.Errorf("found %d, want 3", value[0])
	}
}
