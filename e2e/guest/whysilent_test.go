// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whySilent = []provocation{synRefused, pingIgnored, icmpHeld, icmpSent, ackHeld, icmp6Held, icmp6Sent, arpIgnored, arpFiltered, arpOff, actionTook}

// synRefused sends a SYN to a listener whose accept queue is full.
func synRefused(l *lab) scenario {
	to := l.crowded(0)
	l.client(to)
	s := ktest.Segment{From: netip.AddrPortFrom(l.ra.near4, l.port()), To: to, Flags: flagSYN, Seq: 1000, Window: 500}
	return scenario{
		cause: "syn-accept-queue-full", values: map[string]any{"conn_request.lport": to.Port(), "conn_request.waiting": 1, "conn_request.limit": 0},
		needs: needs{probes: true, silent: true, symbols: []string{"tcp_conn_request"}},
		rows:  every(within(l.b), ports(int(s.From.Port()), int(to.Port()))), send: l.transmits(l.a, l.ra.toFar, s.Bytes()),
	}
}

// pingIgnored pings a host that answers no ping.
func pingIgnored(l *lab) scenario {
	n, w, _ := l.firewalledRouter()
	n.SetSysctl(l.tb, "ipv4/icmp_echo_ignore_all", "1")
	return scenario{
		cause: "ping-ignored", values: map[string]any{"ping_ignored.src": w.near4, "ping_ignored.ignore_all": 1},
		needs: needs{probes: true, silent: true, symbols: []string{"icmp_rcv"}},
		rows:  every(within(n), icmp(8)), send: l.transmits(l.a, w.toFar, ktest.ICMP(w.near4, w.far4, 8, 0, make([]byte, 12)).Bytes()),
	}
}

// TestRedirectIsNoDrop checks that a packet that mirred redirects on egress is no silent drop, although its action returns
// TC_ACT_STOLEN and the kernel consumes the packet: it has sent a clone, which the other host drops as another host's.
func TestRedirectIsNoDrop(t *testing.T) {
	backends := functionBackends(t)
	l := newLab(t, inOrder)
	other := l.wire(l.b, l.r)
	ktest.NewRedirect(t, l.r, ktest.Redirect{From: l.rb.farName, To: other.farName, Egress: true})
	u := l.toB(l.port())
	p := start(t, "--backend", backends[0], "--drop", "udp")
	l.sends(u)()
	p.settle()
	rows := p.stop().events.that(dropped, toPort(u.To.Port()))
	rows.that(within(l.b), on(other.nearName)).present(t, "the redirected clone")
	for _, r := range rows.that(within(l.r)) {
		t.Errorf("a drop in the router: %s", r.brief())
	}
}

// needNote gives up a scenario whose note can't be told here, as docs/drops.md says.
func needNote(id string) {
	note := scenario{cause: id}
	if why := note.excuse(); why != "" {
		panic(missing(lacks + "values for the note " + id + ": " + why))
	}
}

// icmpHeld sends datagrams to closed ports, until the host answers no more.
func icmpHeld(l *lab) scenario {
	l.since("6.3", "counter of ICMP errors that are held back", "FRAG_TOO_FAR")
	needNote("icmp-rate-limited")
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv4/icmp_ratelimit", "60000")
	datagram := func(port uint16) func() {
		u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
		return l.transmits(l.a, w.toFar, u.Packet().Bytes())
	}
	port, answered := l.port(), datagram(l.port())
	s := scenario{
		cause: "udp-no-listener", values: map[string]any{"dport": port, "icmp_error.moved": "OutRateLimitHost", "icmp_error.type": 3, "icmp_error.code": 3},
		rows: every(within(n), toPort(port)), send: datagram(port),
	}
	return s.after(func() {
		for range 10 { // the kernel sends some at once
			answered()
		}
	})
}

// icmpSent sends a packet that is too large, which the router answers.
func icmpSent(l *lab) scenario {
	needNote("icmp-sent")
	s := forwardMTUDevice(l)
	return s.with(map[string]any{"icmp_error.moved": "OutMsgs", "icmp_error.type": 3, "icmp_error.code": 4, "icmp_error.mtu": narrowMTU})
}

// ackHeld sends two segments from outside the window at once, of which only the first is answered.
func ackHeld(l *lab) scenario {
	needNote("ack-rate-limited")
	s := l.opened()
	first := s.segment
	first.Seq, s.segment.Seq = s.next+1<<24, s.next+2<<24
	w := s.injects("tcp-invalid-sequence", "TCP_INVALID_SEQUENCE", map[string]any{"tcp_input.seq": s.segment.Seq, "ack_skipped.skipped": 1}, first, s.segment).probed("tcp_validate_incoming")
	w.rows = every(w.rows, func(r *record) bool {
		return r.Why != nil && string(r.Why.Values["tcp_input.seq"]) == jsonOf(s.segment.Seq)
	})
	return w
}

// icmp6Held sends IPv6 datagrams to closed ports, until the host answers no more.
func icmp6Held(l *lab) scenario {
	l.since("6.3", "counter of ICMP errors that are held back", "FRAG_TOO_FAR")
	needNote("icmp6-rate-limited")
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv6/icmp/ratelimit", "60000")
	datagram := func(port uint16) func() {
		u := ktest.UDP{From: netip.AddrPortFrom(w.near6, port), To: netip.AddrPortFrom(w.far6, port), Size: 20}
		return l.transmits(l.a, w.toFar, u.Packet().Bytes())
	}
	port, answered := l.port(), datagram(l.port())
	s := scenario{
		cause: "udp6-no-listener", values: map[string]any{"dport": port, "icmp6_error.moved": "OutRateLimitHost", "icmp6_error.type": 1, "icmp6_error.code": 4},
		rows: every(within(n), toPort(port)), send: datagram(port),
	}
	return s.after(func() {
		for range 10 {
			answered()
		}
	})
}

// icmp6Sent sends a packet that is too large, which the router answers.
func icmp6Sent(l *lab) scenario {
	needNote("icmp6-sent")
	return forward6MTUDevice(l).with(map[string]any{"icmp6_error.moved": "OutMsgs", "icmp6_error.type": 2, "icmp6_error.mtu": narrowMTU})
}

// asks sends an ARP request from one end of a wire for an address of a host.
func (l *lab) asks(cause string, n *ktest.Netns, w wire, sender, target netip.Addr, values map[string]any, symbol string) scenario {
	own := ktest.HardwareAddr(l.tb, l.a, w.nearName)
	request := slices.Concat([]byte{0, 1, 8, 0, 6, 4, 0, 1}, own, sender.AsSlice(), make([]byte, 6), target.AsSlice())
	all := ktest.Link{Device: w.nearName, To: net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	return scenario{
		cause: cause, values: values, needs: needs{probes: true, silent: true, symbols: []string{symbol}},
		rows: every(within(n), on(w.farName), etherType(unix.ETH_P_ARP)), send: func() { l.do(l.a, func() error { return all.Send(unix.ETH_P_ARP, request) }) },
	}
}

// arpIgnored asks a host that answers only for addresses of the device that the request arrives on.
func arpIgnored(l *lab) scenario {
	l.having("function arp_ignore", "arp_ignore")
	n, w := l.host()
	_, other := l.remote4()
	ktest.AddAddress(l.t, n, "lo", netip.PrefixFrom(other, 32))
	n.SetSysctl(l.tb, "ipv4/conf/all/arp_ignore", "1")
	return l.asks("arp-ignored", n, w, w.near4, other, map[string]any{"arp_ignored.dev": w.farName, "arp_ignored.target": other, "arp_ignored.arp_ignore_all": 1}, "arp_ignore")
}

// arpFiltered asks a host that answers only on the device by which it would send to the sender.
func arpFiltered(l *lab) scenario {
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv4/conf/all/arp_filter", "1")
	other := l.wire(l.a, n)
	return l.asks("arp-filtered", n, w, other.near4, w.far4, map[string]any{"arp_filtered.dev": w.farName, "arp_filtered.target": w.far4, "arp_filtered.sender": other.near4}, "arp_process")
}

// arpOff asks a host whose device takes no part in ARP.
func arpOff(l *lab) scenario {
	n, w := l.host()
	ktest.SetARPOff(l.tb, n, w.farName)
	return l.asks("arp-off", n, w, w.near4, w.far4, map[string]any{"arp_off.dev": w.farName}, "arp_rcv")
}

// actionTook sends to a router whose tc action consumes the packet.
func actionTook(l *lab) scenario {
	s := l.acts("tc-action-took", map[string]any{"action_took.kind": "gact", "action_took.count": 1}, netlink.TC_ACT_STOLEN)
	s.needs = needs{probes: true, silent: true, symbols: []string{"tcf_action_exec"}}
	return s
}
