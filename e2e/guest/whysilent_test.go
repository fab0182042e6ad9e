// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"
	"testing"

	"tracer/internal/ktest"
)

var whySilent = []provocation{synRefused, pingIgnored}

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
