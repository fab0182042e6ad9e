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

// byStack is the flag, which goes by itself.
const byStack = "--filter-track-skb-by-stackid"

// Of what is sent, the filter matches one echo request by its identifier, and what one
// port of TCP sends; answers and all else are what it does not match.
const (
	stackID, strangeID     = 0x3301, 0x3302
	stackPort, strangePort = 7021, 7022
	byStackFilter          = "(icmp[icmptype] = icmp-echo and icmp[4:2] = 0x3301) or (tcp src port 7021)"
	openPort, shutPort     = 7701, 7702
	byStackFuncs           = "ip_rcv|icmp_rcv|tcp_v4_rcv|ip_local_deliver|ip_output|__ip_local_out|dev_hard_start_xmit|__dev_queue_xmit|consume_skb|kfree_skb.*"
)

// open and shut are where these ports are.
var (
	open = netip.AddrPortFrom(netip.MustParseAddr(b4), openPort).String()
	shut = netip.AddrPortFrom(netip.MustParseAddr(b4), shutPort).String()
)

// TestByStack: an answer that the kernel makes while it is at work on a packet is a part of
// it. The same exchanges of strangers, at the same time, are not seen.
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
			strangers := func(r *record) bool {
				return echo(8, strangeID)(r) || echo(0, strangeID)(r) || ports(strangePort, shutPort)(r) || ports(shutPort, strangePort)(r) ||
					ports(strangePort, openPort)(r) || ports(openPort, strangePort)(r)
			}
			events.that(strangers).absent(t, "strangers")
			for _, j := range journeys(events) {
				for _, f := range j.faults() {
					if !strings.Contains(f, "was not seen before") { // in no function that is traced
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

// exchange has the packets that are followed and those of strangers on their way at the
// same time.
func (w *world) exchange(t *testing.T) {
	t.Helper()
	done := make(chan error)
	for _, who := range []struct{ id, port int }{{stackID, stackPort}, {strangeID, strangePort}} {
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

// connect asks a port at which nobody listens, and then one at which somebody does.
func connect(from int) error {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(a4), Port: from}, Timeout: patience}
	if c, err := d.Dial("tcp4", shut); err == nil {
		c.Close()
		return fmt.Errorf("somebody listens at port %d", shutPort)
	}
	c, err := d.Dial("tcp4", open)
	if err != nil {
		return err
	}
	c.(*net.TCPConn).SetLinger(0) // the port is free at once
	return c.Close()
}

// tries are needed as the kernel has few kretprobes at a time, where there are no sessions:
// now and then one is not told of.
const tries = 5

// answered wants the answers to be parts of the packets that they answer, made on the stack.
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
			t.Errorf("the answer is no part of one of %d: %s", ids, r.brief())
			return
		}
	}
	answers.that(func(r *record) bool { return r.Origin == "stack" && r.Parent != nil }).present(t, "answers made on the stack")
}

// TestByStackOfAStranger: an ACK lets the kernel send what waits, in the midst of its work on
// the ACK. That is no part of it, and what is made because of that is not either: here an
// error, since a firewall does not let it go. (An ACK that answers one is a part of it.)
func TestByStackOfAStranger(t *testing.T) {
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
			errors.that(func(r *record) bool { return r.Origin == "stack" }).absent(t, "errors given to an ACK")
		})
	}
}

// isBelow says that a function is among the callers.
func isBelow(function string) func(*record) bool {
	return func(r *record) bool {
		return slices.ContainsFunc(r.Stack, func(f frame) bool { return f.Symbol == function })
	}
}

// stall is for how long nothing can be sent before nothing ever will.
const stall = time.Second

// stalled is the server's end of a connection from which it has read nothing, so that no
// more can be sent.
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

// TestByStackSoak sends as TestSoak does, and wants nothing to be given to a wrong packet:
// not what follows on the same stack, nor what interrupts it, nor what is dealt with in one
// go with it.
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
	s.judgeAttribution(t, 20)
	if s.answers == 0 {
		t.Error("no answer was followed")
	}
}

// conversationOf is the label of a packet, and the same for its answer.
func conversationOf(r *record) (label, bool) {
	l, ok := labelOf(r)
	if l.sport == soakTCP || l.kind == 0 && l.protocol == "icmp" {
		l.source, l.dest, l.sport, l.dport = l.dest, l.source, l.dport, l.sport
	}
	l.kind = 8
	return l, ok
}

// conversationWanted is the filter, for the labels of what was sent and its answers.
func conversationWanted(l label) bool {
	if l.protocol == "icmp" {
		return l.seq&15 == 0
	}
	return soakWanted(l)
}

// TestByStackNeedsFunctions: tracepoints don't tell what is under way.
func TestByStackNeedsFunctions(t *testing.T) {
	p := command{args: []string{"--backend", tracepoint, byStack}}.start(t)
	p.ends(soon, 2)
	if want := "packets created while handling one can't be followed with the tracepoint backend"; !strings.Contains(p.stderr(), want) {
		t.Errorf("stderr does not say %q: %s", want, p.stderr())
	}
}
