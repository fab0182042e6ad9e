// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Queues and modes of TCP_REPAIR (linux/tcp.h).
const (
	repairOn, repairOff     = 1, -1 // off without a window probe
	receiveQueue, sendQueue = 1, 2
)

// Sequence returns the numbers of the next byte that an idle connection sends, and of the next one that it expects.
func Sequence(c *net.TCPConn) (send, receive uint32, err error) {
	err = control(c, func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, repairOn); err != nil {
			return fmt.Errorf("TCP_REPAIR: %w", err)
		}
		var sendErr, receiveErr error
		send, sendErr = queueSequence(fd, sendQueue)
		receive, receiveErr = queueSequence(fd, receiveQueue)
		return errors.Join(sendErr, receiveErr, unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, repairOff))
	})
	return send, receive, err
}

func queueSequence(fd, queue int) (uint32, error) {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR_QUEUE, queue); err != nil {
		return 0, err
	}
	n, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ)
	return uint32(n), err
}

// Timestamp returns the clock of a connection for its TCP timestamps.
func Timestamp(c *net.TCPConn) (now uint32, err error) {
	err = control(c, func(fd int) error {
		n, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_TIMESTAMP)
		now = uint32(n)
		return err
	})
	return now, err
}

// PeerWindow returns how many bytes the peer has room for, as it said last, and how many segments it has not acknowledged.
func PeerWindow(c *net.TCPConn) (window, unacknowledged uint32, err error) {
	err = control(c, func(fd int) error {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			window, unacknowledged = info.Snd_wnd, info.Unacked
		}
		return err
	})
	return window, unacknowledged, err
}

// SetReadBuffer sets the size of the receive buffers of the connections that a listener accepts.
func SetReadBuffer(l *net.TCPListener, bytes int) error {
	return control(l, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes) })
}

// control calls f with the descriptor of a socket.
func control(c syscall.Conn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := raw.Control(func(fd uintptr) { err = f(int(fd)) })
	return errors.Join(controlErr, err)
}

// SetMinimumTTL makes a socket refuse packets with a smaller TTL (IP_MINTTL).
func SetMinimumTTL(l *net.TCPListener, ttl int) error {
	return control(l, func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MINTTL, ttl) })
}

// RequireMD5 makes a listener require TCP MD5 signatures (RFC 2385) of a peer.
func RequireMD5(t testing.TB, l *net.TCPListener, peer netip.Addr) {
	t.Helper()
	key := &unix.TCPMD5Sig{Keylen: 3}
	key.Addr.Family = unix.AF_INET
	address := peer.As4()
	for i, b := range address { // behind the port, which is 0; the elements are bytes or signed bytes
		key.Addr.Data[2+i] = element(key.Addr.Data[2+i], b)
	}
	copy(key.Key[:], "key")
	needsModule(t, control(l, func(fd int) error { return unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, unix.TCP_MD5SIG, key) }))
}

func element[T byte | int8](_ T, b byte) T { return T(b) }

// HoldACKs makes a namespace drop what it sends to a TCP port, except for SYNs, until release is called.
func HoldACKs(t testing.TB, n *Netns, port uint16) (release func()) {
	t.Helper()
	const register = 1
	table := &nftables.Table{Name: fmt.Sprintf("ktest-hold-%d", port), Family: nftables.TableFamilyIPv4}
	rule := append(toPort(unix.IPPROTO_TCP, port),
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 13, Len: 1},
		&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: 1, Mask: []byte{2}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{0}},
		&expr.Verdict{Kind: expr.VerdictDrop})
	needsModule(t, n.addRule(table, filterChain("output", nftables.ChainHookOutput), rule))
	return func() {
		must(t, n.Do(func() error {
			c, err := nftables.New()
			if err != nil {
				return err
			}
			c.DelTable(table)
			return c.Flush()
		}))
	}
}
