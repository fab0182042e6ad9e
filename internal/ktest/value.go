// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// OneValue returns an array map with one value of that many bytes.
func OneValue(t testing.TB, size uint32) *ebpf.Map {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: size, MaxEntries: 1})
	must(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// ValueAddress returns the kernel address of the array's value. A program stores it in the
// first bytes of the value.
func ValueAddress(t testing.TB, array *ebpf.Map) uint64 {
	t.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: asm.Instructions{
		asm.LoadMapValue(asm.R1, array.FD(), 0),
		asm.StoreMem(asm.R1, 0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}})
	must(t, err)
	defer program.Close()
	_, err = program.Run(&ebpf.RunOptions{Data: make([]byte, 14)})
	must(t, err)
	value, err := array.LookupBytes(uint32(0))
	must(t, err)
	return binary.NativeEndian.Uint64(value)
}
