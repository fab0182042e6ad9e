// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// connections creates entries in the conntrack table of a namespace: one for each address and port.
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

func TestCountSources(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-sources")
	load(t, n, "table inet track {\nchain output {\ntype filter hook output priority 0;\nct state new counter\n}\n}\n")
	connections(t, n, map[string]int{"127.0.0.1": 3, "127.0.0.2": 40, "127.0.0.3": 7, "127.0.0.4": 1, "::1": 5})
	h := newHost(t, "none")
	ns, err := h.enter(n.Inode)
	if err != nil {
		t.Fatal(err)
	}
	answer := ns.countSources(h.deadline(), sourcesMost)
	if want := "127.0.0.2 (40), 127.0.0.3 (7), ::1 (5)"; answer.String() != want || answer.Counted != 56 || answer.Partial {
		t.Errorf("%+v: %s, want %s", answer, answer, want)
	}
	if partial := ns.countSources(h.deadline(), 10); partial.Counted != 10 || !partial.Partial {
		t.Errorf("at most 10: %+v", partial)
	}
	if late := ns.countSources(time.Now().Add(-time.Second), sourcesMost); late.Counted != 0 || !late.Partial {
		t.Errorf("after the deadline: %+v", late)
	}
}

// TestTopSources checks the counts, and that the answer is cached.
func TestTopSources(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-top")
	h := newHost(t, "none")
	if answer, ok := h.TopSources(n.Inode); ok {
		t.Errorf("an empty table: %+v", answer)
	}
	load(t, n, "table inet track {\nchain output {\ntype filter hook output priority 0;\nct state new counter\n}\n}\n")
	connections(t, n, map[string]int{"127.0.0.1": 3})
	if _, ok := h.TopSources(1); ok {
		t.Error("an answer for no namespace")
	}
	last := &h.namespaces[n.Inode].sources
	last.pace.next = time.Now().Add(time.Hour)
	if answer, ok := h.TopSources(n.Inode); ok {
		t.Errorf("counted at once: %+v", answer)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		last.pace.next = time.Now()
		if answer, ok := h.TopSources(n.Inode); ok && answer.Counted == 3 {
			return
		}
	}
	t.Errorf("not counted again: %+v", last.sources)
}

func TestSourcesText(t *testing.T) {
	s := Sources{Top: []Source{{netip.MustParseAddr("10.0.0.7"), 9}}, Counted: 12, Partial: true}
	if got, want := s.String(), "10.0.0.7 (9), among 12 counted"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestMalformedEntries checks entries of the conntrack table without a source.
func TestMalformedEntries(t *testing.T) {
	whole := []byte{
		2, 0, 0, 0, // struct nfgenmsg
		20, 0, 1, 0x80, // CTA_TUPLE_ORIG, nested
		12, 0, 1, 0x80, // CTA_TUPLE_IP, nested
		8, 0, 1, 0, // CTA_IP_V4_SRC
		10, 0, 0, 7,
		4, 0, 2, 0,
	}
	if source, ok := sourceOf(whole); !ok || source.String() != "10.0.0.7" {
		t.Errorf("%v, %v", source, ok)
	}
	for size := range len(whole) - 4 {
		if source, ok := sourceOf(whole[:size]); ok {
			t.Errorf("%d bytes: %v", size, source)
		}
	}
	for at := range whole {
		changed := slices.Clone(whole)
		changed[at] ^= 0xff
		sourceOf(changed) // does not panic or hang
	}
}
