// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// deepInTCP is where the sk_buff of a received segment has no device and no socket any more.
func deepInTCP(backend string) string {
	if backend == tracepoint {
		return "tcp_probe"
	}
	return "tcp_rcv_established"
}

// TestPlaceDeepInTCP: the place of a packet without skb->dev comes from the function's socket.
func TestPlaceDeepInTCP(t *testing.T) {
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			w := newWorld(t)
			p := start(t, "--backend", backend, "--filter-func", deepInTCP(backend),
				"--filter-netns", w.b.Name, "--filter-ifname", "vb", "tcp and net 10.9.0.0/24")
			w.converse()
			events := p.stop().events
			events.that(to(b4), within(w.b), on("vb")).present(t, "segment deep in TCP")
			events.that(not(within(w.b))).absent(t, "another namespace")
			events.that(not(on("vb"))).absent(t, "another device")
		})
	}
}

// TestPlaceDeepInUDP: UDP keeps other things in the place of skb->dev while a datagram waits to be read.
func TestPlaceDeepInUDP(t *testing.T) {
	if chosen() == tracepoint {
		return // no tracepoint is passed by what is read
	}
	w := newWorld(t)
	p := start(t, "--filter-func", "skb_consume_udp", "--filter-netns", w.b.Name, "udp and dst port 7777")
	w.readDatagram(7777)
	events := p.stop().events
	events.that(to(b4), within(w.b), on("vb")).present(t, "datagram that was read")
	events.that(not(within(w.b))).absent(t, "another namespace")
}

// readDatagram sends one from a to b, where it is read.
func (w *world) readDatagram(port int) {
	w.t.Helper()
	var server net.PacketConn
	do(w.t, w.b, func() (err error) {
		server, err = net.ListenPacket("udp", fmt.Sprintf(":%d", port))
		return err
	})
	defer server.Close()
	do(w.t, w.a, func() error { return udp(a4+":7001", fmt.Sprintf("%s:%d", b4, port)).Send(1) })
	if err := server.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		w.t.Fatal(err)
	}
	if _, _, err := server.ReadFrom(make([]byte, 2000)); err != nil {
		w.t.Fatal(err)
	}
}

// TestOwnerDeepInTCP: so does the process that a packet is for.
func TestOwnerDeepInTCP(t *testing.T) {
	const nobodysProcess = 1
	for name, pid := range map[string]int{"own": os.Getpid(), "another": nobodysProcess} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := start(t, "--filter-func", deepInTCP(chosen()), "--filter-pid", strconv.Itoa(pid), "tcp and dst port 8080")
			w.keepAlive(8080)
			events := p.stop().events.that(to(b4), within(w.b))
			if pid == nobodysProcess {
				events.absent(t, "segment for a socket of another process")
			} else {
				events.present(t, "segment for a socket of the process")
			}
		})
	}
}

// TestPlaceOfDropDeepInTCP: the place comes from the socket that the drop tracepoint names (6.11), before
// that from the packet's route.
func TestPlaceOfDropDeepInTCP(t *testing.T) {
	if !hasReasons() {
		return // TCP reports no drops before 5.17
	}
	w := newWorld(t)
	p := start(t, "--drop", "--output-stack=false", "--filter-netns", w.b.Name, "--filter-ifname", "vb", "tcp and dst port 8080")
	w.keepAlive(8080)
	p.stop().events.that(dropped, to(b4), within(w.b), on("vb")).present(t, "drop of a keepalive")
}

// TestPlaceOfFollowedDrop: if packets are followed, the place is the last one that was seen.
func TestPlaceOfFollowedDrop(t *testing.T) {
	if !hasReasons() {
		return // as above
	}
	w := newWorld(t)
	p := start(t, "--filter-track-skb", "--filter-func", few()+"|kfree_skb", "tcp and dst port 8080")
	w.keepAlive(8080)
	p.stop().events.that(dropped, to(b4), within(w.b), on("vb")).present(t, "drop of a keepalive")
}

// TestPlaceOfRetransmission: a segment in TCP's queue has other things in the places of its device and
// of its route, from which nothing is read.
func TestPlaceOfRetransmission(t *testing.T) {
	w := newWorld(t)
	retransmit := "__tcp_retransmit_skb"
	if chosen() == tracepoint {
		retransmit = "tcp_retransmit_skb"
	}
	p := start(t, "--filter-func", retransmit, "--filter-netns", w.a.Name)
	w.loseSegments(8080)
	events := p.stop().events
	events.that(in(retransmit)).present(t, "retransmission")
	events.that(not(within(w.a))).absent(t, "another namespace")
	events.that(func(r *record) bool { return r.MTU > 1500 || r.Ifname != "" && r.Ifname != "va" }).absent(t, "what is no route or device")
}

// TestEventsWithoutAnInterfaceAreCounted: a segment in TCP's queue is at no device.
func TestEventsWithoutAnInterfaceAreCounted(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--filter-func", "__tcp_retransmit_skb|tp:tcp_retransmit_skb", "--filter-netns", w.a.Name, "--filter-ifname", "va")
	w.loseSegments(8080)
	trace := p.stop()
	trace.events.absent(t, "event without an interface")
	if n := trace.summary.WithoutIfname; n == 0 || !strings.Contains(p.stderr(), fmt.Sprintf("not shown: %d event", n)) {
		t.Errorf("without_ifname %d, stderr: %s", n, p.stderr())
	}
	if !slices.Contains(trace.summary.Unseen, "no_interface") || slices.Contains(trace.summary.Unseen, "no_namespace") {
		t.Errorf("unseen: %q", trace.summary.Unseen)
	}
}

// loseSegments sends segments to a host that does not let them in any more, until one is sent again.
func (w *world) loseSegments(port uint16) {
	w.t.Helper()
	do(w.t, w.b, func() error { return w.serveIdle(int(port)) })
	conn := w.dial(int(port), net.KeepAliveConfig{})
	ktest.DropTCP(w.t, w.b, port)
	for range 9 {
		if _, err := conn.Write(make([]byte, 1400)); err != nil {
			w.t.Fatal(err)
		}
	}
	if !waits(time.Minute, func() bool { return netstat(w.t, w.a, "snmp", "RetransSegs") > 0 }) {
		w.t.Fatal("nothing was sent again")
	}
}

// dial opens a connection from a to b, which is closed at the end of the test.
func (w *world) dial(port int, k net.KeepAliveConfig) (conn net.Conn) {
	w.t.Helper()
	d := net.Dialer{KeepAliveConfig: k}
	do(w.t, w.a, func() (err error) {
		conn, err = d.Dial("tcp", net.JoinHostPort(b4, strconv.Itoa(port)))
		return err
	})
	w.t.Cleanup(func() { conn.Close() })
	return conn
}

// keepAlive opens a connection from a to b on which two keepalives are sent. TCP answers and drops
// them, as their sequence number is an old one.
func (w *world) keepAlive(port int) {
	w.t.Helper()
	do(w.t, w.b, func() error { return w.serveIdle(port) })
	w.dial(port, net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 9})
	if !waits(time.Minute, func() bool { return netstat(w.t, w.a, "netstat", "TCPKeepAlive") >= 2 }) {
		w.t.Fatal("no keepalives were sent")
	}
}

// serveIdle accepts connections on which nothing is sent.
func (w *world) serveIdle(port int) error {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{Port: port})
	if err != nil {
		return err
	}
	w.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(io.Discard, conn); conn.Close() }()
		}
	}()
	return nil
}

// netstat is a counter of a namespace from a file below /proc/net, where each line of names is followed by
// one of numbers.
func netstat(t *testing.T, n *ktest.Netns, file, counter string) (count int) {
	t.Helper()
	do(t, n, func() error {
		text, err := os.ReadFile("/proc/thread-self/net/" + file)
		if err != nil {
			return err
		}
		count, err = counterIn(string(text), counter)
		return err
	})
	return count
}

func counterIn(text, counter string) (int, error) {
	lines := strings.Split(text, "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		if column := slices.Index(strings.Fields(lines[i]), counter); column >= 0 {
			return strconv.Atoi(strings.Fields(lines[i+1])[column])
		}
	}
	return 0, fmt.Errorf("no counter %s", counter)
}
