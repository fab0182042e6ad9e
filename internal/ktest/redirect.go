// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"net"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Redirect makes tc send the packets of one device out of another device of the same namespace.
type Redirect struct {
	From, To string
	// Mirror sends only a copy; the original continues.
	Mirror bool
	// Egress redirects what the device sends instead of what it receives.
	Egress bool
	// Program uses a BPF program (cls_bpf with bpf_redirect or bpf_clone_redirect) instead of an action
	// (cls_matchall with act_mirred).
	Program bool
}

// NewRedirect sets up the redirection.
func NewRedirect(t testing.TB, n *Netns, r Redirect) {
	t.Helper()
	must(t, rlimit.RemoveMemlock())
	needsModule(t, n.withLink(r.From, func(from netlink.Link) error {
		to, err := net.InterfaceByName(r.To)
		if err != nil {
			return fmt.Errorf("device %q: %w", r.To, err)
		}
		return r.attach(from.Attrs().Index, to.Index)
	}))
}

func (r Redirect) attach(from, to int) error {
	queue := &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: from, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
	if err := netlink.QdiscAdd(queue); err != nil {
		return fmt.Errorf("clsact qdisc: %w", err)
	}
	attrs := netlink.FilterAttrs{
		LinkIndex: from, Parent: netlink.HANDLE_MIN_INGRESS, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL,
	}
	if r.Egress {
		attrs.Parent = netlink.HANDLE_MIN_EGRESS
	}
	if r.Program {
		return r.byProgram(attrs, to)
	}
	return netlink.FilterAdd(&netlink.MatchAll{FilterAttrs: attrs, Actions: []netlink.Action{r.action(to)}})
}

func (r Redirect) action(to int) netlink.Action {
	mirred := netlink.NewMirredAction(to)
	if r.Mirror {
		mirred.MirredAction, mirred.Action = netlink.TCA_EGRESS_MIRROR, netlink.TC_ACT_PIPE
	}
	return mirred
}

// byProgram loads and attaches the program. The filter holds a reference to it.
func (r Redirect) byProgram(attrs netlink.FilterAttrs, to int) error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: r.program(to)})
	if err != nil {
		return err
	}
	defer p.Close()
	return netlink.FilterAdd(&netlink.BpfFilter{FilterAttrs: attrs, Fd: p.FD(), Name: "redirect", DirectAction: true})
}

func (r Redirect) program(to int) asm.Instructions {
	if !r.Mirror {
		return asm.Instructions{
			asm.Mov.Imm(asm.R1, int32(to)),
			asm.Mov.Imm(asm.R2, 0),
			asm.FnRedirect.Call(),
			asm.Return(), // TC_ACT_REDIRECT, from the helper
		}
	}
	return asm.Instructions{
		asm.Mov.Imm(asm.R2, int32(to)), // R1 is the packet
		asm.Mov.Imm(asm.R3, 0),
		asm.FnCloneRedirect.Call(),
		asm.Mov.Imm(asm.R0, int32(netlink.TC_ACT_OK)),
		asm.Return(),
	}
}
