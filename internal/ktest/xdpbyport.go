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

// XDPByPort describes an XDP program whose action on UDP over IPv4 depends on the destination port, see
// [ActionPort]. The program has BTF, so that tracing programs can be attached to it.
type XDPByPort struct {
	Netns  *Netns
	Device string
	// Name is the name of the program and of its BTF function.
	Name string
	// To is the device of ActionRedirect, in the same namespace. Without it ActionRedirect passes the datagram.
	To string
	// Tail is the target of ActionTailCall. Without it ActionTailCall passes the datagram.
	Tail *ebpf.Program
	// Generic attaches the program in generic mode (SKB mode) instead of native mode (in the driver).
	Generic bool
}

// Action is the action of an [XDPByPort] program on a datagram.
type Action uint16

// The values of the first five are those of XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX and XDP_REDIRECT.
const (
	ActionAborted Action = iota
	ActionDrop
	ActionPass
	ActionTx
	ActionRedirect
	// ActionTailCall makes a tail call.
	ActionTailCall
	// ActionRewrite changes the destination port to RewrittenPort, and passes the datagram.
	ActionRewrite
	// ActionRewriteDrop changes the destination port to RewrittenPort, and drops the datagram.
	ActionRewriteDrop
)

const (
	firstPort = 7000
	// RewrittenPort is the destination port of rewritten datagrams.
	RewrittenPort = 7777
)

// ActionPort returns the destination port that selects an action. An [XDPByPort] program passes datagrams to any port
// without an action.
func ActionPort(a Action) uint16 { return firstPort + uint16(a) }

// Attach attaches the program to the device until the test ends, or until the link is closed.
func (x XDPByPort) Attach(t testing.TB) link.Link {
	t.Helper()
	must(t, rlimit.RemoveMemlock())
	var l link.Link
	must(t, x.Netns.Do(func() (err error) { l, err = x.attach(t); return err }))
	t.Cleanup(func() { l.Close() })
	return l
}

func (x XDPByPort) attach(t testing.TB) (link.Link, error) {
	device, err := net.InterfaceByName(x.Device)
	if err != nil {
		return nil, err
	}
	p, err := x.load(t)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return link.AttachXDP(link.XDPOptions{Program: p, Interface: device.Index, Flags: XDP{Generic: x.Generic}.mode()})
}

func (x XDPByPort) load(t testing.TB) (*ebpf.Program, error) {
	list := append(onlyUDP(), dispatch()...)
	list = append(list, tx()...)
	list = append(list, rewrite()...)
	more, err := x.redirect(t)
	if err != nil {
		return nil, err
	}
	list = append(list, more...)
	if more, err = x.tailCall(t); err != nil {
		return nil, err
	}
	return loadXDP(x.Name, append(list, more...))
}

// NewXDPTail returns an XDP program for tail calls, which returns one of the verdicts ActionAborted to ActionTx.
func NewXDPTail(t testing.TB, name string, verdict Action) *ebpf.Program {
	t.Helper()
	must(t, rlimit.RemoveMemlock())
	p, err := loadXDP(name, asm.Instructions{asm.Mov.Imm(asm.R0, int32(verdict)), asm.Return()})
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

// xdpFunction returns the BTF of an XDP program. The kernel checks that the argument is a pointer to a struct named
// xdp_md.
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

// dispatch jumps to the code of the action, or returns the verdict if the action is only a verdict. It loads the
// action into R6 and the context (xdp_md) into R8; the frame is in R7.
func dispatch() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R8, asm.R1).WithSymbol("count"),
		asm.LoadMem(asm.R6, asm.R7, frameDport, asm.Half),
		asm.HostTo(asm.BE, asm.R6, asm.Half),
		asm.Sub.Imm(asm.R6, firstPort),
		asm.JEq.Imm(asm.R6, int32(ActionTx), "tx"),
		asm.JEq.Imm(asm.R6, int32(ActionRedirect), "redirect"),
		asm.JEq.Imm(asm.R6, int32(ActionTailCall), "tail call"),
		asm.JEq.Imm(asm.R6, int32(ActionRewrite), "rewrite"),
		asm.JEq.Imm(asm.R6, int32(ActionRewriteDrop), "rewrite"),
		asm.JGT.Imm(asm.R6, int32(ActionRewriteDrop), "pass"),
		asm.Mov.Reg(asm.R0, asm.R6),
		asm.Return(),
	}
}

func tx() asm.Instructions { return labelled("tx", sendBack()) }

// rewrite does not update the checksum, since no socket has to receive the datagram.
func rewrite() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R1, RewrittenPort).WithSymbol("rewrite"),
		asm.HostTo(asm.BE, asm.R1, asm.Half),
		asm.StoreMem(asm.R7, frameDport, asm.R1, asm.Half),
		asm.JEq.Imm(asm.R6, int32(ActionRewrite), "pass"),
		asm.Mov.Imm(asm.R0, int32(ActionDrop)),
		asm.Return(),
	}
}

func (x XDPByPort) redirect(t testing.TB) (asm.Instructions, error) {
	if x.To == "" {
		return passAt("redirect"), nil
	}
	to, err := deviceMap(t, x.To)
	if err != nil {
		return nil, err
	}
	return labelled("redirect", sendTo(to)), nil
}

func (x XDPByPort) tailCall(t testing.TB) (asm.Instructions, error) {
	if x.Tail == nil {
		return passAt("tail call"), nil
	}
	programs, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { programs.Close() })
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R8).WithSymbol("tail call"),
		asm.LoadMapPtr(asm.R2, programs.FD()),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, int32(ActionAborted)),
		asm.Return(),
	}, programs.Put(uint32(0), x.Tail)
}

func passAt(label string) asm.Instructions {
	return asm.Instructions{asm.Ja.Label("pass").WithSymbol(label)}
}

func labelled(label string, list asm.Instructions) asm.Instructions {
	list[0] = list[0].WithSymbol(label)
	return list
}
