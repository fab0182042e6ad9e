// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

const (
	skbMemory = 1024 // where the packet's memory begins, behind the sk_buff
	skbShared = 4096 // where the shared info begins, in that memory
	skbSize   = skbMemory + skbShared + 1024
)

// SkbMemory is how many bytes the packet's memory has.
const SkbMemory = skbShared

// Skb is an sk_buff that a test makes, in the value of a map: the sk_buff as this kernel has
// it, the memory of its packet, and the shared info.
type Skb struct {
	// Address is the kernel address of the sk_buff.
	Address uint64

	values  *ebpf.Map
	value   []byte
	offsets map[string]uint32
}

// SkbState is what an sk_buff says: offsets in the memory, and the Ethertype.
type SkbState struct {
	Memory                        []byte
	Mac, Network, Transport, Data int
	Tail                          int
	Protocol                      uint16
	// Tag is the VLAN tag that was taken out of the frame; 0 is none.
	Tag uint16
}

// NewSkb makes one that says nothing yet.
func NewSkb(t testing.TB) *Skb {
	t.Helper()
	Root(t)
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skip(err)
	}
	var skb *btf.Struct
	must(t, types.TypeByName("sk_buff", &skb))
	s := &Skb{value: make([]byte, skbSize), offsets: map[string]uint32{}}
	addOffsets(s.offsets, skb.Members, 0)
	s.values = OneValue(t, skbSize)
	s.Address = ValueAddress(t, s.values)
	return s
}

// addOffsets finds where members are, those of unnamed members too.
func addOffsets(offsets map[string]uint32, members []btf.Member, base uint32) {
	for _, m := range members {
		at := base + m.Offset.Bytes()
		if m.Name != "" {
			offsets[m.Name] = at
			continue
		}
		switch typ := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			addOffsets(offsets, typ.Members, at)
		case *btf.Union:
			addOffsets(offsets, typ.Members, at)
		}
	}
}

func (s *Skb) set(member string, size int, value uint64) {
	at := s.value[s.offsets[member]:]
	switch size {
	case 2:
		binary.NativeEndian.PutUint16(at, uint16(value))
	case 4:
		binary.NativeEndian.PutUint32(at, uint32(value))
	case 8:
		binary.NativeEndian.PutUint64(at, value)
	}
}

// Put has the sk_buff say that.
func (s *Skb) Put(t testing.TB, state SkbState) {
	t.Helper()
	clear(s.value)
	head := s.Address + skbMemory
	s.set("head", 8, head)
	s.set("data", 8, head+uint64(state.Data))
	s.set("tail", 4, uint64(state.Tail))
	s.set("end", 4, skbShared)
	s.set("len", 4, uint64(state.Tail-state.Data))
	s.set("mac_header", 2, uint64(state.Mac))
	s.set("network_header", 2, uint64(state.Network))
	s.set("transport_header", 2, uint64(state.Transport))
	binary.BigEndian.PutUint16(s.value[s.offsets["protocol"]:], state.Protocol)
	if state.Tag != 0 {
		s.setTag(t, state.Tag)
	}
	if len(state.Memory) > skbShared {
		t.Fatalf("%d bytes have no room in %d", len(state.Memory), skbShared)
	}
	copy(s.value[skbMemory:], state.Memory)
	must(t, s.values.Put(uint32(0), s.value))
}

// setTag has an 802.1Q tag as kernels keep it since 6.2, where its Ethertype says that there is one.
func (s *Skb) setTag(t testing.TB, tag uint16) {
	t.Helper()
	if _, older := s.offsets["vlan_present"]; older {
		t.Skip("this kernel has a bit for VLAN tags that is not made here")
	}
	binary.BigEndian.PutUint16(s.value[s.offsets["vlan_proto"]:], 0x8100)
	s.set("vlan_tci", 2, uint64(tag))
}

// Run runs the program of a raw tracepoint with the sk_buff as its first argument.
func (s *Skb) Run(t testing.TB, program *ebpf.Program) {
	t.Helper()
	_, err := program.Run(&ebpf.RunOptions{Context: [12]uint64{s.Address}})
	must(t, err)
}
