// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// noListener: no socket has one port of the server, and a process listens on the other one only on the loopback address.
func noListener(n *network3) situation {
	n.asProcess("backend")
	n.listenOn("127.0.0.1", http, 100)
	return situation{
		send: func() {
			n.query(client4+":4000", server4+":53")
			refused(n.t, n.client, tcp(client4+":4001", server4+":8080", ""))
		},
		cure: func() {
			n.arrives(client4+":4000", server4+":53")
			n.listen(http)
			n.succeeds(func() error { return n.connects(server4 + ":8080") })
		},
	}
}

// listen listens on a TCP port of the server.
func (n *network3) listen(port uint16) net.Listener {
	n.t.Helper()
	return n.listenOn(server4, port, 100)
}

func (n *network3) listenOn(address string, port uint16, backlog int) net.Listener {
	n.t.Helper()
	var l net.Listener
	do(n.t, n.server, func() (err error) {
		l, err = ktest.ListenBacklog(netip.AddrPortFrom(netip.MustParseAddr(address), port), backlog)
		return err
	})
	n.t.Cleanup(func() { l.Close() })
	return l
}

// asProcess gives this process, which has the sockets, another name until the end of the test.
func (n *network3) asProcess(name string) {
	n.t.Helper()
	const file = "/proc/self/comm"
	before, err := os.ReadFile(file)
	if err == nil {
		n.t.Cleanup(func() { os.WriteFile(file, bytes.TrimSpace(before), 0) })
		err = os.WriteFile(file, []byte(name), 0)
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// fullBacklog: a server does not accept connections, and its accept queue has two, one more than its limit.
func fullBacklog(n *network3) situation {
	n.asProcess("backend")
	l := n.listenOn(server4, http, 1)
	for range 2 {
		n.succeeds(func() error { return n.connects(server4 + ":8080") })
	}
	return situation{
		send: func() { refused(n.t, n.client, tcp(client4+":4001", server4+":8080", "")) },
		cure: func() {
			conn, err := l.Accept()
			if err != nil {
				n.t.Fatal(err)
			}
			conn.Close()
			n.succeeds(func() error { return n.connects(server4 + ":8080") })
		},
	}
}

// fullBuffer: a server does not read from its socket, whose buffer is small.
func fullBuffer(n *network3) situation {
	n.asProcess("backend")
	socket := listenAt(n.t, n.server, server4+":53")
	if err := socket.(*net.UDPConn).SetReadBuffer(1); err != nil {
		n.t.Fatal(err)
	}
	flood := ktest.UDP{From: netip.MustParseAddrPort(client4 + ":4000"), To: netip.MustParseAddrPort(server4 + ":53"), Size: 1000}
	return situation{
		send: func() { do(n.t, n.client, func() error { return flood.Send(10) }) },
		cure: func() {
			for receive(socket) == nil {
			}
			n.query(client4+":4000", server4+":53")
			n.succeeds(func() error { return receive(socket) })
		},
	}
}

// connectionReset: the server's process closes a connection with unread data, its firewall rejects
// connections to another port, and a third port is closed.
func connectionReset(n *network3) situation {
	const rejected = 8081
	l := n.listen(http)
	ktest.ResetTCP(n.t, n.server, rejected)
	return situation{
		send: func() {
			n.isReset(l)
			refused(n.t, n.client, tcp(client4+":4002", server4+":8081", ""))
			refused(n.t, n.client, tcp(client4+":4003", server4+":8082", ""))
		},
		cure: func() {
			ktest.FlushRules(n.t, n.server)
			n.listen(rejected)
			n.succeeds(func() error { return n.connects(server4 + ":8081") })
		},
	}
}

// isReset opens a connection with a request, and closes it at the server, which has not read the request.
func (n *network3) isReset(l net.Listener) {
	n.t.Helper()
	do(n.t, n.client, func() error {
		conn, err := tcp(client4+":4001", server4+":8080", "").Connect()
		if err != nil {
			return err
		}
		defer conn.Close()
		accepted, err := l.Accept()
		if err != nil {
			return err
		}
		if _, err := conn.Write([]byte(get)); err != nil {
			return err
		}
		if !waits(patience, func() bool { return unread(accepted) > 0 }) {
			return errors.New("the request does not arrive")
		}
		return n.server.DoAs("backend", accepted.Close)
	})
}

// unread returns the number of unread bytes in a socket.
func unread(conn net.Conn) (n int) {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err == nil {
		raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	return n
}

// receive reads a datagram, with a timeout of 100 ms.
func receive(socket net.PacketConn) error {
	if err := socket.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		return err
	}
	if _, _, err := socket.ReadFrom(make([]byte, 2000)); err != nil {
		return fmt.Errorf("nothing arrived: %w", err)
	}
	return nil
}
