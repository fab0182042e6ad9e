// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Program describes a BPF program to load, with BTF like that of a compiler.
type Program struct {
	Name   string
	Type   ebpf.ProgramType
	Attach ebpf.AttachType
	// Context is the struct to which its argument points according to BTF; __sk_buff by default.
	Context string
	// Untyped omits the BTF.
	Untyped bool
	Body    asm.Instructions
}

// Returns returns the body of a program that always returns this verdict.
func Returns(verdict int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, verdict), asm.Return()}
}

// LoadProgram loads a program, and closes it at the end of the test.
func LoadProgram(t testing.TB, p Program) *ebpf.Program {
	t.Helper()
	must(t, rlimit.RemoveMemlock())
	program, err := ebpf.NewProgram(p.Spec())
	must(t, err)
	t.Cleanup(func() { program.Close() })
	return program
}

// ProgramArray returns a map for tail calls (BPF_MAP_TYPE_PROG_ARRAY) with the programs, from index 0 on.
func ProgramArray(t testing.TB, programs ...*ebpf.Program) *ebpf.Map {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: uint32(len(programs) + 3)})
	must(t, err)
	t.Cleanup(func() { m.Close() })
	for i, p := range programs {
		must(t, m.Put(uint32(i), uint32(p.FD())))
	}
	return m
}

// Spec returns the spec to load the program.
func (p Program) Spec() *ebpf.ProgramSpec {
	body := append(asm.Instructions{}, p.Body...)
	if !p.Untyped {
		body[0] = btf.WithFuncMetadata(body[0].WithSymbol(p.Name), p.function())
	}
	return &ebpf.ProgramSpec{Name: p.Name, Type: p.Type, AttachType: p.Attach, License: "GPL", Instructions: body}
}

// function returns the BTF of int NAME(struct CONTEXT *).
func (p Program) function() *btf.Func {
	name := p.Context
	if name == "" {
		name = "__sk_buff"
	}
	number := &btf.Int{Name: "unsigned int", Size: 4}
	context := &btf.Struct{Name: name, Size: 4, Members: []btf.Member{{Name: "len", Type: number}}}
	return &btf.Func{Name: p.Name, Linkage: btf.GlobalFunc, Type: &btf.FuncProto{
		Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
		Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: context}}},
	}}
}

// TC attaches a program to a device as a tc filter (cls_bpf, direct action), until the test ends.
func TC(t testing.TB, n *Netns, device string, egress bool, p *ebpf.Program) {
	t.Helper()
	t.Cleanup(AddTC(t, n, device, egress, p))
}

// AddTC is TC, until the returned function is called.
func AddTC(t testing.TB, n *Netns, device string, egress bool, p *ebpf.Program) (remove func()) {
	t.Helper()
	needsModule(t, n.withLink(device, func(l netlink.Link) error {
		filter := tcFilter(l.Attrs().Index, egress, p)
		remove = func() { must(t, n.Do(func() error { return netlink.FilterDel(filter) })) }
		return errors.Join(replaceClsact(l), netlink.FilterAdd(filter))
	}))
	return remove
}

// TCs attaches programs to the ingress of a device with one tc filter.
func TCs(t testing.TB, n *Netns, device string, programs ...*ebpf.Program) {
	t.Helper()
	needsModule(t, n.withLink(device, func(l netlink.Link) error {
		err := replaceClsact(l)
		for i, p := range programs {
			filter := tcFilter(l.Attrs().Index, false, p)
			filter.Handle = uint32(i + 1)
			err = errors.Join(err, netlink.FilterAdd(filter))
		}
		return err
	}))
}

// replaceClsact gives a device the queueing discipline that tc filters of packets in both directions are attached to.
func replaceClsact(l netlink.Link) error {
	queue := &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
	if err := netlink.QdiscReplace(queue); err != nil {
		return fmt.Errorf("clsact qdisc: %w", err)
	}
	return nil
}

func tcFilter(device int, egress bool, p *ebpf.Program) *netlink.BpfFilter {
	parent := uint32(netlink.HANDLE_MIN_INGRESS)
	if egress {
		parent = netlink.HANDLE_MIN_EGRESS
	}
	return &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: device, Parent: parent, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL},
		Fd:          p.FD(), Name: "test", DirectAction: true,
	}
}
