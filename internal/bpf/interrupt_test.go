// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"encoding/binary"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// otherPacket is the address of the packet of an interrupting program.
const otherPacket = 0x1234

// interrupt returns a body of append_why that does what a program does that interrupts it: it gives the slot to another packet.
// It returns that it has appended an entry without values.
func interrupt() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R2),
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, 0).WithReference(MapDecisionSlots),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "end"),
		asm.Mov.Imm(asm.R1, otherPacket),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
		asm.Mov.Reg(asm.R0, asm.R6).WithSymbol("end"),
		asm.Add.Imm(asm.R0, int32(unsafe.Offsetof(tracerDecisionSlot{}.Entry.Values))),
		asm.Return(),
	}
}

// decidedLab loads the program of the drop tracepoint, for decisions with values of this size. If it is interrupted, that
// happens when it has found the values of its packet.
func decidedLab(t *testing.T, decisions, size uint32, isInterrupted bool) *ktest.SkbLab {
	t.Helper()
	spec, _, err := ReadObject().Collection(Spec{
		Config: Config{Why: true, Decisions: decisions}, RingSize: 1 << 16,
		Decisions: Decisions{Params: []DecisionParams{{Size: size, Flags: RewritingDecision}}},
		Programs:  []Program{{Name: "drop", Template: TracepointTemplate, Tracepoint: &TracepointParams{Number: 1, Location: -1, Reason: -1, Socket: -1, Drop: true}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if isInterrupted {
		functions := split(spec.Programs["drop"].Instructions)
		if err := functions.replace("append_why", interrupt()); err != nil {
			t.Fatal(err)
		}
		spec.Programs["drop"].Instructions = functions.join()
	}
	return ktest.NewSkbLab(t, spec, "drop")
}

// TestInterruptedDrop checks that a drop does not take the values of a decision if an interrupting program gives their slot to
// another packet meanwhile, and that the other packet keeps the slot.
func TestInterruptedDrop(t *testing.T) {
	for isInterrupted, want := range map[bool]struct {
		size uint32
		skb  uint64
	}{
		false: {uint32(unsafe.Sizeof(Why{})) + uint32(unsafe.Offsetof(tracerDecisionSlot{}.Entry.Values)) + 16, 0},
		true:  {uint32(unsafe.Sizeof(Why{})), otherPacket},
	} {
		l := decidedLab(t, 1, 16, isInterrupted)
		setSlots(t, l, 0, 16)
		if size := decidedSize(t, l); size != want.size {
			t.Errorf("interrupted %v: %d bytes of values, want %d", isInterrupted, size, want.size)
		}
		for cpu, slot := range slotsOf(t, l) {
			if slot.Skb != l.Address && slot.Skb != want.skb {
				t.Errorf("interrupted %v, CPU %d: slot of %#x, want %#x", isInterrupted, cpu, slot.Skb, want.skb)
			}
		}
	}
}

// decidedSize returns the size of the part with the values of decisions in the record of a drop; 0 if it has none.
func decidedSize(t *testing.T, l *ktest.SkbLab) uint32 {
	t.Helper()
	frame := ethernet(typeIPv4, ip(4, 1, protoUDP, make([]byte, 20)))
	record := l.Look(t, ktest.Received(ktest.InMemory(frame), len(frame)))
	if record == nil {
		t.Fatal("no record")
	}
	if (*Core)(unsafe.Pointer(&record[0])).Parts&PartWhy == 0 {
		return 0
	}
	return binary.NativeEndian.Uint32(record[unsafe.Sizeof(Core{}):])
}

// TestTooManyValues checks that a drop has no values if not all fit: a cause could hold because a value is missing.
func TestTooManyValues(t *testing.T) {
	const entry = uint32(unsafe.Offsetof(tracerDecisionSlot{}.Entry.Values)) + uint32(MaxWhyValues)
	header := uint32(unsafe.Sizeof(Why{}))
	fits := (uint32(tracerWhyLimitMAX_WHY) - header) / entry
	for n, want := range map[uint32]uint32{fits: header + fits*entry, fits + 1: 0} {
		l := decidedLab(t, n, uint32(MaxWhyValues), false)
		for slot := range n {
			setSlots(t, l, slot, uint16(MaxWhyValues))
		}
		if size := decidedSize(t, l); size != want {
			t.Errorf("%d decisions: %d bytes, want %d", n, size, want)
		}
	}
}

// setSlots fills a slot of all CPUs for the packet of the lab.
func setSlots(t *testing.T, l *ktest.SkbLab, number uint32, size uint16) {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	slot := tracerDecisionSlot{Skb: l.Address, Time: uint64(now.Nano())}
	slot.Entry.Size = size
	slots := make([]tracerDecisionSlot, ebpf.MustPossibleCPU())
	for i := range slots {
		slots[i] = slot
	}
	if err := l.Maps[MapDecisionSlots].Put(number, slots); err != nil {
		t.Fatal(err)
	}
}

func slotsOf(t *testing.T, l *ktest.SkbLab) (slots []tracerDecisionSlot) {
	t.Helper()
	if err := l.Maps[MapDecisionSlots].Lookup(uint32(0), &slots); err != nil {
		t.Fatal(err)
	}
	return slots
}
