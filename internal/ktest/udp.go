// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// UDP sends datagrams.
type UDP struct {
	From, To netip.AddrPort
	// Payload is the content of each datagram; nil means Size zero bytes.
	Payload []byte
	Size    int
	// Mark is the firewall mark (SO_MARK) of the packets.
	Mark int
	// Shared allows other sockets on the same port (SO_REUSEPORT).
	Shared bool
	// Options adds a destination options header between IPv6 and UDP.
	Options bool
	// Segment makes the kernel split the payload into datagrams of this size (UDP_SEGMENT, GSO); 0 disables this.
	Segment int
}

// Send sends datagrams from the namespace of the calling thread (see [Netns.Do]). No receiver is needed.
func (u UDP) Send(count int) error {
	c, err := u.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	to, payload := net.UDPAddrFromAddrPort(u.To), u.Payload
	if payload == nil {
		payload = make([]byte, u.Size)
	}
	for range count {
		if _, err := c.WriteTo(payload, to); err != nil {
			return err
		}
	}
	return nil
}

// Open opens the sending socket, in the namespace of the calling thread.
func (u UDP) Open() (net.PacketConn, error) {
	config := net.ListenConfig{Control: u.control}
	return config.ListenPacket(context.Background(), "udp", u.From.String())
}

func (u UDP) control(_, _ string, c syscall.RawConn) error {
	var err error
	if controlErr := c.Control(func(fd uintptr) { err = u.set(int(fd)) }); controlErr != nil {
		return controlErr
	}
	return err
}

// set sets the socket options.
func (u UDP) set(fd int) error {
	if u.Mark != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, u.Mark); err != nil {
			return err
		}
	}
	if u.Shared {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return err
		}
	}
	if u.Segment != 0 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, u.Segment); err != nil {
			return err
		}
	}
	if !u.Options {
		return nil
	}
	// Next header (filled in by the kernel), length 0 for eight bytes, and the option PadN with four zero
	// bytes.
	header := string([]byte{0, 0, 1, 4, 0, 0, 0, 0})
	return unix.SetsockoptString(fd, unix.IPPROTO_IPV6, unix.IPV6_DSTOPTS, header)
}

// ListenUDP opens a UDP socket in the namespace of the calling thread.
func ListenUDP(on netip.AddrPort) (net.PacketConn, error) {
	return net.ListenPacket("udp", on.String())
}

// EnableUDPGRO makes the kernel merge segments that a socket receives (UDP_GRO).
func EnableUDPGRO(c net.PacketConn) error {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	controlErr := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1) })
	return errors.Join(controlErr, err)
}

// RejectAll attaches a classic filter to a socket that accepts no packet (SO_ATTACH_FILTER).
func RejectAll(c net.PacketConn) error {
	return control(c.(syscall.Conn), func(fd int) error {
		program := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &program[0]})
	})
}
