// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"net/netip"

	"tracer/internal/ktest"
)

var whyFirewall = []provocation{nftRule, nftPolicy, legacyRule, noFreePort, connectionsFull, queueOfDeviceFull}

// firewalledRouter returns a router with rules of its own between a and b, a wire to it and its route to b.
func (l *lab) firewalledRouter() (*ktest.Netns, wire, wire) {
	l.t.Helper()
	n := ktest.NewNetns(l.tb, fmt.Sprintf("why-f%d", l.net()))
	ktest.MakeRouter(l.tb, n)
	return n, l.wire(l.a, n), l.wire(l.b, n)
}

// nftRule drops forwarded datagrams to a port.
func nftRule(l *lab) scenario {
	n, in, out := l.firewalledRouter()
	port := l.port()
	ktest.DropForwarded(l.tb, n, port)
	u := ktest.UDP{From: netip.AddrPortFrom(in.near4, port), To: netip.AddrPortFrom(out.near4, port), Size: 20}
	s := scenario{
		cause:  "nft-rule",
		values: map[string]any{"nft_rule.family": "ip", "nft_rule.table": "ktest-forward", "nft_rule.chain": "forward"},
		needs:  needs{probes: true, reason: "NETFILTER_DROP", module: "nf_tables"}, also: []string{"nft-rule-returned"},
		rows: every(within(n), toPort(port)), send: l.transmits(l.a, in.toFar, u.Packet().Bytes()),
	}
	return s
}

// nftPolicy sends to a router whose chain drops what no rule accepts.
func nftPolicy(l *lab) scenario {
	n, in, out := l.firewalledRouter()
	port := l.port()
	ktest.DropByPolicy(l.tb, n)
	u := ktest.UDP{From: netip.AddrPortFrom(in.near4, port), To: netip.AddrPortFrom(out.near4, port), Size: 20}
	return scenario{
		cause: "nft-policy", needs: needs{probes: true, reason: "NETFILTER_DROP", module: "nf_tables"}, also: []string{"nft-policy-returned"},
		rows: every(within(n), toPort(port)), send: l.transmits(l.a, in.toFar, u.Packet().Bytes()),
	}
}

// legacyRule drops forwarded datagrams to a port with iptables-legacy.
func legacyRule(l *lab) scenario {
	n, in, out := l.firewalledRouter()
	port := l.port()
	ktest.SetLegacyRules(l.tb, n, 4, ktest.LegacyChain{Name: "FORWARD", Rules: []ktest.LegacyRule{{Port: 9, Target: "DROP"}, {Port: port, Target: "DROP"}}})
	u := ktest.UDP{From: netip.AddrPortFrom(in.near4, port), To: netip.AddrPortFrom(out.near4, port), Size: 20}
	return scenario{
		cause:  "iptables-rule",
		values: map[string]any{"ipt_table.tool": "iptables-legacy", "ipt_table.table": "filter", "ipt_table.hook": "forward"},
		needs:  needs{probes: true, reason: "NETFILTER_DROP", module: "ip_tables"},
		rows:   every(within(n), toPort(port)), send: l.transmits(l.a, in.toFar, u.Packet().Bytes()),
	}
}

// noFreePort translates the sources of two connections to the same port.
func noFreePort(l *lab) scenario {
	n, in, out := l.firewalledRouter()
	port, only := l.port(), l.port()
	ktest.SNAT(l.tb, n, port, netip.AddrPortFrom(out.far4, only))
	to := netip.AddrPortFrom(out.near4, port)
	first := l.transmits(l.a, in.toFar, ktest.UDP{From: netip.AddrPortFrom(in.near4, l.port()), To: to}.Packet().Bytes())
	u := ktest.UDP{From: netip.AddrPortFrom(in.near4, l.port()), To: to}
	s := scenario{
		cause:  "conntrack-no-port",
		values: map[string]any{"confirm.src": in.near4, "confirm.dst": out.near4, "confirm.dport": port, "confirm.reply_dst": out.far4, "confirm.reply_port": only},
		needs:  needs{probes: true, module: "nf_conntrack", symbols: []string{"__nf_conntrack_confirm"}},
		rows:   every(within(n), toPort(port)), send: l.transmits(l.a, in.toFar, u.Packet().Bytes()),
	}
	return s.after(first)
}

// connectionsFull fills the connection table.
func connectionsFull(l *lab) scenario {
	n, in, out := l.firewalledRouter()
	ktest.TrackConnections(l.tb, n)
	port := l.port()
	to := netip.AddrPortFrom(out.near4, port)
	first := ktest.UDP{From: netip.AddrPortFrom(in.near4, l.port()), To: to}
	second := ktest.UDP{From: netip.AddrPortFrom(in.near4, l.port()), To: to}
	return scenario{
		cause:  "conntrack-full",
		values: map[string]any{"conntrack_in.max": 1},
		needs:  needs{probes: true, module: "nf_conntrack", symbols: []string{"nf_conntrack_in"}, machine: true},
		rows:   every(within(n), toPort(port)),
		send: func() {
			setMaximum(l.t, "1")
			l.transmits(l.a, in.toFar, first.Packet().Bytes())()
			l.transmits(l.a, in.toFar, second.Packet().Bytes())()
			setMaximum(l.t, "10000")
		},
	}
}

// queueOfDeviceFull sends more than the queue of a slow device holds.
func queueOfDeviceFull(l *lab) scenario {
	w, port := l.wire(l.b, l.r), l.port()
	ktest.LimitRate(l.tb, l.r, w.farName, 10_000)
	u := ktest.UDP{From: netip.AddrPortFrom(l.ra.near4, port), To: netip.AddrPortFrom(w.near4, port), Size: 1000}
	l.reaches(l.b, w.far4)
	return scenario{
		cause: "qdisc-full-bytes", values: map[string]any{"enqueue.kind": "bfifo", "enqueue.dev": w.farName, "enqueue.limit": 5000},
		needs: needs{probes: true, symbols: []string{"bfifo_enqueue"}},
		rows:  every(within(l.r), toPort(port)), send: func() { l.do(l.a, func() error { return u.Send(20) }) },
	}
}
