// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"net"

	"golang.org/x/sys/unix"
)

// SendFrame sends an IPv4 packet in an Ethernet frame to any MAC address, from the namespace of the calling thread.
func SendFrame(device string, to net.HardwareAddr, packet []byte) error {
	from, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	dest := &unix.SockaddrLinklayer{
		Ifindex: from.Index, Halen: uint8(len(to)),
		Protocol: binary.NativeEndian.Uint16(big16(unix.ETH_P_IP)),
	}
	copy(dest.Addr[:], to)
	return unix.Sendto(fd, packet, 0, dest)
}

// Datagram returns an IPv4 packet with a UDP header and no payload.
func Datagram(u UDP) []byte {
	b := make([]byte, 28)
	b[0], b[3], b[8], b[9] = 0x45, 28, 64, unix.IPPROTO_UDP
	copy(b[12:], u.From.Addr().AsSlice())
	copy(b[16:], u.To.Addr().AsSlice())
	binary.BigEndian.PutUint16(b[10:], checksum(b[:20]))
	binary.BigEndian.PutUint16(b[20:], u.From.Port())
	binary.BigEndian.PutUint16(b[22:], u.To.Port())
	binary.BigEndian.PutUint16(b[24:], 8)
	return b
}
