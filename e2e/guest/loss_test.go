// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"

	"tracer/internal/ktest"
)

// listen opens the port that datagrams of these tests go to, so that each is taken
// and gives one event at the landmark.
func listen(t *testing.T, n *ktest.Netns) {
	t.Helper()
	listenAt(t, n, "127.0.0.1:7777")
}

func listenAt(t *testing.T, n *ktest.Netns, address string) net.PacketConn {
	t.Helper()
	var c net.PacketConn
	do(t, n, func() (err error) {
		c, err = ktest.ListenUDP(udp("127.0.0.1:1", address).To)
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// TestOverflow fills the smallest ring while the tracer is stopped. What was made
// is known exactly: one event for each datagram.
func TestOverflow(t *testing.T) {
	const burst, after = 300, 3
	n := ktest.NewNetns(t, "a")
	listen(t, n)
	p := start(t, "--filter-func", landmark(), "--buffer-size", strconv.Itoa(os.Getpagesize()),
		"--filter-netns", n.Path, "udp and dst port 7777")
	p.pause()
	do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(burst) })
	p.signal(syscall.SIGCONT)
	p.awaitOutput(`"sport":7001`) // by then the ring is empty: rows are written after it was read
	do(t, n, func() error { return udp("127.0.0.1:7002", "127.0.0.1:7777").Send(after) })
	tr := p.stop()
	if tr.summary.Made != burst+after {
		t.Errorf("made %d, want %d", tr.summary.Made, burst+after)
	}
	if tr.summary.Lost == 0 || len(tr.lost) == 0 {
		t.Errorf("lost %d with %d markers, want some: the ring holds no %d events", tr.summary.Lost, len(tr.lost), burst)
	}
	if printed := len(tr.events.that(sport(7001))); printed == 0 || printed+tr.summary.Lost != burst {
		t.Errorf("of the burst %d printed and %d lost, want %d", printed, tr.summary.Lost, burst)
	}
	if again := len(tr.events.that(sport(7002))); again != after {
		t.Errorf("%d events after the loss, want %d", again, after)
	}
}

// TestNothingIsLost is the same with a ring that is large enough.
func TestNothingIsLost(t *testing.T) {
	const burst = 300
	n := ktest.NewNetns(t, "a")
	listen(t, n)
	p := start(t, "--filter-func", landmark(), "--buffer-size", "1M", "--filter-netns", n.Path, "udp and dst port 7777")
	p.pause()
	do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(burst) })
	p.signal(syscall.SIGCONT)
	tr := p.stop()
	if tr.summary.Made != burst || tr.summary.Printed != burst || tr.summary.Lost != 0 || len(tr.lost) != 0 {
		t.Errorf("%s with %d markers, want %d made and printed", tr.summary, len(tr.lost), burst)
	}
}
