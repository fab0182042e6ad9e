// SPDX-License-Identifier: Apache-2.0

package live

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tracer/internal/event"
	"tracer/internal/explain"
	"tracer/internal/kernel"
	"tracer/internal/ktest"
	"tracer/internal/plan"
	"tracer/internal/source"
)

// TestDropIsExplained checks the cause of the drop of a datagram to a closed port.
func TestDropIsExplained(t *testing.T) {
	s := explaining(t, "udp dst port 47141")
	c, err := net.Dial("udp", "127.0.0.1:47141")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	why := nextWhy(t, s)
	if why.Cause != "udp-no-listener" || why.Silent {
		t.Errorf("cause %+v, want udp-no-listener", why)
	}
	if !strings.HasSuffix(why.Text, "; ICMP port unreachable is sent to 127.0.0.1 unless it is rate-limited") {
		t.Errorf("text %s", why.Text)
	}
	t.Logf("%+v", why)
}

// explaining returns a source of drops with all causes, which come from the drop tracepoint alone.
func explaining(t *testing.T, filter string) *Source {
	t.Helper()
	ktest.Root(t)
	r, err := Resolve(Config{Plan: plan.Options{Backend: kernel.TracepointBackend}, Why: explain.Families(), Drops: Drops{Only: true}, Expr: filter})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), r, Silent{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFullSocketIsExplained sends more than the buffer of a socket holds. The values come from the socket of the drop.
func TestFullSocketIsExplained(t *testing.T) {
	facts, err := kernel.Gather(t.Context(), kernel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(facts.Tracepoints, func(tp kernel.Tracepoint) bool { return tp.Name == "kfree_skb" && tp.SocketArg >= 0 }) {
		t.Skip("the drop tracepoint names no socket: Linux 6.11 and newer do")
	}
	full, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if err := full.SetReadBuffer(1); err != nil {
		t.Fatal(err)
	}
	port := full.LocalAddr().(*net.UDPAddr).Port
	s := explaining(t, fmt.Sprint("udp dst port ", port))
	c, err := net.Dial("udp", full.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 10 {
		if _, err := c.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	why := nextWhy(t, s)
	values := map[string]uint64{}
	for _, v := range why.Values {
		values[v.Key] = v.Number
	}
	if why.Cause != "udp-rcvbuf" || values["udp_queue.lport"] != uint64(port) || values["udp_queue.error"] != uint64(syscall.ENOMEM) {
		t.Errorf("cause %+v, want udp-rcvbuf of port %d", why, port)
	}
	t.Logf("%+v", why)
}

// nextWhy returns the cause of the next drop, within three seconds.
func nextWhy(t *testing.T, s *Source) *event.Why {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 3*time.Second; {
		e, err := s.Next()
		if errors.Is(err, source.ErrIdle) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		s.Enrich(e)
		s.Explain(e)
		if e.Why == nil {
			t.Fatalf("drop without a cause: %+v", e)
		}
		return e.Why
	}
	t.Fatal("no drop within three seconds")
	return nil
}
