// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Sniffer is a packet socket on a device, as packet capture programs open it. Its queue is never read.
type Sniffer struct {
	// Promiscuous only makes the device promiscuous, so that it receives frames for other hosts. Such a socket is
	// not bound and gets no packets; otherwise it gets a clone of every packet of the device.
	Promiscuous bool
	// Buffer is the size of the queue (SO_RCVBUF); 0 means the default.
	Buffer int
}

// Open opens the socket until the end of the test.
func (s Sniffer) Open(t testing.TB, n *Netns, device string) {
	t.Helper()
	must(t, n.Do(func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		return s.use(fd, device)
	}))
}

func (s Sniffer) use(fd int, device string) error {
	link, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	if s.Promiscuous {
		member := &unix.PacketMreq{Ifindex: int32(link.Index), Type: unix.PACKET_MR_PROMISC}
		return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, member)
	}
	if s.Buffer != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, s.Buffer); err != nil {
			return err
		}
	}
	all := unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8
	return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link.Index, Protocol: uint16(all)})
}

// SendTagged sends an IPv4 packet in an Ethernet frame with an 802.1Q tag, from the namespace of the calling
// thread.
func SendTagged(device string, to net.HardwareAddr, vlan uint16, packet []byte) error {
	from, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	frame := append(append([]byte{}, to...), from.HardwareAddr...)
	frame = append(frame, 0x81, 0, byte(vlan>>8), byte(vlan), 8, 0)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendto(fd, append(frame, packet...), 0, &unix.SockaddrLinklayer{Ifindex: from.Index})
}
