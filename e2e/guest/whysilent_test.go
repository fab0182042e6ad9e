// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net/netip"

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
