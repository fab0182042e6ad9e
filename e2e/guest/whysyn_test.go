// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"
	"testing"

	"tracer/internal/ktest"
)

var whySyn = []provocation{synQueueFull, synQueueReserved, synNoRoute}

// synHost returns a host without SYN cookies, and its wire. What it answers to a arrives nowhere, so that handshakes stay
// pending.
func (l *lab) synHost() (*ktest.Netns, wire) {
	l.t.Helper()
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv4/tcp_syncookies", "0")
	for _, a := range []netip.Addr{w.near4, w.near6} {
		ktest.SetNeighbour(l.tb, n, w.farName, a, hardware)
	}
	return n, w
}

// listens listens in a namespace with a backlog, and never accepts.
func (l *lab) listens(n *ktest.Netns, at netip.AddrPort, backlog int) {
	l.t.Helper()
	l.do(n, func() error {
		listener, err := ktest.ListenBacklog(at, backlog)
		if err == nil {
			l.t.Cleanup(func() { listener.Close() })
		}
		return err
	})
}

// knocks returns a function that sends SYNs from different ports of an address.
func (l *lab) knocks(link ktest.Link, from netip.Addr, to netip.AddrPort, ports ...uint16) func() {
	return func() {
		for _, port := range ports {
			s := ktest.Segment{From: netip.AddrPortFrom(from, port), To: to, Flags: flagSYN, Seq: 1000, Window: 500}
			l.transmits(l.a, link, s.Bytes())()
		}
	}
}

// somePorts returns n ports that no scenario has.
func (l *lab) somePorts(n int) (list []uint16) {
	for range n {
		list = append(list, l.port())
	}
	return list
}

// refused is the scenario of the last of several SYNs.
func (l *lab) refused(cause string, n *ktest.Netns, w wire, from netip.Addr, to netip.AddrPort, syns int, values map[string]any) scenario {
	ports := l.somePorts(syns)
	values["conn_request.lport"] = to.Port()
	return scenario{
		cause: cause, values: values, needs: needs{probes: true, silent: true, symbols: []string{"tcp_conn_request"}},
		rows: every(within(n), toPort(to.Port()), func(r *record) bool { return r.Tuple.Sport != nil && *r.Tuple.Sport == int(ports[syns-1]) }),
		send: l.knocks(w.toFar, from, to, ports...),
	}
}

// synQueueFull sends more SYNs than the queue takes: one more than the backlog, or as many on older kernels.
func synQueueFull(l *lab) scenario {
	n, w := l.synHost()
	to := netip.AddrPortFrom(w.far4, l.port())
	l.listens(n, to, 2)
	return l.refused("syn-queue-full", n, w, w.near4, to, 5, map[string]any{"conn_request.limit": 2, "syn_overflow.moved": "TCPReqQFullDrop"})
}

// synQueueReserved fills three quarters of tcp_max_syn_backlog.
func synQueueReserved(l *lab) scenario {
	n, w := l.synHost()
	n.SetSysctl(l.tb, "ipv4/tcp_max_syn_backlog", "4")
	to := netip.AddrPortFrom(w.far4, l.port())
	l.listens(n, to, 100)
	return l.refused("syn-queue-reserved", n, w, w.near4, to, 5, map[string]any{"conn_request.syn_queue": 4, "conn_request.max_syn_backlog": 4})
}

// synNoRoute sends a SYN from a network to which there is no route.
func synNoRoute(l *lab) scenario {
	n, w := l.synHost()
	to := netip.AddrPortFrom(w.far4, l.port())
	_, from := l.remote4()
	l.listens(n, to, 100)
	return l.refused("syn-no-route", n, w, from, to, 1, map[string]any{"conn_request.src": from})
}

// TestSYNQueue sends SYNs until the queues of listeners are full. tracer must report those that the kernel refuses, and no
// others: as many as the kernel counts, with the cause that it counts.
func TestSYNQueue(t *testing.T) {
	for _, backend := range functionBackends(t) {
		t.Run(backend, func(t *testing.T) { refuseSYNs(t, backend) })
	}
}

func refuseSYNs(t *testing.T, backend string) {
	l := newLab(t, inOrder)
	n, w := l.host()
	n.SetSysctl(t, "ipv4/tcp_syncookies", "0")
	full, full6, accepts := netip.AddrPortFrom(w.far4, l.port()), netip.AddrPortFrom(w.far6, l.port()), netip.AddrPortFrom(w.far4, l.port())
	l.listens(n, full, 3)
	l.listens(n, full6, 5)
	l.listens(n, accepts, 1)
	l.clientFrom(w.near4, accepts)
	l.clientFrom(w.near4, accepts)
	for _, a := range []netip.Addr{w.near4, w.near6} {
		ktest.SetNeighbour(t, n, w.farName, a, hardware)
	}
	counters := map[string]string{"ListenDrops": "", "TCPReqQFullDrop": "syn-queue-full", "ListenOverflows": "syn-accept-queue-full"}
	before := map[string]int{}
	for name := range counters {
		before[name] = netstat(t, n, "netstat", name)
	}
	p := start(t, "--backend", backend, "--drop", "tcp")
	l.knocks(w.toFar, w.near4, full, l.somePorts(9)...)()
	l.knocks(w.toFar, w.near6, full6, l.somePorts(11)...)()
	l.knocks(w.toFar, w.near4, accepts, l.somePorts(2)...)()
	p.settle()
	rows := p.stop().events.that(dropped, within(n), func(r *record) bool { return r.Why != nil && !r.Why.KernelDrop })
	// The values of a call are lost if the emulated machine stood still between the call and the end of the packet.
	withoutCause := len(rows.that(func(r *record) bool { return r.Why.Cause == unknown }))
	if withoutCause > len(rows)/4 {
		t.Errorf("%d of %d rows have no cause", withoutCause, len(rows))
	}
	for name, cause := range counters {
		got, lost := len(rows), 0
		if cause != "" {
			got, lost = len(rows.that(func(r *record) bool { return r.Why.Cause == cause })), withoutCause
		}
		if want := netstat(t, n, "netstat", name) - before[name]; got > want || got+lost < want || want < 2 {
			t.Errorf("%d rows %s, but the kernel counts %d in %s", got, cause, want, name)
		}
	}
	for i := range rows {
		t.Logf("%s: %s", rows[i].Why.Cause, rows[i].Why.Text)
	}
}
