// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// open opens a socket in a namespace until the end of the test. device may be empty.
func open(t *testing.T, n *ktest.Netns, network, address, device string) {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if device != "" {
			_ = c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), device) })
		}
		return err
	}}
	var socket io.Closer
	if err := n.Do(func() (err error) {
		if strings.HasPrefix(network, "udp") {
			socket, err = config.ListenPacket(context.Background(), network, address)
		} else {
			socket, err = config.Listen(context.Background(), network, address)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
}

// ourselves returns the text for this process in answers.
func ourselves(t *testing.T) string {
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s[%d]", strings.TrimSpace(string(comm)), os.Getpid())
}

func TestListeners(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-sockets")
	peer := ktest.NewNetns(t, "resolve-peer")
	ktest.NewVethNoWait(t, ktest.End{Netns: n, Name: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("10.7.0.1/24")}}, ktest.End{Netns: peer, Name: "eth0"})
	open(t, n, "tcp4", "127.0.0.1:80", "")
	open(t, n, "tcp4", "0.0.0.0:81", "lo")
	open(t, n, "tcp6", "[::]:82", "")
	open(t, n, "tcp", "[::]:83", "")
	open(t, n, "tcp4", "127.0.0.1:84", "")
	open(t, n, "tcp4", "10.7.0.1:84", "")
	open(t, n, "udp4", "0.0.0.0:53", "eth0")
	var connected net.Conn
	if err := n.Do(func() (err error) {
		connected, err = (&net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 54}}).Dial("udp4", "127.0.0.1:9")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer connected.Close()

	us := ourselves(t)
	h := newHost(t, "none")
	for _, test := range []struct {
		protocol Protocol
		port     uint16
		want     string
	}{
		{TCP, 80, us + " listens on 127.0.0.1:80 only"},
		{TCP, 81, us + " listens on *:81, device lo only"},
		{TCP, 82, us + " listens on [::]:82, IPv6 only"},
		{TCP, 83, us + " listens on [::]:83"},
		{TCP, 84, us + " listens on 10.7.0.1:84; " + us + " listens on 127.0.0.1:84"},
		{TCP, 53, "no socket listens on port 53 in this network namespace"},
		{UDP, 53, us + " is bound to *:53, device eth0 only"},
		{UDP, 54, us + " is bound to 127.0.0.1:54, from 127.0.0.1:9 only"},
		{UDP, 80, "no socket has port 80 in this network namespace"},
	} {
		answer, ok := h.Listeners(n.Inode, test.protocol, test.port)
		if got := answer.String(); !ok || got != test.want {
			t.Errorf("protocol %d port %d: %v\n got %s\nwant %s", test.protocol, test.port, ok, got, test.want)
		}
	}
	if _, ok := h.Listeners(n.Inode, unix.IPPROTO_SCTP, 80); ok {
		t.Error("an answer for SCTP")
	}
	if _, ok := h.Listeners(1, TCP, 80); ok {
		t.Error("an answer for no namespace")
	}
}

// TestListenersAreReadAgain checks that the cache of sockets expires.
func TestListenersAreReadAgain(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-again")
	h := newHost(t, "none")
	none := regexp.MustCompile("^no socket listens")
	if answer, ok := h.Listeners(n.Inode, TCP, 80); !ok || !none.MatchString(answer.String()) {
		t.Fatalf("%v, %s", ok, answer)
	}
	open(t, n, "tcp4", "127.0.0.1:80", "")
	h.namespaces[n.Inode].sockets[TCP].pace.next = time.Now().Add(time.Hour)
	if answer, _ := h.Listeners(n.Inode, TCP, 80); !none.MatchString(answer.String()) {
		t.Errorf("read again at once: %s", answer)
	}
	h.namespaces[n.Inode].sockets[TCP].pace.next = time.Now()
	if answer, _ := h.Listeners(n.Inode, TCP, 80); none.MatchString(answer.String()) {
		t.Errorf("not read again: %s", answer)
	}
}

// TestMalformedSockets checks messages that are too short.
func TestMalformedSockets(t *testing.T) {
	for _, size := range []int{0, 1, inetDiagMessage - 1, inetDiagMessage + 2} {
		if _, err := socketOf(make([]byte, size)); err == nil {
			t.Errorf("%d bytes: no error", size)
		}
	}
}

func TestListenersElsewhere(t *testing.T) {
	here, there := ktest.NewNetns(t, "resolve-here"), ktest.NewNetns(t, "resolve-there")
	open(t, here, "tcp4", "127.0.0.1:7001", "")
	open(t, there, "tcp4", "0.0.0.0:7001", "")
	h := newHost(t, "none")
	isThere := func(found []Elsewhere) bool {
		return len(found) == 1 && found[0].Netns == there.Inode && found[0].Path == there.Path && found[0].String() == ourselves(t)+" listens on *:7001"
	}
	if found, ok := h.ListenersElsewhere(here.Inode, TCP, 7001); !ok || !isThere(found) {
		t.Errorf("%v, %+v", ok, found)
	}
	if n := h.namespaces[there.Inode]; n.file != nil {
		t.Error("the other namespace is kept open")
	}
	h.others.pace.next = time.Now().Add(time.Hour)
	if found, ok := h.ListenersElsewhere(here.Inode, TCP, 7001); !ok || !isThere(found) {
		t.Errorf("the last answer: %v, %+v", ok, found)
	}
	if found, ok := h.ListenersElsewhere(here.Inode, TCP, 7002); ok {
		t.Errorf("looked again at once: %+v", found)
	}
	h.others.pace.next = time.Now()
	if found, ok := h.ListenersElsewhere(here.Inode, TCP, 7002); !ok || len(found) > 0 {
		t.Errorf("another port: %v, %+v", ok, found)
	}
}
