// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// soakTime returns the duration of TestSoak: the environment variable SOAK, or some seconds.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("SOAK")
	if text == "" && isDedicated() {
		return 12 * time.Second
	}
	if text == "" {
		return 3 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	return d
}

// Destination ports of the soak test, and the range of its source ports.
const (
	soakUDP, soakTCP    = 7300, 7301
	soakFirst, soakLast = 20000, 52767
)

// soakFilter matches one in sixteen of the sent packets, and no answers, so that followed packets reuse the memory
// of recently freed unrelated ones.
const soakFilter = "(udp dst port 7300 and udp[0:2] & 15 = 0) or (tcp dst port 7301 and tcp[0:2] & 15 = 0)" +
	" or (icmp[icmptype] = icmp-echo and icmp[6:2] & 15 = 0)"

// soakWanted applies the same filter to a label.
func soakWanted(l label) bool {
	switch l.protocol {
	case "udp":
		return l.dport == soakUDP && l.sport&15 == 0
	case "tcp":
		return l.dport == soakTCP && l.sport&15 == 0
	}
	return l.kind == 8 && l.seq&15 == 0
}

// soakFuncs returns only some functions of the path and the functions that free packets, so that the reader keeps up.
func soakFuncs() string {
	if chosen() == tracepoint {
		return "net_dev_queue|netif_receive_skb|consume_skb|kfree_skb"
	}
	return "dev_hard_start_xmit|ip_rcv|udp_rcv|tcp_v4_rcv|icmp_rcv|ip_do_fragment|ip_defrag|" +
		"__consume_stateless_skb|__kfree_skb|consume_skb|kfree_skb.*|napi_consume_skb|sk_skb_reason_drop|skb_attempt_defer_free|skb_release_head_state"
}

// TestSoak sends at full speed, so that the kernel reuses the addresses of sk_buffs, and checks that no event
// is assigned to a wrong packet. To run it for an hour:
//
//	SOAK=1h go test -run TestSoak -timeout 90m -v ./e2e/guest
func TestSoak(t *testing.T) {
	w := newWorld(t)
	ktest.SetOffload(t, w.a, "va", ktest.TSO, false)
	p, output := startPiped(t, "--filter-track-skb", "--filter-func", soakFuncs(), soakFilter)
	result := make(chan soaked)
	go func() { result <- readSoak(output, labelOf, soakWanted) }()
	t.Run("traffic", func(t *testing.T) { w.soak(t, soakTime(t)) })
	p.stopText()
	(<-result).check(t)
}

// startPiped starts tracer with a pipe for its output, which is too long for a file.
func startPiped(t *testing.T, args ...string) (*process, io.Reader) {
	t.Helper()
	output, input, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { output.Close() })
	p := command{args: append([]string{"--output-json"}, args...), stdout: input}.start(t)
	input.Close()
	p.awaitReady()
	return p, output
}

// soaked is the result of a soak test.
type soaked struct {
	attribution
	summary record
	err     error
}

func readSoak(output io.Reader, labelOf func(*record) (label, bool), wanted func(label) bool) soaked {
	var s soaked
	s.attribution = attribute(s.lines(output), labelOf, wanted)
	return s
}

// lines yields the events, and stores the summary in s.
func (s *soaked) lines(output io.Reader) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		scanner := bufio.NewScanner(output)
		for scanner.Scan() {
			var r record
			if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
				s.err = errors.Join(s.err, err)
			}
			switch r.Type {
			case "summary":
				s.summary = r
			case "function", "tracepoint":
				if !yield(&r) {
					return
				}
			}
		}
		s.err = errors.Join(s.err, scanner.Err())
	}
}

// check checks the attribution. If functions are traced, it also checks that packets without an event that frees
// them are explained by lost events.
func (s soaked) check(t *testing.T) {
	t.Helper()
	s.checkAttribution(t, 50)
	if follows() && s.unended > s.summary.Lost {
		t.Errorf("%d packets were not seen to be freed, with %d events lost", s.unended, s.summary.Lost)
	}
}

// checkAttribution checks that no event is assigned to a wrong packet, and that there are enough packets for a
// meaningful result.
func (s soaked) checkAttribution(t *testing.T, least int) {
	t.Helper()
	t.Logf("%d events of %d packets, %d lost, %d assigned to a wrong packet, %d not seen to be freed",
		s.events, s.packets, s.summary.Lost, s.wrong.count, s.unended)
	if s.err != nil {
		t.Error(s.err)
	}
	if s.packets < least {
		t.Errorf("%d packets, want at least %d", s.packets, least)
	}
	for _, what := range s.wrong.first {
		t.Error(what)
	}
	if s.wrong.count > 0 {
		t.Errorf("%d events were assigned to a wrong packet", s.wrong.count)
	}
}

// soakLeast is the minimum number of exchanges for a meaningful result, since only one in sixteen is followed.
const soakLeast = 2000

// soak sends all kinds of traffic concurrently for this duration. On a slow machine it continues until
// soakLeast is reached, for at most four times the duration.
func (w *world) soak(t *testing.T, long time.Duration) {
	ktest.NewTap(t, w.a, "va") // causes clones
	here, there := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr(b4)
	for _, server := range []struct {
		n *ktest.Netns
		c func() (io.Closer, error)
	}{{w.a, echoUDP}, {w.b, echoUDP}, {w.b, swallowTCP}} {
		serve(t, server.n, server.c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*long)
	defer cancel()
	var all sync.WaitGroup
	var total atomic.Int64
	began := time.Now()
	goesOn := func() bool { return ctx.Err() == nil && (time.Since(began) < long || total.Load() < soakLeast) }
	for name, send := range map[string]func(n int) error{
		"echo on loopback": func(n int) error { return ktest.Ping(here, uint16(n>>16), uint16(n)) },
		"echo on a wire":   func(n int) error { return ktest.Ping(there, uint16(n>>16), uint16(n)) },
		"UDP on loopback":  func(n int) error { return askUDP(here, n, 20) },
		"UDP on a wire":    func(n int) error { return askUDP(there, n+1, 1000) },
		"fragments":        func(n int) error { return askUDP(there, n+2, 5000) },
		"TCP":              func(n int) error { return pushTCP(there, n) },
	} {
		all.Go(func() {
			sent := 0
			err := w.a.Do(func() (err error) {
				for ; goesOn() && err == nil; sent++ {
					err = unlessLost(send(sent))
					total.Add(1)
				}
				return err
			})
			t.Logf("%s: %d", name, sent)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	all.Wait()
}

// unlessLost returns nil for timeouts: at full speed a socket's queue may be full, or an answer late.
func unlessLost(err error) error {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return nil
	}
	return err
}

// serve starts a server, and closes it at the end of the test.
func serve(t *testing.T, n *ktest.Netns, open func() (io.Closer, error)) {
	t.Helper()
	do(t, n, func() error {
		c, err := open()
		if err == nil {
			t.Cleanup(func() { c.Close() })
		}
		return err
	})
}

// echoUDP answers each datagram with a short one.
func echoUDP() (io.Closer, error) {
	c, err := ktest.ListenUDP(netip.AddrPortFrom(netip.IPv4Unspecified(), soakUDP))
	if err != nil {
		return nil, err
	}
	go func() {
		for b := make([]byte, 1<<16); ; {
			_, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(b[:1], from)
		}
	}()
	return c, nil
}

// askUDP sends the nth datagram, from port soakPort(n), and waits for the answer. It does nothing if the port is in
// use.
func askUDP(to netip.Addr, n, size int) error {
	c, err := ktest.UDP{From: netip.AddrPortFrom(netip.IPv4Unspecified(), soakPort(n))}.Open()
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.WriteTo(make([]byte, size), net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, soakUDP))); err != nil {
		return err
	}
	_, _, err = c.ReadFrom(make([]byte, 1))
	return err
}

func soakPort(n int) uint16 { return uint16(soakFirst + n%(soakLast-soakFirst+1)) }

// swallowTCP reads each connection to its end.
func swallowTCP() (io.Closer, error) {
	l, err := net.Listen("tcp4", netip.AddrPortFrom(netip.IPv4Unspecified(), soakTCP).String())
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	return l, nil
}

// pushTCP sends enough data for big packets, and waits until it has been read. It does nothing if the port is
// still in use, from an earlier round.
func pushTCP(to netip.Addr, n int) error {
	d := net.Dialer{LocalAddr: &net.TCPAddr{Port: int(soakPort(n))}, Timeout: patience}
	conn, err := d.Dial("tcp4", netip.AddrPortFrom(to, soakTCP).String())
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		return nil
	}
	if err != nil {
		return err
	}
	c := conn.(*net.TCPConn)
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.Write(make([]byte, 60000)); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, c)
	return err
}
