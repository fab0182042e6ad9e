// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/ringbuf"

	"tracer/internal/ktest"
)

// The lab has the program of a tracepoint look at sk_buffs that the tests make: in the value
// of a map lie the sk_buff, the memory of its packet, and the shared info.
const (
	labMemory = 1024 // where the packet's memory begins
	labShared = 4096 // where the shared info begins, in that memory
	labSize   = labMemory + labShared + 1024
	labPort   = 4789 // of VXLAN
	labGeneve = 6081
)

type skbLab struct {
	skbs    *ebpf.Map
	address uint64
	offsets map[string]uint32
	value   []byte
	program *ebpf.Program
	events  *ringbuf.Reader
}

// newSkbLab loads the program with a filter's body, nil for none, and with that many bytes of
// the frame for it. Members are read without a helper where direct is given.
func newSkbLab(t testing.TB, c Config, bodies Bodies) *skbLab {
	t.Helper()
	ktest.Root(t)
	c.Meta, c.Tuple, c.Tunnel = true, true, true
	c.VxlanPorts[0], c.GenevePorts[0] = labPort, labGeneve
	l := &skbLab{value: make([]byte, labSize)}
	l.findOffsets(t)
	l.makeMap(t)
	spec, _, err := ReadObject().Collection(Spec{Config: c, Bodies: bodies, RingSize: 1 << 16, Programs: []Program{
		{Name: "skb", Template: TracepointTemplate, Facts: &Facts{Number: 1, Location: -1, Reason: -1}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	collection, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(collection.Close)
	if err := collection.Variables["running"].Set(uint32(1)); err != nil {
		t.Fatal(err)
	}
	l.program = collection.Programs["skb"]
	if l.events, err = ringbuf.NewReader(collection.Maps[eventsMap]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.events.Close() })
	l.events.SetDeadline(time.Unix(1, 0))
	return l
}

// findOffsets finds where the members of an sk_buff are.
func (l *skbLab) findOffsets(t testing.TB) {
	t.Helper()
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skip(err)
	}
	var skb *btf.Struct
	if err := types.TypeByName("sk_buff", &skb); err != nil {
		t.Fatal(err)
	}
	l.offsets = map[string]uint32{}
	addOffsets(l.offsets, skb.Members, 0)
}

func addOffsets(offsets map[string]uint32, members []btf.Member, base uint32) {
	for _, m := range members {
		at := base + m.Offset.Bytes()
		switch typ := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			if m.Name == "" {
				addOffsets(offsets, typ.Members, at)
			}
		case *btf.Union:
			if m.Name == "" {
				addOffsets(offsets, typ.Members, at)
			}
		}
		if m.Name != "" {
			offsets[m.Name] = at
		}
	}
}

// makeMap makes the map and finds its address: a program makes a number of it, with which it
// fills the first word.
func (l *skbLab) makeMap(t testing.TB) {
	t.Helper()
	var err error
	if l.skbs, err = ebpf.NewMap(&ebpf.MapSpec{Name: "lab", Type: ebpf.Array, KeySize: 4, ValueSize: labSize, MaxEntries: 1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.skbs.Close() })
	finder, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "finder", Type: ebpf.SchedCLS, License: "GPL", Instructions: asm.Instructions{
		asm.LoadMapValue(asm.R6, l.skbs.FD(), 0),
		asm.StoreMem(asm.R10, -8, asm.R6, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 8),
		asm.Mov.Reg(asm.R3, asm.R10),
		asm.Add.Imm(asm.R3, -8),
		asm.FnProbeReadKernel.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer finder.Close()
	if _, err := finder.Run(&ebpf.RunOptions{Data: make([]byte, 14)}); err != nil {
		t.Fatal(err)
	}
	if err := l.skbs.Lookup(uint32(0), l.value); err != nil {
		t.Fatal(err)
	}
	l.address = binary.NativeEndian.Uint64(l.value)
}

// labSkb is an sk_buff: offsets in the memory, which has those bytes in front of the shared info.
type labSkb struct {
	memory                        []byte
	mac, network, transport, data int
	protocol                      uint16
	tail                          int
}

func (l *skbLab) set16(member string, value int) {
	binary.NativeEndian.PutUint16(l.value[l.offsets[member]:], uint16(value))
}

func (l *skbLab) set32(member string, value int) {
	binary.NativeEndian.PutUint32(l.value[l.offsets[member]:], uint32(value))
}

func (l *skbLab) set64(member string, value uint64) {
	binary.NativeEndian.PutUint64(l.value[l.offsets[member]:], value)
}

// put makes it the sk_buff that the program looks at.
func (l *skbLab) put(t testing.TB, s labSkb) {
	t.Helper()
	clear(l.value)
	head := l.address + labMemory
	l.set64("head", head)
	l.set64("data", head+uint64(s.data))
	l.set32("tail", s.tail)
	l.set32("end", labShared)
	l.set32("len", s.tail-s.data)
	l.set16("mac_header", s.mac)
	l.set16("network_header", s.network)
	l.set16("transport_header", s.transport)
	binary.BigEndian.PutUint16(l.value[l.offsets["protocol"]:], s.protocol)
	if copy(l.value[labMemory:labMemory+labShared], s.memory) < len(s.memory) {
		t.Fatalf("%d bytes have no room", len(s.memory))
	}
	if err := l.skbs.Put(uint32(0), l.value); err != nil {
		t.Fatal(err)
	}
}

// seen is what an event tells of a packet.
type seen struct {
	Tuple  Tuple
	Tunnel Tunnel
}

// run returns what the program tells of the sk_buff; nil where the filter does not match.
func (l *skbLab) run(t testing.TB) *seen {
	t.Helper()
	var context [12]uint64
	context[0] = l.address
	if _, err := l.program.Run(&ebpf.RunOptions{Context: context}); err != nil {
		t.Fatal(err)
	}
	record, err := l.events.Read()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	raw := record.RawSample[unsafe.Sizeof(Core{})+unsafe.Sizeof(Meta{}):]
	return &seen{*(*Tuple)(unsafe.Pointer(&raw[0])), *(*Tunnel)(unsafe.Pointer(&raw[unsafe.Sizeof(Tuple{})]))}
}

// look puts the sk_buff and runs the program.
func (l *skbLab) look(t testing.TB, s labSkb) *seen {
	t.Helper()
	l.put(t, s)
	return l.run(t)
}
