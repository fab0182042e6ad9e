// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"net/netip"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"tracer/internal/ktest"
)

var whyProgram = []provocation{genericXDP, droppingTC, cgroupEgress, cgroupIngress, socketFilter}

// genericXDP drops everything that a device receives with an XDP program in generic mode.
func genericXDP(l *lab) scenario {
	w, port := l.wire(l.a, l.r), l.port()
	p := ktest.LoadProgram(l.tb, ktest.Program{Name: "why_xdp", Type: ebpf.XDP, Context: "xdp_md", Body: ktest.Returns(1)})
	ktest.AttachLink(l.tb, l.r, func() (link.Link, error) {
		return link.AttachXDP(link.XDPOptions{Program: p, Interface: ktest.Ifindex(w.farName), Flags: link.XDPGenericMode})
	})
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	return scenario{
		cause: "xdp-generic", values: map[string]any{"dev": w.farName, "name": "why_xdp", "program": l.idOf(p)},
		rows: toPort(port), send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
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
	p := ktest.LoadProgram(l.tb, ktest.Program{Name: "why_tc", Type: ebpf.SchedCLS, Body: ktest.Returns(tcShot)})
	ktest.TC(l.tb, l.r, w.farName, false, p)
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	return scenario{
		cause: "tc-program", values: map[string]any{"dev": w.farName, "tc_program.name": "why_tc", "tc_program.program": l.idOf(p)},
		needs: needs{probes: true, reason: "TC_INGRESS", special: true}, otherwise: []string{"tc-classifier"},
		rows: toPort(port), send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

// grouped starts a process in a control group of its own whose program drops what is sent or received.
func (l *lab) grouped(n *ktest.Netns, attach ebpf.AttachType) (*ktest.Child, *ktest.Cgroup) {
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
	return child, group
}

func cgroupEgress(l *lab) scenario {
	child, group := l.grouped(l.r, ebpf.AttachCGroupInetEgress)
	port := l.port()
	socket := child.Dial("udp", "", netip.AddrPortFrom(l.rb.near4, port).String())
	return scenario{
		cause: "cgroup-egress", values: map[string]any{"cgroup_program.cgroup": filepath.Base(group.Path), "cgroup_program.egress": 1},
		needs: needs{probes: true, symbols: []string{"__cgroup_bpf_run_filter_skb"}},
		rows:  every(within(l.r), toPort(port)), send: func() { socket.TrySend("x") },
	}
}

func cgroupIngress(l *lab) scenario {
	child, group := l.grouped(l.b, ebpf.AttachCGroupInetIngress)
	u := l.toB(l.port())
	child.Listen("udp", u.To.String())
	return scenario{
		cause: "cgroup-ingress", values: map[string]any{"cgroup_program.cgroup": filepath.Base(group.Path), "cgroup_program.egress": 0, "cgroup_program.lport": u.To.Port()},
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
