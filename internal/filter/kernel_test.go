// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"

	"tracer/internal/ktest"
)

// The kernel runs the same body that replaces filter_packet in the BPF programs. The tests
// add a caller, which fills struct packet (bpf/packet/packet.h), and a load_packet that reads the
// frame from a map instead of kernel memory.

const (
	maxFrame   = 1 << 16
	frameBytes = 8 // offset of the frame in the map value, after its length
	packetSize = 160
)

// lab holds the frame that the test programs read.
type lab struct {
	frames *ebpf.Map
	value  []byte
}

// newLab skips the test if programs can't be loaded for lack of privileges.
func newLab(tb testing.TB) *lab {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("loading programs needs root")
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		tb.Fatal(err)
	}
	const size = frameBytes + maxFrame + packetSize
	return &lab{frames: ktest.OneValue(tb, size), value: make([]byte, size)}
}

// show sets the frame that programs read. The bytes after its end are not zero, so that a
// verdict that depends on them is wrong.
func (l *lab) show(tb testing.TB, frame []byte) {
	tb.Helper()
	binary.NativeEndian.PutUint32(l.value, uint32(len(frame)))
	n := copy(l.value[frameBytes:], frame)
	for i := range packetSize {
		l.value[frameBytes+n+i] = byte(0xa5 + i)
	}
	if err := l.frames.Put(uint32(0), l.value); err != nil {
		tb.Fatal(err)
	}
}

// load loads a program with the body.
func (l *lab) load(tb testing.TB, body asm.Instructions, need int) *ebpf.Program {
	tb.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "verdict", Type: ebpf.SchedCLS, License: "GPL", Instructions: l.assemble(body, need),
	})
	if err != nil {
		tb.Fatalf("%+v\n%s", err, body)
	}
	tb.Cleanup(func() { prog.Close() })
	return prog
}

// verdict runs the program and reports whether the frame matches.
func verdict(tb testing.TB, prog *ebpf.Program) bool {
	tb.Helper()
	result, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 14)})
	if err != nil {
		tb.Fatal(err)
	}
	return result != 0
}

func (l *lab) assemble(body asm.Instructions, need int) asm.Instructions {
	insns := l.caller(need)
	insns = append(insns, function("filter_packet", body)...)
	if len(body.ReferenceOffsets()["load_packet"]) > 0 {
		insns = append(insns, function("load_packet", l.loadPacket())...)
	}
	return insns
}

func function(name string, body asm.Instructions) asm.Instructions {
	insns := append(asm.Instructions{}, body...)
	insns[0] = insns[0].WithSymbol(name)
	return insns
}

// caller fills `need` bytes of the head, in 4-byte words, and the length. It calls
// the filter and converts its result to 0 or 1.
func (l *lab) caller(need int) asm.Instructions {
	insns := asm.Instructions{
		asm.LoadMapValue(asm.R6, l.frames.FD(), 0).WithSymbol("caller"),
		asm.LoadMem(asm.R1, asm.R6, 0, asm.Word),
		asm.StoreMem(asm.R10, offsetLen-packetSize, asm.R1, asm.Word),
	}
	for at := 0; at < need; at += 4 {
		insns = append(insns,
			asm.LoadMem(asm.R1, asm.R6, int16(frameBytes+at), asm.Word),
			asm.StoreMem(asm.R10, int16(offsetHead+at-packetSize), asm.R1, asm.Word))
	}
	return append(insns,
		asm.Mov.Reg(asm.R1, asm.R10),
		asm.Add.Imm(asm.R1, -packetSize),
		asm.Call.Label("filter_packet"),
		asm.JEq.Imm(asm.R0, 0, "done"),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return().WithSymbol("done"),
	)
}

// loadPacket returns a load_packet with the arguments and the result of the one in bpf/match/packet_filter.h.
func (l *lab) loadPacket() asm.Instructions {
	insns := asm.Instructions{
		asm.LoadMapValue(asm.R4, l.frames.FD(), 0),
		asm.LoadMem(asm.R5, asm.R4, 0, asm.Word),
		asm.Mov.Reg32(asm.R2, asm.R2),
		asm.Mov.Reg(asm.R0, asm.R2),
		asm.Add.Reg(asm.R0, asm.R3),
		asm.JGT.Reg(asm.R0, asm.R5, "unreadable"),
		asm.JGT.Imm(asm.R2, maxFrame-4, "unreadable"),
		asm.Add.Reg(asm.R4, asm.R2),
	}
	for _, size := range []asm.Size{asm.Byte, asm.Half, asm.Word} {
		insns = append(insns, loadSize(size)...)
	}
	return append(insns, asm.Mov.Imm(asm.R0, 1).WithSymbol("unreadable"), asm.Return())
}

// loadSize returns code that loads size bytes and returns 0 if R3, the requested size, is size.
func loadSize(size asm.Size) asm.Instructions {
	insns := asm.Instructions{
		asm.LoadMem(asm.R5, asm.R4, frameBytes, size),
		asm.StoreMem(asm.R1, offsetWord, asm.R5, asm.Word),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}
	return append(asm.Instructions{skip(asm.JNE, asm.R3, uint32(size.Sizeof()), len(insns))}, insns...)
}
