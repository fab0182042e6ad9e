// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tracer/internal/ktest"
)

var whyTCP = []provocation{
	oldData, oldSequence, invalidSequence, oldTimestamp, ignoredReset, synOnConnection, mergedOutOfOrder, coveredOutOfOrder,
	unsentAck, ancientAck, withoutFlags, abortOnData, closedWindow,
	tooFarAway, md5Missing, md5Wrong, md5Unexpected, acceptQueueFull, cookieRefused,
}

// openTCP is a connection from a to b, on which the network also carries crafted segments.
type openTCP struct {
	l         *lab
	near, far *net.TCPConn
	segment   ktest.Segment
	// next is the sequence number that the far end expects, sent the one that it sends next.
	next, sent uint32
}

// opened opens a connection, and transfers some bytes to the far end.
func (l *lab) opened() *openTCP {
	l.t.Helper()
	s := &openTCP{l: l}
	from, to := netip.AddrPortFrom(l.ra.near4, l.port()), netip.AddrPortFrom(l.rb.near4, l.port())
	s.near, s.far = l.connection(from, to)
	if _, err := s.near.Write(make([]byte, 100)); err != nil {
		l.t.Fatal(err)
	}
	if _, err := s.far.Read(make([]byte, 200)); err != nil {
		l.t.Fatal(err)
	}
	var err error
	if s.sent, s.next, err = ktest.Sequence(s.far); err != nil {
		l.t.Fatal(err)
	}
	s.segment = ktest.Segment{From: from, To: to, Flags: flagACK, Seq: s.next, Ack: s.sent, Window: 500}
	return s
}

// injects sends segments to the far end. Only the reason tells their drops from those of others, such as keepalive probes.
// The rows may have no namespace: 6.1 does not report the socket, and the segment has no device and no route any more.
func (s *openTCP) injects(cause, reason string, values map[string]any, list ...ktest.Segment) scenario {
	return scenario{
		cause: cause, values: values, needs: needs{reason: reason},
		rows: every(toPort(s.segment.To.Port()), forReason(reason)),
		send: func() {
			for _, g := range list {
				s.l.transmits(s.l.a, s.l.ra.toFar, g.Bytes())()
			}
		},
	}
}

// forReason matches drops with one of these reasons, without their prefix.
func forReason(names ...string) func(*record) bool {
	return func(r *record) bool { return slices.Contains(names, strings.TrimPrefix(r.Reason, "SKB_DROP_REASON_")) }
}

// atSequence matches segments that begin with a sequence number.
func atSequence(n uint32) func(*record) bool {
	return func(r *record) bool { return r.Tuple.Seq != nil && *r.Tuple.Seq == n }
}

// probed is for causes that need the values of a decision.
func (s scenario) probed(symbols ...string) scenario {
	s.needs.probes, s.needs.symbols = true, symbols
	return s
}

func oldData(l *lab) scenario {
	s := l.opened()
	s.segment.Seq, s.segment.Payload = s.next-50, make([]byte, 50)
	return s.injects("tcp-old-data", "TCP_OLD_DATA", map[string]any{
		"tcp_data.seq": s.next - 50, "tcp_data.end_seq": s.next, "tcp_data.rcv_nxt": s.next,
	}, s.segment).probed("tcp_data_queue")
}

func oldSequence(l *lab) scenario {
	s := l.opened()
	s.segment.Seq, s.segment.Payload = s.next-90, make([]byte, 50)
	reason := "TCP_OLD_SEQUENCE"
	if !hasReason(reason) {
		reason = "TCP_INVALID_SEQUENCE" // 6.1 has one reason for both ends of the window
	}
	w := s.injects("tcp-old-sequence", reason, map[string]any{
		"tcp_input.seq": s.next - 90, "tcp_input.end_seq": s.next - 40, "tcp_input.rcv_nxt": s.next,
	}, s.segment).probed("tcp_validate_incoming")
	w.rows = every(w.rows, atSequence(s.segment.Seq))
	return w
}

func invalidSequence(l *lab) scenario {
	s := l.opened()
	s.segment.Seq, s.segment.Payload = s.next+1<<24, make([]byte, 50)
	w := s.injects("tcp-invalid-sequence", "TCP_INVALID_SEQUENCE", map[string]any{
		"tcp_input.seq": s.next + 1<<24, "tcp_input.rcv_nxt": s.next,
	}, s.segment).probed("tcp_validate_incoming")
	w.rows = every(w.rows, atSequence(s.segment.Seq))
	return w
}

// oldTimestamp sends a segment with a timestamp of one minute ago.
func oldTimestamp(l *lab) scenario {
	s := l.opened()
	now, err := ktest.Timestamp(s.near)
	if err != nil {
		l.t.Fatal(err)
	}
	s.segment.Options = endian.BigEndian.AppendUint32([]byte{1, 1, 8, 10}, now-60_000)
	s.segment.Options = endian.BigEndian.AppendUint32(s.segment.Options, 0)
	s.segment.Payload = make([]byte, 50)
	return s.injects("tcp-paws", "TCP_RFC7323_PAWS", nil, s.segment).probed("tcp_validate_incoming")
}

// ignoredReset sends a reset that is within the window, but not for the next byte.
func ignoredReset(l *lab) scenario {
	s := l.opened()
	s.segment.Flags, s.segment.Seq = flagRST, s.next+10
	return s.injects("tcp-reset-ignored", "TCP_RESET", nil, s.segment)
}

func synOnConnection(l *lab) scenario {
	s := l.opened()
	s.segment.Flags = flagSYN
	return s.injects("tcp-invalid-syn", "TCP_INVALID_SYN", map[string]any{"tcp_input.lport": s.segment.To.Port(), "tcp_input.state": "ESTABLISHED"}, s.segment).
		probed("tcp_validate_incoming")
}

// mergedOutOfOrder sends a segment after a gap twice.
func mergedOutOfOrder(l *lab) scenario {
	s := l.opened()
	s.segment.Seq, s.segment.Payload = s.next+1000, make([]byte, 50)
	return s.injects("tcp-ofo-merge", "TCP_OFOMERGE", nil, s.segment, s.segment)
}

// coveredOutOfOrder sends a segment after a gap, and then a larger one in order.
func coveredOutOfOrder(l *lab) scenario {
	s := l.opened()
	whole := s.segment
	whole.Payload = make([]byte, 200)
	s.segment.Seq, s.segment.Payload = s.next+100, make([]byte, 50)
	return s.injects("tcp-ofo-drop", "TCP_OFO_DROP", nil, s.segment, whole)
}

func unsentAck(l *lab) scenario {
	s := l.opened()
	s.segment.Ack, s.segment.Payload = s.sent+1000, make([]byte, 50)
	return s.injects("tcp-ack-unsent", "TCP_ACK_UNSENT_DATA", nil, s.segment)
}

func ancientAck(l *lab) scenario {
	s := l.opened()
	s.segment.Ack, s.segment.Payload = s.sent-1<<30, make([]byte, 50)
	return s.injects("tcp-old-ack", "TCP_TOO_OLD_ACK", nil, s.segment)
}

func withoutFlags(l *lab) scenario {
	s := l.opened()
	s.segment.Flags, s.segment.Payload = 0, make([]byte, 50)
	return s.injects("tcp-flags", "TCP_FLAGS", nil, s.segment)
}

// abortOnData sends data to a socket that the server has closed. Beyond a minute, tcp_fin_timeout is the time for which it
// stays a socket; otherwise it would be in TIME_WAIT, which has no such reason.
func abortOnData(l *lab) scenario {
	l.b.SetSysctl(l.tb, "ipv4/tcp_fin_timeout", "120")
	s := l.opened()
	w := s.injects("tcp-abort-on-data", "TCP_ABORT_ON_DATA", nil)
	w.send = func() {
		s.far.Close()
		s.near.Write(make([]byte, 50))
	}
	return w
}

// closedWindow fills the receive window of a socket whose process does not read, and then sends more. The buffer is small
// from the start, since the kernel does not take back a window that it has announced. Since 6.17, the kernel drops the
// segment in the check of its sequence numbers.
func closedWindow(l *lab) scenario {
	s := &openTCP{l: l}
	from, to := netip.AddrPortFrom(l.ra.near4, l.port()), netip.AddrPortFrom(l.rb.near4, l.port())
	s.near, s.far = l.connectionWith(from, to, func(listener *net.TCPListener) error { return ktest.SetReadBuffer(listener, 16384) })
	s.segment = ktest.Segment{From: from, To: to, Flags: flagACK, Window: 500}
	w := s.injects("tcp-beyond-closed-window", "TCP_INVALID_END_SEQUENCE", map[string]any{"tcp_input.lport": to.Port(), "tcp_input.left": 0}).probed("tcp_validate_incoming")
	if !hasReason("TCP_INVALID_END_SEQUENCE") {
		w = s.injects("tcp-window-closed", "TCP_ZEROWINDOW", map[string]any{"tcp_data.lport": to.Port(), "tcp_data.left": 0}).probed("tcp_data_queue")
	}
	w.send = func() {
		s.near.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		s.near.Write(make([]byte, 1<<20))
		l.fills(s.near)
		var err error
		if s.segment.Ack, s.segment.Seq, err = ktest.Sequence(s.far); err != nil {
			l.t.Fatal(err)
		}
		s.segment.Payload = make([]byte, 1000)
		l.transmits(l.a, l.ra.toFar, s.segment.Bytes())()
	}
	return w
}

// fills waits until a peer that does not read has closed its window. The last bytes go with a probe, after a timeout.
func (l *lab) fills(c *net.TCPConn) {
	l.t.Helper()
	var err error
	isClosed := waits(patience, func() bool {
		var window, unacknowledged uint32
		window, unacknowledged, err = ktest.PeerWindow(c)
		return err == nil && window == 0 && unacknowledged == 0
	})
	if !isClosed {
		l.t.Errorf("the window of a peer that does not read stays open: %v", err)
	}
}

// listener listens at a port of b.
func (l *lab) listener(port uint16) *net.TCPListener {
	l.t.Helper()
	var listener net.Listener
	l.do(l.b, func() (err error) {
		listener, err = ktest.ListenBacklog(netip.AddrPortFrom(l.rb.near4, port), 100) // package net would use MPTCP
		return err
	})
	l.t.Cleanup(func() { listener.Close() })
	return listener.(*net.TCPListener)
}

// begins sends a SYN to a listener, which refuses it.
func (l *lab) begins(cause, reason string, s ktest.Segment, values map[string]any) scenario {
	values["dport"], values["src4"] = s.To.Port(), s.From.Addr()
	return scenario{
		cause: cause, values: values, needs: needs{reason: reason}, rows: every(within(l.b), toPort(s.To.Port())),
		send: l.transmits(l.a, l.ra.toFar, s.Bytes()),
	}
}

// tooFarAway sends to a listener that requires a TTL of 255.
func tooFarAway(l *lab) scenario {
	s := l.segmentToB(l.port(), flagSYN, false)
	if err := ktest.SetMinimumTTL(l.listener(s.To.Port()), 255); err != nil {
		l.t.Fatal(err)
	}
	return l.begins("tcp-min-ttl", "TCP_MINTTL", s, map[string]any{"ttl": 63})
}

func md5Missing(l *lab) scenario {
	s := l.segmentToB(l.port(), flagSYN, false)
	ktest.RequireMD5(l.tb, l.listener(s.To.Port()), l.ra.near4)
	return l.begins("tcp-md5-missing", "TCP_MD5NOTFOUND", s, map[string]any{})
}

func md5Wrong(l *lab) scenario {
	s := l.segmentToB(l.port(), flagSYN, false)
	ktest.RequireMD5(l.tb, l.listener(s.To.Port()), l.ra.near4)
	s.Options = append([]byte{1, 1, 19, 18}, make([]byte, 16)...)
	return l.begins("tcp-md5-wrong", "TCP_MD5FAILURE", s, map[string]any{})
}

// acceptQueueFull completes two handshakes at the same time with a listener whose queue has room for one more connection.
// The SYNs arrive while there is still room; otherwise the kernel would refuse them.
func acceptQueueFull(l *lab) scenario {
	to := l.crowded(2)
	return scenario{
		cause: "accept-queue-full", values: map[string]any{"accept_queue.lport": to.Port(), "accept_queue.waiting": 3, "accept_queue.limit": 2},
		needs: needs{probes: true, symbols: []string{"tcp_v4_syn_recv_sock"}},
		rows:  every(within(l.b), toPort(to.Port()), forReason("TCP_LISTEN_OVERFLOW", "NOT_SPECIFIED", "")),
		send:  func() { l.connectsTwice(to) },
	}
}

// connectsTwice completes two handshakes at the same time.
func (l *lab) connectsTwice(to netip.AddrPort) {
	l.t.Helper()
	release := ktest.HoldACKs(l.tb, l.a, to.Port())
	first, second := l.client(to), l.client(to)
	release()
	_, firstErr := first.Write([]byte(get))
	_, secondErr := second.Write([]byte(get))
	if err := errors.Join(firstErr, secondErr); err != nil {
		l.t.Fatal(err)
	}
}

// crowded returns a listener of b that never accepts, with a backlog of n and n connections.
func (l *lab) crowded(n int) netip.AddrPort {
	l.t.Helper()
	to := netip.AddrPortFrom(l.rb.near4, l.port())
	l.do(l.b, func() error {
		listener, err := ktest.ListenBacklog(to, n)
		if err == nil {
			l.t.Cleanup(func() { listener.Close() })
		}
		return err
	})
	for range n {
		l.client(to)
	}
	return to
}

// client connects from a.
func (l *lab) client(to netip.AddrPort) net.Conn {
	l.t.Helper()
	return l.clientFrom(l.ra.near4, to)
}

// clientFrom connects from an address of a.
func (l *lab) clientFrom(addr netip.Addr, to netip.AddrPort) (c net.Conn) {
	l.t.Helper()
	l.do(l.a, func() (err error) {
		c, err = ktest.TCP{Client: netip.AddrPortFrom(addr, 0), Server: to}.Connect()
		return err
	})
	l.t.Cleanup(func() { c.Close() })
	return c
}

// cookieRefused does the same with a listener without room for pending handshakes, so that the kernel sends SYN cookies.
// Before 6.9 the drop has no reason.
func cookieRefused(l *lab) scenario {
	to := l.crowded(0)
	l.b.SetSysctl(l.tb, "ipv4/tcp_syncookies", "1")
	return scenario{
		cause: "accept-queue-full", values: map[string]any{"accept_queue.lport": to.Port(), "accept_queue.waiting": 1, "accept_queue.limit": 0},
		needs: needs{probes: true, symbols: []string{"tcp_v4_syn_recv_sock"}}, otherwise: []string{"tcp-cookie-refused"},
		rows: every(within(l.b), toPort(to.Port()), forReason("NO_SOCKET", "TCP_LISTEN_OVERFLOW", "NOT_SPECIFIED", "")), send: func() { l.connectsTwice(to) },
	}
}

// md5Unexpected sends a signature to a listener without a key.
func md5Unexpected(l *lab) scenario {
	s := l.segmentToB(l.port(), flagSYN, false)
	l.listener(s.To.Port())
	s.Options = append([]byte{1, 1, 19, 18}, make([]byte, 16)...)
	return l.begins("tcp-md5-unexpected", "TCP_MD5UNEXPECTED", s, map[string]any{})
}
