// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// byStack is the flag under test. It implies --filter-track-skb.
const byStack = "--filter-track-skb-by-stackid"

// The filter matches echo requests with stackID, and TCP from stackPort. It matches neither the answers to these nor
// the unrelated packets with unmatchedID and unmatchedPort.
const (
	stackID, unmatchedID     = 0x3301, 0x3302
	stackPort, unmatchedPort = 7021, 7022
	byStackFilter            = "(icmp[icmptype] = icmp-echo and icmp[4:2] = 0x3301) or (tcp src port 7021)"
	openPort, shutPort       = 7701, 7702
	byStackFuncs             = "ip_rcv|icmp_rcv|tcp_v4_rcv|ip_local_deliver|ip_output|__ip_local_out|dev_hard_start_xmit|__dev_queue_xmit|consume_skb|kfree_skb.*"
)

// open and shut are the addresses of a listening and a closed port.
var (
	open = netip.AddrPortFrom(netip.MustParseAddr(b4), openPort).String()
	shut = netip.AddrPortFrom(netip.MustParseAddr(b4), shutPort).String()
)

// TestByStack checks that an answer which the kernel creates while it handles a packet is a part of
// that packet, and that the same exchanges with other ids and ports at the same time are not traced.
func TestByStack(t *testing.T) {
	for _, backend := range functionBackends(t) {
		t.Run(backend, func(t *testing.T) {
			w := newWorld(t)
			ping(t, w.a, b4, 0x3300) // for ARP
			serveTCP(t, w.b)
			p := start(t, "--backend", backend, byStack, "--output-tcp-flags", "--filter-func", byStackFuncs, byStackFilter)
			w.exchange(t)
			events := p.stop().events
			t.Run("echo", func(t *testing.T) { answered(t, events, echo(8, stackID), echo(0, stackID)) })
			t.Run("refused", func(t *testing.T) {
				answered(t, events, and(ports(stackPort, shutPort), flags("SYN")), and(ports(shutPort, stackPort), flags("RST")))
			})
			t.Run("accepted", func(t *testing.T) {
				answered(t, events, and(ports(stackPort, openPort), flags("SYN")), and(ports(openPort, stackPort), flags("SYN|ACK")))
			})
			unrelated := func(r *record) bool {
				return echo(8, unmatchedID)(r) || echo(0, unmatchedID)(r) || ports(unmatchedPort, shutPort)(r) || ports(shutPort, unmatchedPort)(r) ||
					ports(unmatchedPort, openPort)(r) || ports(openPort, unmatchedPort)(r)
			}
			events.that(unrelated).absent(t, "unrelated packets")
			for _, j := range journeys(events) {
				for _, f := range j.faults() {
					if !strings.Contains(f, "was not seen before") { // no traced function had the parent
						t.Error(f)
					}
				}
			}
		})
	}
}

func and(tests ...func(*record) bool) func(*record) bool {
	return func(r *record) bool { return len((records{*r}).that(tests...)) == 1 }
}

func flags(text string) func(*record) bool {
	return func(r *record) bool { return r.Tuple.Flags == text || r.Tuple.Flags == text+"|ACK" && text == "RST" }
}

func serveTCP(t *testing.T, n *ktest.Netns) {
	t.Helper()
	var l net.Listener
	do(t, n, func() (err error) {
		l, err = net.Listen("tcp4", open)
		return err
	})
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
}

// exchange sends the followed and the unrelated packets concurrently.
func (w *world) exchange(t *testing.T) {
	t.Helper()
	done := make(chan error)
	for _, who := range []struct{ id, port int }{{stackID, stackPort}, {unmatchedID, unmatchedPort}} {
		go func() {
			done <- w.a.Do(func() error {
				for seq := range 20 {
					if err := ktest.Ping(netip.MustParseAddr(b4), uint16(who.id), uint16(seq)); err != nil {
						return err
					}
				}
				for range tries {
					if err := connect(who.port); err != nil {
						return err
					}
				}
				return nil
			})
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// connect connects to the closed port, which must be refused, and then to the listening port.
func connect(from int) error {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(a4), Port: from}, Timeout: patience}
	if c, err := d.Dial("tcp4", shut); err == nil {
		c.Close()
		return fmt.Errorf("port %d is not closed", shutPort)
	}
	c, err := d.Dial("tcp4", open)
	if err != nil {
		return err
	}
	c.(*net.TCPConn).SetLinger(0) // avoids TIME_WAIT
	return c.Close()
}

// tries is the number of connections. Without kprobe sessions, some returns are missed, since the number of concurrent
// kretprobe instances is limited.
const tries = 5

// answered checks that the answers are parts of the packets that they answer, with the origin "stack".
func answered(t *testing.T, events records, question, answer func(*record) bool) {
	t.Helper()
	questions := make(map[string][]uint64)
	key := func(r *record) string {
		if r.Tuple.ICMP != nil {
			return fmt.Sprint(*r.Tuple.ICMP.Seq)
		}
		return ""
	}
	for _, r := range events.that(question) {
		questions[key(&r)] = append(questions[key(&r)], r.ID)
	}
	answers := events.that(answer)
	answers.present(t, "answers")
	events.that(question).present(t, "questions")
	for _, r := range answers {
		if ids := questions[key(&r)]; !slices.Contains(ids, r.ID) || r.Parent == nil {
			t.Errorf("the answer is not a part of any of %d: %s", ids, r.brief())
			return
		}
	}
	answers.that(func(r *record) bool { return r.Origin == "stack" && r.Parent != nil }).present(t, "answers with origin stack")
}

// TestByStackExcludesQueuedData checks that queued data, which the kernel sends while it handles an ACK, is not
// a part of the ACK, and neither is a packet that is created for this data: here the ICMP error of
// a firewall that rejects it. (An ACK that answers the ACK is a part of it.)
func TestByStackExcludesQueuedData(t *testing.T) {
	for _, backend := range functionBackends(t) {
		t.Run(backend, func(t *testing.T) {
			w := newWorld(t)
			server := w.stalled(t)
			ktest.RejectTCP(t, w.a, openPort)
			p := start(t, "--backend", backend, byStack, "--output-stack", "--filter-func", "tcp_v4_rcv|__ip_local_out|ip_output|icmp_rcv",
				"(tcp and src port 7701) or icmp")
			server.SetReadDeadline(time.Now().Add(stall))
			if n, err := io.Copy(io.Discard, server); n == 0 {
				t.Fatal(err)
			}
			events := p.stop().events
			events.that(sport(openPort), in("tcp_v4_rcv")).present(t, "ACKs")
			errors := events.that(icmp(3), isBelow("__tcp_push_pending_frames"))
			errors.that(in("__ip_local_out"), isBelow("tcp_v4_rcv")).present(t, "errors made while an ACK is received")
			errors.that(func(r *record) bool { return r.Origin == "stack" }).absent(t, "errors that are parts of an ACK")
		})
	}
}

// isBelow matches events with the function among the callers.
func isBelow(function string) func(*record) bool {
	return func(r *record) bool {
		return slices.ContainsFunc(r.Stack, func(f frame) bool { return f.Symbol == function })
	}
}

// stall is the time without progress after which a connection is considered stalled.
const stall = time.Second

// stalled returns the server's end of a connection whose receive window is full, since the server has
// read nothing.
func (w *world) stalled(t *testing.T) net.Conn {
	t.Helper()
	client, server := w.connected(t)
	client.SetWriteBuffer(1 << 16)
	server.SetReadBuffer(1 << 16)
	for {
		client.SetWriteDeadline(time.Now().Add(stall))
		if _, err := client.Write(make([]byte, 1<<12)); err != nil {
			return server
		}
	}
}

func (w *world) connected(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	var l *net.TCPListener
	do(t, w.b, func() (err error) {
		l, err = net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.MustParseAddrPort(open)))
		return err
	})
	t.Cleanup(func() { l.Close() })
	do(t, w.a, func() (err error) {
		client, err = net.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(open)))
		return err
	})
	t.Cleanup(func() { client.Close() })
	server, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}

// TestByStackSoak sends the traffic of TestSoak, and checks that no packet becomes a part of an unrelated one which was
// handled earlier on the same stack, was interrupted, or is in the same batch.
func TestByStackSoak(t *testing.T) {
	needFunctions(t)
	w := newWorld(t)
	ktest.SetOffload(t, w.a, "va", ktest.TSO, false)
	p, output := startPiped(t, byStack, "--filter-func", soakFuncs(), soakFilter)
	result := make(chan soaked)
	go func() { result <- readSoak(output, conversationOf, conversationWanted) }()
	t.Run("traffic", func(t *testing.T) { w.soak(t, soakTime(t)/2) })
	p.stopText()
	s := <-result
	s.checkAttribution(t, 20)
	if s.answers == 0 {
		t.Error("no answer was followed")
	}
}

// conversationOf returns one label for a packet and its answer.
func conversationOf(r *record) (label, bool) {
	l, ok := labelOf(r)
	if l.sport == soakTCP || l.kind == 0 && l.protocol == "icmp" {
		l.source, l.dest, l.sport, l.dport = l.dest, l.source, l.dport, l.sport
	}
	l.kind = 8
	return l, ok
}

// conversationWanted applies the filter to a label of conversationOf.
func conversationWanted(l label) bool {
	if l.protocol == "icmp" {
		return l.seq&15 == 0
	}
	return soakWanted(l)
}

// TestByStackNeedsFunctions checks the error of the tracepoint backend, which does not see calls and returns.
func TestByStackNeedsFunctions(t *testing.T) {
	p := command{args: []string{"--backend", tracepoint, byStack}}.start(t)
	p.ends(soon, 2)
	if want := "packets created while handling one can't be followed with the tracepoint backend"; !strings.Contains(p.stderr(), want) {
		t.Errorf("stderr does not say %q: %s", want, p.stderr())
	}
}
