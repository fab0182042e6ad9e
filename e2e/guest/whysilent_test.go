// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"
	"testing"

	"tracer/internal/ktest"
)

var whySilent = []provocation{synRefused, pingIgnored, icmpHeld, icmpSent, ackHeld}

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
