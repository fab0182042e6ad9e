// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// MapUser is a tc program that uses maps for each UDP datagram that a device receives. The key is the datagram's
// source port, as a 4-byte word.
type MapUser struct {
	// Flows is a hash table with values of 16 bytes, Limited an LRU hash table and PerCPU a per-CPU hash table
	// with values of 8 bytes. The program looks up the port in each of them, and in Flows also a key that does
	// not exist: the port with MissBit.
	Flows, Limited, PerCPU *ebpf.Map
	// Marks is a hash table with values of 8 bytes. The program stores MarkValue under the port, and deletes it
	// again.
	Marks *ebpf.Map
	// Prefixes is an LPM trie with values of 4 bytes, in which the port is looked up as a 32-bit address.
	Prefixes *ebpf.Map
	// Kfunc is set if the program calls bpf_rcu_read_lock, because the kernel has it.
	Kfunc bool
	maps  map[string]*ebpf.Map
}

const (
	// MissBit is set in a key that no map has.
	MissBit = 0x10000
	// MarkValue is the value that the program stores in Marks.
	MarkValue = 0x1122334455667788
	// StoredBytes is the word that the program writes over the beginning of the datagram's payload.
	StoredBytes = 0x58585858
)

// Offsets in the packet, and on the program's stack.
const (
	typeOffset     = 12
	protocolOffset = 14 + 9
	sportOffset    = 14 + 20
	payloadOffset  = sportOffset + 8
	storedSlot     = -8
	keySlot        = -16
	missSlot       = -24
	valueSlot      = -32
	prefixSlot     = -40
	headerSlot     = -64 // from the Ethertype to the port
	headerSize     = sportOffset + 2 - typeOffset
)

// NewMapUser loads and attaches the program, and creates its maps.
func NewMapUser(t testing.TB, n *Netns, device string) *MapUser {
	t.Helper()
	must(t, rlimit.RemoveMemlock())
	u := &MapUser{}
	must(t, u.makeMaps())
	t.Cleanup(u.close)
	program, err := u.load()
	must(t, err)
	defer program.Close()
	needsModule(t, n.withLink(device, func(link netlink.Link) error {
		return attachIngress(link.Attrs().Index, program, "map_user")
	}))
	return u
}

func (u *MapUser) makeMaps() error {
	u.maps = map[string]*ebpf.Map{}
	for _, m := range []struct {
		to   **ebpf.Map
		spec ebpf.MapSpec
	}{
		{&u.Flows, ebpf.MapSpec{Name: "flows", Type: ebpf.Hash, KeySize: 4, ValueSize: 16}},
		{&u.Limited, ebpf.MapSpec{Name: "limited", Type: ebpf.LRUHash, KeySize: 4, ValueSize: 8}},
		{&u.PerCPU, ebpf.MapSpec{Name: "per_cpu", Type: ebpf.PerCPUHash, KeySize: 4, ValueSize: 8}},
		{&u.Marks, ebpf.MapSpec{Name: "marks", Type: ebpf.Hash, KeySize: 4, ValueSize: 8}},
		{&u.Prefixes, ebpf.MapSpec{Name: "prefixes", Type: ebpf.LPMTrie, KeySize: 8, ValueSize: 4, Flags: unix.BPF_F_NO_PREALLOC}},
	} {
		m.spec.MaxEntries = 64
		made, err := ebpf.NewMap(&m.spec)
		if err != nil {
			return fmt.Errorf("map %s: %w", m.spec.Name, err)
		}
		*m.to, u.maps[m.spec.Name] = made, made
	}
	return nil
}

func (u *MapUser) close() {
	for _, m := range u.maps {
		m.Close()
	}
}

func (u *MapUser) load() (*ebpf.Program, error) {
	lock, unlock := kfuncCall("bpf_rcu_read_lock"), kfuncCall("bpf_rcu_read_unlock")
	if lock != nil && unlock != nil {
		if p, err := u.loadWith(append(lock, unlock...)); err == nil {
			u.Kfunc = true
			return p, nil
		}
	}
	return u.loadWith(nil)
}

func (u *MapUser) loadWith(more asm.Instructions) (*ebpf.Program, error) {
	return ebpf.NewProgram(&ebpf.ProgramSpec{Name: "map_user", Type: ebpf.SchedCLS, License: "GPL", Instructions: u.program(more)})
}

// kfuncCall calls a kfunc of vmlinux without arguments; nil if the kernel does not have it.
func kfuncCall(name string) asm.Instructions {
	types, err := btf.LoadKernelSpec()
	if err != nil {
		return nil
	}
	var f *btf.Func
	if err := types.TypeByName(name, &f); err != nil {
		return nil
	}
	id, err := types.TypeID(f)
	if err != nil {
		return nil
	}
	return asm.Instructions{{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), Src: asm.PseudoKfuncCall, Constant: int64(id)}}
}

func (u *MapUser) program(more asm.Instructions) asm.Instructions {
	var p asm.Instructions
	p = append(p,
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R2, typeOffset),
		asm.Mov.Reg(asm.R3, asm.R10), asm.Add.Imm(asm.R3, headerSlot),
		asm.Mov.Imm(asm.R4, headerSize),
		asm.FnSkbLoadBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "out"),
		asm.LoadMem(asm.R7, asm.R10, headerSlot, asm.Half),
		asm.HostTo(asm.BE, asm.R7, asm.Half),
		asm.JNE.Imm(asm.R7, unix.ETH_P_IP, "out"),
		asm.LoadMem(asm.R7, asm.R10, headerSlot+protocolOffset-typeOffset, asm.Byte),
		asm.JNE.Imm(asm.R7, unix.IPPROTO_UDP, "out"),
		asm.LoadMem(asm.R7, asm.R10, headerSlot+sportOffset-typeOffset, asm.Half),
		asm.HostTo(asm.BE, asm.R7, asm.Half),
		asm.StoreMem(asm.R10, keySlot, asm.R7, asm.Word),
		asm.StoreImm(asm.R10, prefixSlot, 32, asm.Word),
		asm.StoreMem(asm.R10, prefixSlot+4, asm.R7, asm.Word),
		asm.Or.Imm(asm.R7, MissBit),
		asm.StoreMem(asm.R10, missSlot, asm.R7, asm.Word),
		asm.LoadImm(asm.R1, MarkValue, asm.DWord),
		asm.StoreMem(asm.R10, valueSlot, asm.R1, asm.DWord),
	)
	p = append(p, more...)
	p = append(p, lookup(u.Flows, keySlot)...)
	p = append(p, lookup(u.Flows, missSlot)...)
	p = append(p, lookup(u.Limited, keySlot)...)
	p = append(p, lookup(u.PerCPU, keySlot)...)
	p = append(p, lookup(u.Prefixes, prefixSlot)...)
	p = append(p, withMap(u.Marks, keySlot)...)
	p = append(p,
		asm.Mov.Reg(asm.R3, asm.R10), asm.Add.Imm(asm.R3, valueSlot),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnMapUpdateElem.Call())
	p = append(p, withMap(u.Marks, keySlot)...)
	p = append(p, asm.FnMapDeleteElem.Call(),
		asm.StoreImm(asm.R10, storedSlot, StoredBytes, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, payloadOffset),
		asm.Mov.Reg(asm.R3, asm.R10), asm.Add.Imm(asm.R3, storedSlot),
		asm.Mov.Imm(asm.R4, 4),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call(),
		asm.Mov.Imm(asm.R0, int32(netlink.TC_ACT_OK)).WithSymbol("out"),
		asm.Return())
	return p
}

// withMap loads the map and the address of the key into the argument registers of map helpers.
func withMap(m *ebpf.Map, slot int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, slot),
	}
}

func lookup(m *ebpf.Map, slot int32) asm.Instructions {
	return append(withMap(m, slot), asm.FnMapLookupElem.Call())
}

// attachIngress attaches a tc program to the ingress of a device.
func attachIngress(device int, program *ebpf.Program, name string) error {
	queue := &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: device, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
	if err := netlink.QdiscAdd(queue); err != nil {
		return fmt.Errorf("clsact qdisc: %w", err)
	}
	return netlink.FilterAdd(&netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: device, Parent: netlink.HANDLE_MIN_INGRESS, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL,
		},
		Fd: program.FD(), Name: name, DirectAction: true,
	})
}
