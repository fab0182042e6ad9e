// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestWindowCloses checks that a peer that does not read has no room after a while, and room again when it has read.
func TestWindowCloses(t *testing.T) {
	n := NewNetns(t, "ktest")
	near, far := throughSmallBuffer(t, n)
	must(t, near.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
	if _, err := near.Write(make([]byte, 1<<22)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("error %v, want that of the deadline", err)
	}
	until(t, near, func(window, unacknowledged uint32) bool { return window == 0 && unacknowledged == 0 })
	go far.Read(make([]byte, 1<<20))
	until(t, near, func(window, _ uint32) bool { return window > 0 })
}

// throughSmallBuffer connects to a listener with small buffers.
func throughSmallBuffer(t *testing.T, n *Netns) (near, far *net.TCPConn) {
	t.Helper()
	must(t, n.Do(func() error {
		l, err := ListenBacklog(at("127.0.0.1", 8080), 0)
		if err != nil {
			return err
		}
		defer l.Close()
		must(t, SetReadBuffer(l.(*net.TCPListener), 16384))
		c, err := TCP{Client: at("127.0.0.1", 0), Server: at("127.0.0.1", 8080)}.Connect()
		if err != nil {
			return err
		}
		accepted, err := l.Accept()
		if err != nil {
			return errors.Join(err, c.Close())
		}
		near, far = c.(*net.TCPConn), accepted.(*net.TCPConn)
		return nil
	}))
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

// until waits for a state of a connection.
func until(t *testing.T, c *net.TCPConn, state func(window, unacknowledged uint32) bool) {
	t.Helper()
	for range 3000 {
		window, unacknowledged, err := PeerWindow(c)
		if err != nil {
			t.Fatal(err)
		}
		if state(window, unacknowledged) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the connection is in another state after 30 s")
}
