// SPDX-License-Identifier: Apache-2.0

package guest

import "tracer/internal/ktest"

var whySocket = []provocation{
	tcpNoListener, tcp6NoListener, tcpNoConnection, tcp6NoConnection, tcpStrayReset, udpNoListener, udp6NoListener,
	noProtocol, noProtocol6, pingToBroadcast, unknownICMP,
}

// segmentToB returns a segment from a to a port of b, over IPv4 or IPv6.
func (l *lab) segmentToB(port uint16, flags byte, v6 bool) ktest.Segment {
	u := l.toB(port)
	if v6 {
		u = l.toB6(port)
	}
	return ktest.Segment{From: u.From, To: u.To, Flags: flags, Seq: 1000, Ack: 2000, Window: 500}
}

// strays sends a segment to a port of b without a socket.
func (l *lab) strays(cause string, flags byte, v6 bool) scenario {
	s := l.segmentToB(l.port(), flags, v6)
	dst, src := "dst4", "src4"
	if v6 {
		dst, src = "dst6", "src6"
	}
	values := map[string]any{"dport": s.To.Port(), "rst": flags & flagRST >> 2, "syn": flags & flagSYN >> 1}
	if cause != "tcp-stray-reset" {
		values[dst] = s.To.Addr()
	}
	if flags == flagACK {
		values[src], values["sport"] = s.From.Addr(), s.From.Port()
	}
	return scenario{
		cause: cause, values: values, needs: needs{reason: "NO_SOCKET"},
		rows: every(within(l.b), toAddr(s.To.Addr()), toPort(s.To.Port())),
		send: l.transmits(l.a, l.ra.toFar, s.Bytes()),
	}
}

func tcpNoListener(l *lab) scenario    { return l.strays("tcp-no-listener", flagSYN, false) }
func tcp6NoListener(l *lab) scenario   { return l.strays("tcp6-no-listener", flagSYN, true) }
func tcpNoConnection(l *lab) scenario  { return l.strays("tcp-no-connection", flagACK, false) }
func tcp6NoConnection(l *lab) scenario { return l.strays("tcp6-no-connection", flagACK, true) }
func tcpStrayReset(l *lab) scenario    { return l.strays("tcp-stray-reset", flagRST, false) }

func udpNoListener(l *lab) scenario {
	u := l.toB(l.port())
	return scenario{
		cause: "udp-no-listener", values: map[string]any{"dst4": u.To.Addr(), "dport": u.To.Port(), "src4": u.From.Addr()},
		needs: needs{reason: "NO_SOCKET"}, rows: every(within(l.b), toPort(u.To.Port())), send: l.sends(u),
	}
}

func udp6NoListener(l *lab) scenario {
	u := l.toB6(l.port())
	return scenario{
		cause: "udp6-no-listener", values: map[string]any{"dst6": u.To.Addr(), "dport": u.To.Port(), "src6": u.From.Addr()},
		needs: needs{reason: "NO_SOCKET"}, rows: every(within(l.b), toPort(u.To.Port())), send: l.sends(u),
	}
}

// noProtocol sends a packet whose protocol has no handler, from an address that identifies the packet.
func noProtocol(l *lab) scenario {
	_, from := l.remote4()
	p := ktest.Packet{From: from, To: l.rb.near4, Protocol: experimental, Payload: make([]byte, 20)}
	return scenario{
		cause: "no-protocol", values: map[string]any{"protocol": "253", "raw_takes": 0}, needs: needs{reason: "IP_NOPROTO"}, otherwise: []string{"no-protocol-or-full"},
		rows: every(within(l.b), func(r *record) bool { return r.Tuple.Source == from.String() }), send: l.transmits(l.a, l.ra.toFar, p.Bytes()),
	}
}

func noProtocol6(l *lab) scenario {
	_, from := l.remote6()
	p := ktest.Packet{From: from, To: l.rb.near6, Protocol: experimental, Payload: make([]byte, 20)}
	return scenario{
		cause: "ipv6-no-protocol", values: map[string]any{"dev": l.rb.nearName, "is_v4": 0}, needs: needs{reason: "UNHANDLED_PROTO"}, otherwise: []string{"ipv6-no-protocol-or-full"},
		rows: every(within(l.b), func(r *record) bool { return r.Tuple.Source == from.String() }), send: l.transmits(l.a, l.ra.toFar, p.Bytes()),
	}
}

// pingToBroadcast sends a ping to the broadcast address of a network of its own.
func pingToBroadcast(l *lab) scenario {
	w := l.wire(l.a, l.r)
	to := w.broadcast()
	return scenario{
		cause: "icmp-broadcast", values: map[string]any{"type": 8, "ignore_broadcasts": 1, "dst": to},
		rows: every(within(l.r), toAddr(to)),
		send: l.transmits(l.a, w.toFar, ktest.ICMP(w.near4, to, 8, 0, make([]byte, 12)).Bytes()),
	}
}

func unknownICMP(l *lab) scenario {
	_, from := l.remote4()
	return scenario{
		cause: "icmp-unknown-type", values: map[string]any{"type": 44}, needs: needs{reason: "UNHANDLED_PROTO"},
		rows: every(within(l.b), func(r *record) bool { return r.Tuple.Source == from.String() }),
		send: l.transmits(l.a, l.ra.toFar, ktest.ICMP(from, l.rb.near4, 44, 0, make([]byte, 12)).Bytes()),
	}
}
