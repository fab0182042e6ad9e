// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/ringbuf"

	"tracer/internal/bpf"
	"tracer/internal/event"
	"tracer/internal/ktest"
)

const (
	labSize = 16 << 10
	// Where in the lab's memory the sk_buff and its data are. All around the frame lies marker.
	skbAt  = 64
	headAt = 2048
	roomy  = 256 // bytes in front of the frame
	most   = 8 << 10
	marker = 0xa5
)

// lab has the programs of this kernel look at frames: an sk_buff is made in the memory of a
// map, and the program of a tracepoint is run with its address.
type lab struct {
	program *ebpf.Program
	memory  *ebpf.Map
	address uint64
	members map[string]uint32
	ring    *ringbuf.Reader
	decoder *Decoder
}

// newLab is one whose programs read memory by a helper, or directly.
func newLab(t *testing.T, cast asm.Instruction) *lab {
	t.Helper()
	ktest.Root(t)
	config := bpf.Config{Tuple: true, Tunnel: true, Direct: cast.OpCode != 0}
	config.VxlanPorts = [len(config.VxlanPorts)]uint16{4789, 4790}
	config.GenevePorts[0] = 6081
	spec, _, err := bpf.ReadObject().Collection(bpf.Spec{
		Config: config, Bodies: bpf.Bodies{Cast: cast}, RingSize: 1 << 20,
		Programs: []bpf.Program{{Name: "frame", Template: bpf.TracepointTemplate, Facts: &bpf.Facts{Location: -1, Reason: -1}}},
	})
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
	l := &lab{program: collection.Programs["frame"], members: skbMembers(t), decoder: NewDecoder(LayoutOf(config))}
	if l.ring, err = ringbuf.NewReader(collection.Maps["events"]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.ring.Close() })
	l.memory, l.address = ownMemory(t)
	return l
}

// ownMemory is a map and the address of its only value, which a program puts in there.
func ownMemory(t *testing.T) (*ebpf.Map, uint64) {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: labSize, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.RawTracepoint, License: "GPL", Instructions: asm.Instructions{
		asm.LoadMapValue(asm.R1, m.FD(), 0),
		asm.StoreMem(asm.R1, 0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Run(&ebpf.RunOptions{}); err != nil {
		t.Fatal(err)
	}
	value := make([]byte, labSize)
	if err := m.Lookup(uint32(0), value); err != nil {
		t.Fatal(err)
	}
	return m, binary.NativeEndian.Uint64(value)
}

// skbMembers is where this kernel's sk_buff has its members, in bytes.
func skbMembers(t *testing.T) map[string]uint32 {
	t.Helper()
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var skb *btf.Struct
	if err := types.TypeByName("sk_buff", &skb); err != nil {
		t.Fatal(err)
	}
	found := map[string]uint32{}
	addMembers(found, skb.Members, 0)
	return found
}

func addMembers(found map[string]uint32, members []btf.Member, base uint32) {
	for _, m := range members {
		at := base + m.Offset.Bytes()
		if m.Name != "" {
			found[m.Name] = at
			continue
		}
		switch inner := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			addMembers(found, inner.Members, at)
		case *btf.Union:
			addMembers(found, inner.Members, at)
		}
	}
}

// place is where the sk_buff says that the network header is, in bytes from the Ethernet header.
type place func(frame []byte) int

// asReceived: the driver has only stepped over the Ethernet header.
func asReceived([]byte) int { return 14 }

// look is the event that the frame leads to.
func (l *lab) look(t *testing.T, frame []byte, network place) *event.Event {
	t.Helper()
	if err := l.memory.Put(uint32(0), l.layOut(frame, network)); err != nil {
		t.Fatal(err)
	}
	context := binary.NativeEndian.AppendUint64(nil, l.address+skbAt)
	if _, err := l.program.Run(&ebpf.RunOptions{Context: append(context, make([]byte, 88)...)}); err != nil {
		t.Fatal(err)
	}
	l.ring.SetDeadline(time.Now().Add(5 * time.Second))
	l.ring.Flush()
	record, err := l.ring.Read()
	if err != nil {
		t.Fatalf("no event of % x: %v", frame, err)
	}
	e, err := l.decoder.Decode(record.RawSample)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// layOut is the memory with the sk_buff and its frame.
func (l *lab) layOut(frame []byte, network place) []byte {
	memory := make([]byte, labSize)
	for i := headAt; i < labSize; i++ {
		memory[i] = marker
	}
	copy(memory[headAt+roomy:], frame)
	clear(memory[headAt+most : headAt+most+1024]) // struct skb_shared_info
	put := func(member string, size int, value uint64) {
		var b [8]byte
		binary.NativeEndian.PutUint64(b[:], value)
		if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 { // big endian
			copy(b[:], b[8-size:])
		}
		copy(memory[skbAt+l.members[member]:], b[:size])
	}
	head, end := l.address+headAt, roomy+uint64(len(frame))
	put("head", 8, head)
	put("data", 8, head+roomy)
	put("len", 4, uint64(len(frame)))
	put("tail", 4, end)
	put("end", 4, most)
	put("mac_header", 2, roomy)
	put("network_header", 2, roomy+uint64(network(frame)))
	if len(frame) >= 14 {
		copy(memory[skbAt+l.members["protocol"]:], frame[12:14])
	}
	return memory
}
