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
		needs: needs{probes: true, reason: "SOCKET_RCVBUFF", symbols: []string{"__udp_enqueue_schedule_skb"}},
		rows:  every(within(l.b), toPort(u.To.Port())),
		send:  func() { l.do(l.a, func() error { return u.Send(10) }) },
	}
}

// rawBufferFull sends more than the buffer of a raw socket holds.
func rawBufferFull(l *lab) scenario {
	if hasReason("TCP_INVALID_END_SEQUENCE") {
		panic(missing(lacks + "drop by a full raw socket: since 6.17 it counts as none"))
	}
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
	return scenario{
		cause: "socket-rcvbuf", also: []string{"no-protocol"}, // 6.12 reports IP_NOPROTO
		needs: needs{probes: true, reason: "SOCKET_RCVBUFF", symbols: []string{"__sock_queue_rcv_skb", "sock_queue_rcv_skb_reason", "sock_queue_rcv_skb"}},
		rows:  every(within(l.b), fromAddr(w.near4), func(r *record) bool { return r.Tuple.Proto == 254 }),
		send: func() {
			for range 10 {
				send()
			}
		},
	}
}
