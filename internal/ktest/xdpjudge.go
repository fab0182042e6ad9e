// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"net"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

// Judge is an XDP program whose verdict on a datagram of UDP over IPv4 depends on the destination port: see
// [JudgePort]. It has BTF, so that other programs can be attached to it.
type Judge struct {
	Netns  *Netns
	Device string
	// Name is the name of the program and of its function.
	Name string
	// To is the device in the same namespace to which it redirects; empty if it does not.
	To string
	// Tail is the target of its tail call; nil if it makes none.
	Tail *ebpf.Program
	// Generic runs the program in the network stack instead of the device's driver.
	Generic bool
}

// Sentence is what a [Judge] does with a datagram.
type Sentence uint16

// The first five have the values of the XDP verdicts.
const (
	Abort Sentence = iota
	Drop
	Pass
	Back
	Forward
	// GoOn makes a tail call.
	GoOn
	// Disguise changes the destination port to DisguisedPort, and passes the datagram.
	Disguise
	// DropDisguised does the same, but drops it.
	DropDisguised
)

const (
	judgedPort = 7000
	// DisguisedPort is the destination port of disguised datagrams.
	DisguisedPort = 7777
)

// JudgePort returns the destination port for which a [Judge] does something. It passes datagrams to any other
// port.
func JudgePort(s Sentence) uint16 { return judgedPort + uint16(s) }

// Attach attaches the program to the device until the test ends, or until the link is closed.
func (j Judge) Attach(t testing.TB) link.Link {
	t.Helper()
	must(t, rlimit.RemoveMemlock())
	var l link.Link
	must(t, j.Netns.Do(func() (err error) { l, err = j.attach(t); return err }))
	t.Cleanup(func() { l.Close() })
	return l
}

func (j Judge) attach(t testing.TB) (link.Link, error) {
	device, err := net.InterfaceByName(j.Device)
	if err != nil {
		return nil, err
	}
	p, err := j.load(t)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return link.AttachXDP(link.XDPOptions{Program: p, Interface: device.Index, Flags: XDP{Generic: j.Generic}.mode()})
}

func (j Judge) load(t testing.TB) (*ebpf.Program, error) {
	list := append(onlyUDP(), dispatch()...)
	list = append(list, back()...)
	list = append(list, disguise()...)
	more, err := j.forward(t)
	if err != nil {
		return nil, err
	}
	list = append(list, more...)
	if more, err = j.goOn(t); err != nil {
		return nil, err
	}
	return loadXDP(j.Name, append(list, more...))
}

// NewTail returns an XDP program for tail calls, with its verdict.
func NewTail(t testing.TB, name string, answer Sentence) *ebpf.Program {
	t.Helper()
	must(t, rlimit.RemoveMemlock())
	p, err := loadXDP(name, asm.Instructions{asm.Mov.Imm(asm.R0, int32(answer)), asm.Return()})
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

func loadXDP(name string, instructions asm.Instructions) (*ebpf.Program, error) {
	instructions[0] = btf.WithFuncMetadata(instructions[0], xdpFunction(name)).WithSymbol(name)
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: name, Type: ebpf.XDP, License: "GPL", Instructions: instructions})
	if err != nil {
		return nil, fmt.Errorf("XDP program %q: %+v", name, err)
	}
	return p, nil
}

// xdpFunction returns the BTF of an XDP program. The kernel checks the name of the struct that its argument
// points to.
func xdpFunction(name string) *btf.Func {
	word := &btf.Int{Name: "unsigned int", Size: 4}
	var members []btf.Member
	for i, member := range []string{"data", "data_end", "data_meta", "ingress_ifindex", "rx_queue_index", "egress_ifindex"} {
		members = append(members, btf.Member{Name: member, Type: word, Offset: btf.Bits(32 * i)})
	}
	context := &btf.Struct{Name: "xdp_md", Size: 24, Members: members}
	return &btf.Func{
		Name: name, Linkage: btf.GlobalFunc,
		Type: &btf.FuncProto{
			Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
			Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: context}}},
		},
	}
}

// dispatch jumps to the code of the sentence. It has the sentence in R6, the frame in R7 and the program's
// context in R8.
func dispatch() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R8, asm.R1).WithSymbol("count"),
		asm.LoadMem(asm.R6, asm.R7, frameDport, asm.Half),
		asm.HostTo(asm.BE, asm.R6, asm.Half),
		asm.Sub.Imm(asm.R6, judgedPort),
		asm.JEq.Imm(asm.R6, int32(Back), "back"),
		asm.JEq.Imm(asm.R6, int32(Forward), "forward"),
		asm.JEq.Imm(asm.R6, int32(GoOn), "go on"),
		asm.JEq.Imm(asm.R6, int32(Disguise), "disguise"),
		asm.JEq.Imm(asm.R6, int32(DropDisguised), "disguise"),
		asm.JGT.Imm(asm.R6, int32(DropDisguised), "pass"),
		asm.Mov.Reg(asm.R0, asm.R6),
		asm.Return(),
	}
}

func back() asm.Instructions { return labelled("back", sendBack()) }

// disguise does not update the checksum, since the datagrams are not received.
func disguise() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R1, DisguisedPort).WithSymbol("disguise"),
		asm.HostTo(asm.BE, asm.R1, asm.Half),
		asm.StoreMem(asm.R7, frameDport, asm.R1, asm.Half),
		asm.JEq.Imm(asm.R6, int32(Disguise), "pass"),
		asm.Mov.Imm(asm.R0, int32(Drop)),
		asm.Return(),
	}
}

func (j Judge) forward(t testing.TB) (asm.Instructions, error) {
	if j.To == "" {
		return passAt("forward"), nil
	}
	to, err := deviceMap(t, j.To)
	if err != nil {
		return nil, err
	}
	return labelled("forward", sendTo(to)), nil
}

func (j Judge) goOn(t testing.TB) (asm.Instructions, error) {
	if j.Tail == nil {
		return passAt("go on"), nil
	}
	programs, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { programs.Close() })
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R8).WithSymbol("go on"),
		asm.LoadMapPtr(asm.R2, programs.FD()),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, int32(Abort)),
		asm.Return(),
	}, programs.Put(uint32(0), j.Tail)
}

func passAt(label string) asm.Instructions {
	return asm.Instructions{asm.Ja.Label("pass").WithSymbol(label)}
}

func labelled(label string, list asm.Instructions) asm.Instructions {
	list[0] = list[0].WithSymbol(label)
	return list
}
