// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyProgram = []provocation{
	genericXDP, failingRedirect, nativeXDP, droppingTC, severalTC, tcxIngress, tcxEgress, severalTCX, netkitProgram, severalNetkit, netkitPolicy,
	cgroupEgress, cgroupIngress, socketFilter,
}

// Verdicts: XDP_DROP of XDP programs, and TCX_NEXT of tcx and netkit programs, which lets the next one decide.
const (
	xdpDrop = 1
	tcxNext = -1
)

// probed returns the values, and with function probes also those that need one of a function.
func probed(function string, values, more map[string]any) map[string]any {
	if chosen() != tracepoint && hasSymbol(function) {
		maps.Copy(values, more)
	}
	return values
}

// datagram returns one from the near to the far end of a wire.
func (w *wire) datagram(port uint16) ktest.UDP {
	return ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
}

// genericXDP drops everything that a device receives with an XDP program in generic mode.
func genericXDP(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	p := l.attachXDP(w.farName, "why_xdp", ktest.Returns(xdpDrop), link.XDPGenericMode)
	return scenario{
		cause: "xdp-generic",
		values: probed("bpf_prog_run_generic_xdp", map[string]any{"dev": w.farName, "name": "why_xdp", "program": l.idOf(p)},
			map[string]any{"generic_xdp.verdict": "XDP_DROP"}),
		rows: toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

// attachXDP attaches an XDP program to a device of the router.
func (l *lab) attachXDP(device, name string, body asm.Instructions, mode link.XDPAttachFlags) *ebpf.Program {
	l.t.Helper()
	p := ktest.LoadProgram(l.tb, ktest.Program{Name: name, Type: ebpf.XDP, Context: "xdp_md", Body: body})
	ktest.AttachLink(l.tb, l.r, func() (link.Link, error) {
		return link.AttachXDP(link.XDPOptions{Program: p, Interface: ktest.Ifindex(device), Flags: mode})
	})
	return p
}

// nativeXDP drops everything that a veth device receives with an XDP program in native mode. Packets of the stack have
// an sk_buff there.
func nativeXDP(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	p := l.attachXDP(w.farName, "why_veth", ktest.Returns(xdpDrop), link.XDPDriverMode)
	return scenario{
		cause: "xdp-veth", values: map[string]any{"dev": w.farName, "name": "why_veth", "program": l.idOf(p)}, needs: needs{module: "veth"},
		rows: toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

// unused returns a device of the router that is down.
func (l *lab) unused() string {
	l.t.Helper()
	w := l.plan(l.b, l.r)
	w.near.Addresses, w.far.Addresses = nil, nil
	ktest.NewVethNoWait(l.tb, w.near, w.far)
	ktest.SetDown(l.tb, l.r, w.farName)
	return w.farName
}

// redirects returns the body of a program that redirects its packet to the device with that index.
func redirects(index int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R1, index), asm.Mov.Imm(asm.R2, 0), asm.FnRedirect.Call(), asm.Return()}
}

// failingRedirect redirects everything that a device receives to one that is down.
func failingRedirect(l *lab) scenario {
	w, port, to := l.wire(l.a, l.r), l.port(), l.unused()
	index := 0
	l.do(l.r, func() error {
		index = ktest.Ifindex(to)
		return nil
	})
	p := l.attachXDP(w.farName, "why_redirect", redirects(int32(index)), link.XDPGenericMode)
	return scenario{
		cause: "xdp-generic-redirect",
		values: probed("xdp_do_generic_redirect", map[string]any{"dev": w.farName, "name": "why_redirect", "program": l.idOf(p)},
			map[string]any{"generic_redirect.error": unix.ENETDOWN}),
		rows: toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

func (l *lab) idOf(p *ebpf.Program) uint32 {
	l.t.Helper()
	info, err := p.Info()
	if err != nil {
		l.t.Fatal(err)
	}
	id, _ := info.ID()
	return uint32(id)
}

// droppingTC drops everything that a device receives with a tc program.
func droppingTC(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	p := l.tcProgram("why_tc", tcShot)
	ktest.TC(l.tb, l.r, w.farName, false, p)
	return scenario{
		cause: "tc-program", values: map[string]any{"dev": w.farName, "tc_program.name": "why_tc", "tc_program.program": l.idOf(p), "tc_program.verdict": tcShot, "tc_program.prio": 1},
		needs: needs{probes: true, reason: "TC_INGRESS", module: "cls_bpf"}, otherwise: []string{"tc-classifier"},
		rows: toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

func (l *lab) tcProgram(name string, verdict int32) *ebpf.Program {
	l.t.Helper()
	return ktest.LoadProgram(l.tb, ktest.Program{Name: name, Type: ebpf.SchedCLS, Body: ktest.Returns(verdict)})
}

// severalTC has two programs in one tc filter, of which the second one drops the packet: which one is unknown.
func severalTC(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	ktest.TCs(l.tb, l.r, w.farName, l.tcProgram("why_tc_first", tcxNext), l.tcProgram("why_tc_second", tcShot))
	return scenario{
		cause: "tc-classifier", values: map[string]any{"dev": w.farName, "classified.kind": "bpf", "classified.prio": 1},
		needs: needs{probes: true, reason: "TC_INGRESS", symbols: []string{"tcf_classify"}},
		rows:  toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

// attachTCX attaches programs to a device, in the order in which they run.
func (l *lab) attachTCX(n *ktest.Netns, device string, side ebpf.AttachType, programs ...*ebpf.Program) {
	l.t.Helper()
	l.having("tcx, which came with 6.6", "tcx_link_attach")
	for _, p := range programs {
		ktest.AttachLink(l.tb, n, func() (link.Link, error) {
			return link.AttachTCX(link.TCXOptions{Interface: ktest.Ifindex(device), Program: p, Attach: side})
		})
	}
}

// tcxIngress drops everything that a device receives with a tcx program.
func tcxIngress(l *lab) scenario {
	w, port, p := l.wire(l.a, l.r), l.port(), l.tcProgram("why_tcx_in", tcShot)
	l.attachTCX(l.r, w.farName, ebpf.AttachTCXIngress, p)
	return scenario{
		cause: "tcx-ingress", values: map[string]any{"dev": w.farName, "ingress_program": l.idOf(p), "ingress_name": "why_tcx_in", "ingress_programs": 1},
		rows: toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

// tcxEgress drops everything that a device sends with a tcx program.
func tcxEgress(l *lab) scenario {
	w, port, p := l.wire(l.a, l.r), l.port(), l.tcProgram("why_tcx_out", tcShot)
	l.attachTCX(l.a, w.nearName, ebpf.AttachTCXEgress, p)
	return scenario{
		cause: "tcx-egress", values: map[string]any{"dev": w.nearName, "egress_program": l.idOf(p), "egress_name": "why_tcx_out", "egress_programs": 1},
		rows: toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

// severalTCX has two tcx programs, of which the second one drops the packet.
func severalTCX(l *lab) scenario {
	w, port, first := l.wire(l.a, l.r), l.port(), l.tcProgram("why_tcx_first", tcxNext)
	l.attachTCX(l.r, w.farName, ebpf.AttachTCXIngress, first, l.tcProgram("why_tcx_second", tcShot))
	return scenario{
		cause: "tcx-ingress-several", values: map[string]any{"dev": w.farName, "ingress_program": l.idOf(first), "ingress_name": "why_tcx_first", "ingress_programs": 2},
		rows: toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

// kit connects a and the router with a pair of netkit devices whose first one, in a, has these programs.
func (l *lab) kit(connect func(testing.TB, ktest.End, ktest.End), programs ...*ebpf.Program) wire {
	l.t.Helper()
	l.having("netkit devices, which came with 6.7", "netkit_link_attach")
	w := l.plan(l.a, l.r)
	connect(l.tb, w.near, w.far)
	for _, p := range programs {
		ktest.AttachLink(l.tb, l.a, func() (link.Link, error) {
			return link.AttachNetkit(link.NetkitOptions{Interface: ktest.Ifindex(w.nearName), Program: p, Attach: ebpf.AttachNetkitPrimary})
		})
	}
	w.toFar = ktest.Link{Device: w.nearName, To: ktest.HardwareAddr(l.tb, l.r, w.farName)}
	return w
}

func (l *lab) kitProgram(name string, verdict int32) *ebpf.Program {
	l.t.Helper()
	return ktest.LoadProgram(l.tb, ktest.Program{Name: name, Type: ebpf.SchedCLS, Attach: ebpf.AttachNetkitPrimary, Body: ktest.Returns(verdict)})
}

// netkitProgram drops everything that a netkit device sends.
func netkitProgram(l *lab) scenario {
	port, p := l.port(), l.kitProgram("why_netkit", tcShot)
	w := l.kit(ktest.NewNetkit, p)
	return scenario{
		cause: "netkit-program", values: map[string]any{"netkit_send.dev": w.nearName, "netkit_send.program": l.idOf(p), "netkit_send.name": "why_netkit", "netkit_send.programs": 1},
		needs: needs{probes: true}, rows: toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

// severalNetkit has two programs at a netkit device, of which the second one drops the packet.
func severalNetkit(l *lab) scenario {
	port, first := l.port(), l.kitProgram("why_kit_first", tcxNext)
	w := l.kit(ktest.NewNetkit, first, l.kitProgram("why_kit_second", tcShot))
	return scenario{
		cause: "netkit-programs", values: map[string]any{"netkit_send.dev": w.nearName, "netkit_send.program": l.idOf(first), "netkit_send.name": "why_kit_first", "netkit_send.programs": 2},
		needs: needs{probes: true}, rows: toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

// netkitPolicy has a netkit device without a program, which drops everything.
func netkitPolicy(l *lab) scenario {
	port, w := l.port(), l.kit(ktest.NewBlackholeNetkit)
	return scenario{
		cause: "netkit-policy", values: map[string]any{"netkit_send.dev": w.nearName, "netkit_send.policy": tcShot, "netkit_send.programs": 0},
		needs: needs{probes: true}, rows: toPort(port), send: l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes()),
	}
}

// grouped starts a process in a control group of its own whose program drops what is sent or received, and returns the
// values of its drops.
func (l *lab) grouped(n *ktest.Netns, attach ebpf.AttachType) (*ktest.Child, map[string]any) {
	l.t.Helper()
	group := ktest.NewCgroup(l.tb, fmt.Sprintf("why%d", l.port()))
	p := ktest.LoadProgram(l.tb, ktest.Program{Name: "why_cgroup", Type: ebpf.CGroupSKB, Attach: attach, Body: ktest.Returns(0)})
	attached, err := link.AttachCgroup(link.CgroupOptions{Path: group.Path, Attach: attach, Program: p})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { attached.Close() })
	child := ktest.StartChild(l.tb, n, "grouped")
	child.Join(group)
	return child, map[string]any{
		"cgroup_program.cgroup": filepath.Base(group.Path), "cgroup_program.program": l.idOf(p), "cgroup_program.name": "why_cgroup",
	}
}

func cgroupEgress(l *lab) scenario {
	child, values := l.grouped(l.r, ebpf.AttachCGroupInetEgress)
	port := l.port()
	values["cgroup_program.egress"] = 1
	socket := child.Dial("udp", "", netip.AddrPortFrom(l.rb.near4, port).String())
	return scenario{
		cause: "cgroup-egress", values: values,
		needs: needs{probes: true, symbols: []string{"__cgroup_bpf_run_filter_skb"}},
		rows:  every(within(l.r), toPort(port)), send: func() { socket.TrySend("x") },
	}
}

func cgroupIngress(l *lab) scenario {
	child, values := l.grouped(l.b, ebpf.AttachCGroupInetIngress)
	u := l.toB(l.port())
	values["cgroup_program.egress"], values["cgroup_program.lport"] = 0, u.To.Port()
	child.Listen("udp", u.To.String())
	return scenario{
		cause: "cgroup-ingress", values: values,
		needs: needs{probes: true, symbols: []string{"__cgroup_bpf_run_filter_skb"}},
		rows:  every(within(l.b), toPort(u.To.Port())), send: l.sends(u),
	}
}

// socketFilter has a socket whose filter takes no packet.
func socketFilter(l *lab) scenario {
	u := l.toB(l.port())
	socket := listenAt(l.t, l.b, u.To.String())
	if err := ktest.RejectAll(socket); err != nil {
		l.t.Fatal(err)
	}
	return scenario{
		cause: "socket-filter", values: map[string]any{"sk_filter.lport": u.To.Port(), "sk_filter.has_filter": 1},
		needs: needs{probes: true, symbols: []string{"sk_filter_trim_cap"}},
		rows:  every(within(l.b), toPort(u.To.Port())), send: l.sends(u),
	}
}
