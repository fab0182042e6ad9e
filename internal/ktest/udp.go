// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"context"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// UDP is a sender of datagrams.
type UDP struct {
	From, To netip.AddrPort
	// Payload is what each datagram carries; nil is Size bytes of zero.
	Payload []byte
	Size    int
	// Mark is the firewall mark (SO_MARK) of the packets.
	Mark int
	// Shared lets others have the port too (SO_REUSEPORT).
	Shared bool
	// Options puts a destination options header between IPv6 and UDP.
	Options bool
}

// Send sends a number of datagrams from where it is called (see [Netns.Do]).
// Nobody needs to listen.
func (u UDP) Send(count int) error {
	config := net.ListenConfig{Control: u.control}
	c, err := config.ListenPacket(context.Background(), "udp", u.From.String())
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

func (u UDP) control(_, _ string, c syscall.RawConn) error {
	var err error
	if controlErr := c.Control(func(fd uintptr) { err = u.set(int(fd)) }); controlErr != nil {
		return controlErr
	}
	return err
}

// set gives the socket what the datagrams are to have.
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
	if !u.Options {
		return nil
	}
	// Next header (filled in by the kernel), length 0 for eight bytes, and the
	// option PadN with four bytes of nothing.
	header := string([]byte{0, 0, 1, 4, 0, 0, 0, 0})
	return unix.SetsockoptString(fd, unix.IPPROTO_IPV6, unix.IPV6_DSTOPTS, header)
}

// ListenUDP opens a port from where it is called, so that datagrams to it are
// taken and not refused. Nobody reads them.
func ListenUDP(on netip.AddrPort) (net.PacketConn, error) {
	return net.ListenPacket("udp", on.String())
}
