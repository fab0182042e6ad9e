// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"

	"tracer/internal/ktest"
)

// The tests run bodies in the kernel. The memory that they read is a map value, which the test fills.
// A small program returns the kernel address of the map value, so the bytes can contain valid
// pointers.

const (
	worldSize  = 4096
	outputSize = MaxBytes
)

// lab holds the memory that expressions read.
type lab struct {
	world   *ebpf.Map
	output  *ebpf.Map
	address uint64 // of the first byte of the world
}

// newLab skips the test without the privilege to load programs.
func newLab(tb testing.TB) *lab {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("loading programs needs root")
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		tb.Fatal(err)
	}
	l := &lab{world: ktest.OneValue(tb, 8+worldSize), output: ktest.OneValue(tb, outputSize)}
	l.address = ktest.ValueAddress(tb, l.world) + 8
	return l
}

func lookup(tb testing.TB, m *ebpf.Map) []byte {
	tb.Helper()
	value, err := m.LookupBytes(uint32(0))
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

// show writes the bytes of the world, and sets the address of the packet, which may be invalid.
func (l *lab) show(tb testing.TB, packet uint64, bytes []byte) {
	tb.Helper()
	value := make([]byte, 8+worldSize)
	binary.NativeEndian.PutUint64(value, packet)
	copy(value[8:], bytes)
	if err := l.world.Put(uint32(0), value); err != nil {
		tb.Fatal(err)
	}
}

// load loads a program into the kernel.
func load(tb testing.TB, insns asm.Instructions) *ebpf.Program {
	tb.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: insns})
	if err != nil {
		tb.Fatalf("%+v\n%s", err, insns)
	}
	tb.Cleanup(func() { prog.Close() })
	return prog
}

func run(tb testing.TB, prog *ebpf.Program) uint32 {
	tb.Helper()
	result, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 14)})
	if err != nil {
		tb.Fatal(err)
	}
	return result
}

// body loads a body with a caller that passes the address of the packet, as a scalar, and
// a pointer to the output.
func (l *lab) body(tb testing.TB, body asm.Instructions) *ebpf.Program {
	tb.Helper()
	insns := asm.Instructions{
		asm.LoadMapValue(asm.R1, l.world.FD(), 0),
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),
		asm.LoadMapValue(asm.R2, l.output.FD(), 0),
		asm.Call.Label("body"),
		asm.Return(),
	}
	body = append(asm.Instructions{}, body...)
	body[0] = body[0].WithSymbol("body")
	return load(tb, append(insns, body...))
}

// dirty fills the output with non-zero bytes.
func (l *lab) dirty(tb testing.TB) {
	tb.Helper()
	bytes := make([]byte, outputSize)
	for i := range bytes {
		bytes[i] = 0xa5
	}
	if err := l.output.Put(uint32(0), bytes); err != nil {
		tb.Fatal(err)
	}
}

// matches runs a condition.
func (l *lab) matches(tb testing.TB, prog *ebpf.Program) bool {
	tb.Helper()
	return run(tb, prog) != 0
}

// reads runs a value and returns the output. It returns false if the value could not be read.
func (l *lab) reads(tb testing.TB, prog *ebpf.Program) ([]byte, bool) {
	tb.Helper()
	l.dirty(tb)
	failed := run(tb, prog)
	return lookup(tb, l.output), failed == 0
}
