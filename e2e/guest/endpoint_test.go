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

// deepInTCP returns a function or tracepoint in TCP, at which the sk_buff of a received segment no longer has a device
// or a socket.
func deepInTCP(backend string) string {
	if backend == tracepoint {
		return "tcp_probe"
	}
	return "tcp_rcv_established"
}

// TestNetdevDeepInTCP checks that interface and namespace of a packet without skb->dev are read from the socket
// argument of the function.
func TestNetdevDeepInTCP(t *testing.T) {
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

// TestNetdevDeepInUDP does the same in UDP, which stores other data in the union with skb->dev (dev_scratch) while a
// datagram is in the receive queue.
func TestNetdevDeepInUDP(t *testing.T) {
	if chosen() == tracepoint {
		return // no tracepoint sees a datagram that is read
	}
	w := newWorld(t)
	p := start(t, "--filter-func", "skb_consume_udp", "--filter-netns", w.b.Name, "udp and dst port 7777")
	w.readDatagram(7777)
	events := p.stop().events
	events.that(to(b4), within(w.b), on("vb")).present(t, "datagram that was read")
	events.that(not(within(w.b))).absent(t, "another namespace")
}

// readDatagram sends a datagram from a to b, and reads it there.
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

// TestProcessFilterDeepInTCP checks that --filter-pid matches a packet by the socket argument of the function.
func TestProcessFilterDeepInTCP(t *testing.T) {
	const initProcess = 1
	for name, pid := range map[string]int{"own": os.Getpid(), "another": initProcess} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := start(t, "--filter-func", deepInTCP(chosen()), "--filter-pid", strconv.Itoa(pid), "tcp and dst port 8080")
			w.keepAlive(8080)
			events := p.stop().events.that(to(b4), within(w.b))
			if pid == initProcess {
				events.absent(t, "segment for a socket of another process")
			} else {
				events.present(t, "segment for a socket of the process")
			}
		})
	}
}

// TestNetdevOfDropDeepInTCP checks that interface and namespace of a drop are read from the socket argument of the
// kfree_skb tracepoint (6.11), or from the packet's route on older kernels.
func TestNetdevOfDropDeepInTCP(t *testing.T) {
	if !hasReasons() {
		return // TCP reports no drops before 5.17
	}
	w := newWorld(t)
	p := start(t, "--drop", "--filter-netns", w.b.Name, "--filter-ifname", "vb", "tcp and dst port 8080")
	w.keepAlive(8080)
	p.stop().events.that(dropped, to(b4), within(w.b), on("vb")).present(t, "drop of a keepalive")
}

// TestNetdevOfFollowedDrop checks that the drop of a followed packet has the last interface and namespace that
// were seen.
func TestNetdevOfFollowedDrop(t *testing.T) {
	if !hasReasons() {
		return // TCP reports no drops before 5.17
	}
	w := newWorld(t)
	p := start(t, "--filter-track-skb", "--filter-func", few()+"|kfree_skb", "tcp and dst port 8080")
	w.keepAlive(8080)
	p.stop().events.that(dropped, to(b4), within(w.b), on("vb")).present(t, "drop of a keepalive")
}

// retransmitFuncs are functions, and a tracepoint, that get segments from TCP's queue. On arm64, GCC splits
// __tcp_retransmit_skb, and callers call the part that cannot be traced, __tcp_retransmit_skb.part.0. 5.10 on
// arm64 has no type of __tcp_transmit_skb, which is static.
const retransmitFuncs = "__tcp_retransmit_skb|__tcp_transmit_skb|tcp_retransmit_skb"

// TestNetdevOfRetransmission checks that no device or route is read from a segment in TCP's queue, which stores
// other data in the unions with these pointers.
func TestNetdevOfRetransmission(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--filter-func", retransmitFuncs, "--filter-netns", w.a.Name)
	w.loseSegments(8080)
	events := p.stop().events
	events.that(in(strings.Split(retransmitFuncs, "|")...)).present(t, "retransmission")
	events.that(not(within(w.a))).absent(t, "another namespace")
	events.that(func(r *record) bool { return r.MTU > 1500 || r.Ifname != "" && r.Ifname != "va" }).absent(t, "an MTU or interface from other data")
}

// TestEventsWithoutAnInterfaceAreCounted checks that --filter-ifname counts events without an interface, such as
// those of segments in TCP's queue.
func TestEventsWithoutAnInterfaceAreCounted(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--filter-func", retransmitFuncs, "--filter-netns", w.a.Name, "--filter-ifname", "va")
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

// loseSegments sends segments to a host that drops them, until one is retransmitted.
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
		w.t.Fatal("nothing was retransmitted")
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

// keepAlive opens a connection from a to b and waits for two keepalive probes. TCP answers and drops them, since their
// sequence number is old.
func (w *world) keepAlive(port int) {
	w.t.Helper()
	do(w.t, w.b, func() error { return w.serveIdle(port) })
	w.dial(port, net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 9})
	if !waits(time.Minute, func() bool { return netstat(w.t, w.a, "netstat", "TCPKeepAlive") >= 2 }) {
		w.t.Fatal("no keepalives were sent")
	}
}

// serveIdle accepts connections, sends nothing and discards what it receives.
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

// netstat reads a counter of a namespace from a file in /proc/net in which each line of names is followed by
// a line of numbers.
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
