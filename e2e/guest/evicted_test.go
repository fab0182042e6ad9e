// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"testing"
)

// TestEvicted follows more packets than there is room for, as they lie in a socket that
// nobody reads: those that had to make room are counted, and with enough room none had to.
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
				t.Errorf("%d sk_buffs made room, of %d packets", got, waiting)
			}
		})
	}
}

func soakFunctions() []string { return []string{"--filter-func", soakFuncs()} }

// TestStrangersInFreedMemory has what nobody asked for come where packets were that are
// followed: the second of two fragments, which the kernel frees in bulk (6.3) and so tells
// nobody of. Its memory is given away again when several others are there at a time.
func TestStrangersInFreedMemory(t *testing.T) {
	if !follows() {
		t.Skip("packets are not followed to the end of each sk_buff by tracepoints alone")
	}
	const rounds, others = 50, 4
	w := newWorld(t)
	socket := listenAt(t, w.b, b4+":7305")
	p := start(t, "--filter-track-skb", "--filter-func", "ip_defrag|skb_release_data|skb_free_head|kfree_skbmem", "udp and dst port 7304")
	fragments, strangers := udp(a4+":7004", b4+":7304"), udp(a4+":7005", b4+":7305")
	fragments.Size, strangers.Size = 2500, 1300
	for range rounds {
		do(t, w.a, func() error { return errors.Join(fragments.Send(1), strangers.Send(others)) })
		for range others {
			if _, _, err := socket.ReadFrom(make([]byte, 2000)); err != nil {
				t.Fatal(err)
			}
		}
	}
	events := p.stop().events
	if n := len(events.that(sport(7004))); n < rounds {
		t.Errorf("%d events of what is followed, want %d or more", n, rounds)
	}
	events.that(sport(7005)).absent(t, "strangers")
}
