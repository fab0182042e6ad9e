// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

const (
	skbMemory = 1024 // offset of the packet's memory (skb->head) in the value, after the sk_buff
	skbShared = 4096 // offset of skb_shared_info (skb->end) in that memory
	skbSize   = skbMemory + skbShared + 1024
)

// SkbMemory is the size of the packet's memory in bytes.
const SkbMemory = skbShared

// Skb is an sk_buff that a test builds in the value of a map: struct sk_buff with this kernel's layout, the memory
// of its packet, and struct skb_shared_info.
type Skb struct {
	// Address is the kernel address of the sk_buff.
	Address uint64

	values  *ebpf.Map
	value   []byte
	offsets map[string]uint32
}

// SkbState is the content of an sk_buff: its memory, offsets in it, and the Ethertype.
type SkbState struct {
	Memory                        []byte
	Mac, Network, Transport, Data int
	Tail                          int
	Protocol                      uint16
	// Tag is the VLAN tag in skb->vlan_tci; 0 if there is none.
	Tag uint16
}

// NewSkb returns an empty sk_buff.
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

// addOffsets adds the offsets of members, including the members of anonymous structs and unions.
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

// Head returns the address of the memory.
func (s *Skb) Head() uint64 { return s.Address + skbMemory }

// Put sets the content of the sk_buff.
func (s *Skb) Put(t testing.TB, state SkbState) {
	t.Helper()
	clear(s.value)
	head := s.Head()
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
		t.Fatalf("%d bytes do not fit into %d", len(state.Memory), skbShared)
	}
	copy(s.value[skbMemory:], state.Memory)
	must(t, s.values.Put(uint32(0), s.value))
}

// setTag sets an 802.1Q tag as kernels store it since 6.2: a nonzero vlan_proto means that there is a tag.
func (s *Skb) setTag(t testing.TB, tag uint16) {
	t.Helper()
	if _, older := s.offsets["vlan_present"]; older {
		t.Skip("this kernel marks VLAN tags with a bit, which is not supported here")
	}
	binary.BigEndian.PutUint16(s.value[s.offsets["vlan_proto"]:], 0x8100)
	s.set("vlan_tci", 2, uint64(tag))
}

// Run runs a raw tracepoint program with the sk_buff as its first argument.
func (s *Skb) Run(t testing.TB, program *ebpf.Program) {
	t.Helper()
	_, err := program.Run(&ebpf.RunOptions{Context: [12]uint64{s.Address}})
	must(t, err)
}
