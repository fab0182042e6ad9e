// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"strings"
	"testing"
)

// TestEvicted checks that the summary counts the packets evicted from a full table. The packets wait in
// a socket that is not read. With a large table none is evicted.
func TestEvicted(t *testing.T) {
	const waiting = 600
	for entries, evicted := range map[string]bool{"100": true, "65536": false} {
		t.Run(entries, func(t *testing.T) {
			w := newWorld(t)
			listenAt(t, w.b, b4+":7303")
			p := start(t, append(soakFunctions(), "--track-entries", entries, "--filter-track-skb", "udp and dst port 7303")...)
			if err := w.a.Do(func() error { return udp(a4+":7003", b4+":7303").Send(waiting) }); err != nil {
				t.Fatal(err)
			}
			tr := p.stop()
			if got := tr.summary.Evicted; (got > 0) != evicted || got > 2*waiting {
				t.Errorf("%d sk_buffs of %d packets were evicted", got, waiting)
			}
		})
	}
}

// TestEvictedBeforeTheirDrops checks that a run of --drop says what evicted packets mean for drops.
func TestEvictedBeforeTheirDrops(t *testing.T) {
	const waiting, warning = 600, "could not be followed to the end (--track-entries): their drops are missing"
	for entries, evicted := range map[string]bool{"100": true, "65536": false} {
		t.Run(entries, func(t *testing.T) {
			w := newWorld(t)
			listenAt(t, w.b, b4+":7306")
			p := start(t, "--drop", "--track-entries", entries, "--filter-track-skb", "udp and dst port 7306")
			if err := w.a.Do(func() error { return udp(a4+":7003", b4+":7306").Send(waiting) }); err != nil {
				t.Fatal(err)
			}
			if got := p.stop().summary.Evicted; (got > 0) != evicted || strings.Contains(p.stderr(), warning) != evicted {
				t.Errorf("%d evicted: %s", got, p.stderr())
			}
		})
	}
}

func soakFunctions() []string { return []string{"--filter-func", soakFuncs()} }

// TestReusedMemoryIsNotFollowed checks that a new packet in the memory of a followed one is not followed. The
// kernel frees the second of two fragments in bulk (6.3), which no function reports. Its memory is
// reused when several other packets exist at the same time.
func TestReusedMemoryIsNotFollowed(t *testing.T) {
	if !follows() {
		t.Skip("tracepoints alone do not follow packets to the end of each sk_buff")
	}
	const rounds, others = 50, 4
	w := newWorld(t)
	socket := listenAt(t, w.b, b4+":7305")
	p := start(t, "--filter-track-skb", "--filter-func", "ip_defrag|skb_release_data|skb_free_head|kfree_skbmem", "udp and dst port 7304")
	fragments, unrelated := udp(a4+":7004", b4+":7304"), udp(a4+":7005", b4+":7305")
	fragments.Size, unrelated.Size = 2500, 1300
	for range rounds {
		do(t, w.a, func() error { return errors.Join(fragments.Send(1), unrelated.Send(others)) })
		for range others {
			if _, _, err := socket.ReadFrom(make([]byte, 2000)); err != nil {
				t.Fatal(err)
			}
		}
	}
	events := p.stop().events
	if n := len(events.that(sport(7004))); n < rounds {
		t.Errorf("%d events of followed packets, want %d or more", n, rounds)
	}
	events.that(sport(7005)).absent(t, "unrelated packets")
}
