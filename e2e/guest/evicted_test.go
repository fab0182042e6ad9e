// SPDX-License-Identifier: Apache-2.0

package guest

import "testing"

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
