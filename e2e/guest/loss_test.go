// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// listen opens the port to which these tests send datagrams, so that each is received, with one event at the landmark
// and no ICMP error.
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

// TestOverflow fills the smallest ring buffer while tracer is stopped, and checks that the numbers of printed and lost
// events add up to the number of matched events: there is one event for each datagram.
func TestOverflow(t *testing.T) {
	const burst, after = 300, 3
	n := ktest.NewNetns(t, "a")
	listen(t, n)
	p := start(t, "--filter-func", landmark(), "--buffer-size", strconv.Itoa(os.Getpagesize()),
		"--filter-netns", n.Path, "udp and dst port 7777")
	p.pause()
	do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(burst) })
	p.signal(syscall.SIGCONT)
	p.awaitOutput(`"sport":7001`) // the ring is empty by then: rows are written after it was read
	do(t, n, func() error { return udp("127.0.0.1:7002", "127.0.0.1:7777").Send(after) })
	tr := p.stop()
	if tr.summary.Matched != burst+after {
		t.Errorf("matched %d, want %d", tr.summary.Matched, burst+after)
	}
	if tr.summary.Lost == 0 || len(tr.lost) == 0 {
		t.Errorf("lost %d with %d markers, want some: the ring is too small for %d events", tr.summary.Lost, len(tr.lost), burst)
	}
	if printed := len(tr.events.that(sport(7001))); printed == 0 || printed+tr.summary.Lost != burst {
		t.Errorf("of the burst %d printed and %d lost, want %d", printed, tr.summary.Lost, burst)
	}
	if again := len(tr.events.that(sport(7002))); again != after {
		t.Errorf("%d events after the loss, want %d", again, after)
	}
}

// TestNumbersShowLoss checks that each gap in the packet numbers is a lost event. Each datagram is a packet
// with one event.
func TestNumbersShowLoss(t *testing.T) {
	const burst = 300
	n := ktest.NewNetns(t, "a")
	listen(t, n)
	p := start(t, "--output-id", "--filter-func", landmark(), "--buffer-size", strconv.Itoa(os.Getpagesize()),
		"--filter-netns", n.Path, "udp and dst port 7777")
	p.pause()
	do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(burst) })
	p.signal(syscall.SIGCONT)
	p.awaitOutput(`"sport":7001`)       // the ring is empty by then: rows are written after it was read
	for cpu := range runtime.NumCPU() { // an event of each CPU reports its losses
		do(t, n, func() error {
			return onCPU(cpu, func() error { return udp("127.0.0.1:7002", "127.0.0.1:7777").Send(3) })
		})
	}
	tr := p.stop()
	seen, last := map[uint64]bool{}, uint64(0)
	for _, r := range tr.events {
		if r.ID <= last {
			t.Errorf("packet %d appears after packet %d", r.ID, last)
		}
		seen[r.ID], last = true, max(last, r.ID)
	}
	if gaps := int(last) - len(seen); gaps == 0 || gaps != tr.summary.Lost || len(seen) != tr.summary.Packets {
		t.Errorf("%d packets up to number %d: want as many gaps as lost events, of %d packets and %d lost events",
			len(seen), last, tr.summary.Packets, tr.summary.Lost)
	}
}

// onCPU calls f on a CPU. The calling thread remains pinned to this CPU, so it must end afterwards.
func onCPU(cpu int, f func() error) error {
	var set unix.CPUSet
	set.Set(cpu)
	return errors.Join(unix.SchedSetaffinity(0, &set), f())
}

// TestSuppressedPacketsLeaveNoGap checks that packets which a limit suppresses leave no gap in the numbers.
func TestSuppressedPacketsLeaveNoGap(t *testing.T) {
	n := ktest.NewNetns(t, "a")
	listen(t, n)
	for _, limit := range []string{"--max-events-per-packet", "--max-events-per-second"} {
		p := start(t, "--output-id", limit, "1", "--filter-func", handful(), "--filter-netns", n.Path, "udp and dst port 7777")
		p.awaitRows(3, func() { do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(20) }) })
		tr := p.stop()
		last := uint64(0)
		for _, r := range tr.events {
			if r.ID > last+1 || r.ID == 0 {
				t.Errorf("%s: packet %d appears after packet %d", limit, r.ID, last)
			}
			last = max(last, r.ID)
		}
		if tr.summary.Suppressed == 0 || last < 2 {
			t.Errorf("%s: %d packets, %s", limit, last, tr.summary)
		}
	}
}

// TestNothingIsLost does the same as TestOverflow with a ring buffer that is large enough.
func TestNothingIsLost(t *testing.T) {
	const burst = 300
	n := ktest.NewNetns(t, "a")
	listen(t, n)
	p := start(t, "--filter-func", landmark(), "--buffer-size", "1M", "--filter-netns", n.Path, "udp and dst port 7777")
	p.pause()
	do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(burst) })
	p.signal(syscall.SIGCONT)
	tr := p.stop()
	if tr.summary.Matched != burst || tr.summary.Printed != burst || tr.summary.Lost != 0 || len(tr.lost) != 0 {
		t.Errorf("%s with %d markers, want %d matched and printed", tr.summary, len(tr.lost), burst)
	}
}
