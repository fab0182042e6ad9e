// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net"

	"tracer/internal/ktest"
)

var whyBuffers = []provocation{udpBufferFull, rawBufferFull}

// udpBufferFull sends more than the buffer of a socket holds.
func udpBufferFull(l *lab) scenario {
	u := l.toB(l.port())
	u.Size = 1000
	socket := listenAt(l.t, l.b, u.To.String())
	if err := socket.(*net.UDPConn).SetReadBuffer(1); err != nil {
		l.t.Fatal(err)
	}
	return scenario{
		cause: "udp-rcvbuf", values: map[string]any{"udp_queue.lport": u.To.Port(), "udp_queue.error": 12},
		needs: needs{probes: true, symbols: []string{"__udp_enqueue_schedule_skb"}},
		rows:  every(within(l.b), toPort(u.To.Port())),
		send:  func() { l.do(l.a, func() error { return u.Send(10) }) },
	}
}

// rawBufferFull sends more than the buffer of a raw socket holds. Before 6.9, the kernel drops a copy for the socket; since
// then, a full socket counts as none, and the packet itself is dropped.
func rawBufferFull(l *lab) scenario {
	w := l.wire(l.a, l.b)
	var socket *net.IPConn
	l.do(l.b, func() (err error) {
		socket, err = net.ListenIP("ip4:254", &net.IPAddr{IP: w.far4.AsSlice()})
		return err
	})
	l.t.Cleanup(func() { socket.Close() })
	if err := socket.SetReadBuffer(1); err != nil {
		l.t.Fatal(err)
	}
	send := l.transmits(l.a, w.toFar, ktest.Packet{From: w.near4, To: w.far4, Protocol: 254, Payload: make([]byte, 1000)}.Bytes())
	s := scenario{
		cause: "raw-rcvbuf", values: map[string]any{"protocol": "254", "raw_takes": 1}, needs: needs{reason: "IP_NOPROTO"}, otherwise: []string{"no-protocol-or-full"},
		rows: every(within(l.b), fromAddr(w.near4), func(r *record) bool { return r.Tuple.Proto == 254 }),
		send: func() {
			for range 10 {
				send()
			}
		},
	}
	if !hasReason("TCP_ABORT_ON_DATA") { // which came with 6.9
		s.cause, s.values = "socket-rcvbuf", nil
		s.needs = needs{probes: true, symbols: []string{"__sock_queue_rcv_skb", "sock_queue_rcv_skb_reason", "sock_queue_rcv_skb"}}
	}
	return s
}
