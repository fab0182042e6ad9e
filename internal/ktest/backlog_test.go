// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFlushBacklogs checks that everything that was sent before the flush has arrived after it, so that a read
// does not wait.
func TestFlushBacklogs(t *testing.T) {
	Root(t)
	n := NewNetns(t, "a")
	const count = 20
	var received int
	err := n.Do(func() error {
		c, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:7777"))
		if err != nil {
			return err
		}
		defer c.Close()
		u := UDP{From: netip.MustParseAddrPort("127.0.0.1:7001"), To: netip.MustParseAddrPort("127.0.0.1:7777"), Size: 1}
		if err := u.Send(count); err != nil {
			return err
		}
		if err := FlushBacklogs(); err != nil {
			return err
		}
		received, err = queued(c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if received != count {
		t.Errorf("%d datagrams have arrived after the flush, want %d", received, count)
	}
}

// queued receives all datagrams in the socket's queue and returns their number.
func queued(c net.PacketConn) (n int, err error) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return 0, err
	}
	controlErr := raw.Control(func(fd uintptr) {
		for {
			if _, _, err = unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_DONTWAIT); err != nil {
				return
			}
			n++
		}
	})
	if errors.Is(err, unix.EAGAIN) {
		err = nil
	}
	return n, errors.Join(controlErr, err)
}
