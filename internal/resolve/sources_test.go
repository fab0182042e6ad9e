// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// connections makes entries in the conntrack table of a namespace: a packet from each port of each address.
func connections(t *testing.T, n *ktest.Netns, counts map[string]int) {
	t.Helper()
	if err := n.Do(func() error {
		for source, count := range counts {
			for i := range count {
				c, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(source)}, &net.UDPAddr{IP: net.ParseIP(source), Port: 1000 + i})
				if err != nil {
					return err
				}
				_, _ = c.Write([]byte("x")) // nobody listens
				if err := c.Close(); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTopSources(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-sources")
	h := newHost(t, "none")
	if answer, ok := h.TopSources(n.Inode); ok {
		t.Errorf("an empty table: %+v", answer)
	}
	load(t, n, "table inet track {\nchain output {\ntype filter hook output priority 0;\nct state new counter\n}\n}\n")
	connections(t, n, map[string]int{"127.0.0.1": 3, "127.0.0.2": 40, "127.0.0.3": 7, "127.0.0.4": 1, "::1": 5})
	if _, ok := h.TopSources(n.Inode); ok {
		t.Error("counted again at once")
	}
	ns := h.namespaces[n.Inode]
	ns.sources.pace.next = time.Now()
	answer, ok := h.TopSources(n.Inode)
	if want := "127.0.0.2 (40), 127.0.0.3 (7), ::1 (5)"; !ok || answer.String() != want || answer.Counted != 56 || answer.Partial {
		t.Errorf("%v, %+v: %s, want %s", ok, answer, answer, want)
	}
	if partial := ns.countSources(h.deadline(), 10); partial.Counted != 10 || !partial.Partial {
		t.Errorf("at most 10: %+v", partial)
	}
	if late := ns.countSources(time.Now().Add(-time.Second), 1000); late.Counted != 0 || !late.Partial {
		t.Errorf("after the deadline: %+v", late)
	}
	if _, ok := h.TopSources(1); ok {
		t.Error("an answer for no namespace")
	}
}

func TestSourcesText(t *testing.T) {
	s := Sources{Top: []Source{{netip.MustParseAddr("10.0.0.7"), 9}}, Counted: 12, Partial: true}
	if got, want := s.String(), "10.0.0.7 (9), among 12 counted"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
