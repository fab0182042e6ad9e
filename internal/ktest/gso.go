// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Values of struct virtio_net_hdr (linux/virtio_net.h).
const (
	virtioNeedsChecksum = 1
	virtioTCPv4         = 1
)

// Offsets in a frame with TCP over IPv4 without options.
const (
	frameTCP, frameTCPData = 34, 54
	checksumInTCP          = 16
)

// SendGSO sends a TCP segment over IPv4 as one GSO packet, from which the kernel makes segments with size bytes each
// (the last one may be shorter), from the namespace of the calling thread. Its payload may be larger than the MTU.
func (l Link) SendGSO(s Segment, size uint16) error {
	s.Options = nil
	sender, err := l.Open()
	if err != nil {
		return err
	}
	defer sender.Close()
	if err := unix.SetsockoptInt(sender.fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
		return err
	}
	header := []byte{virtioNeedsChecksum, virtioTCPv4}
	for _, n := range []uint16{frameTCPData, size, frameTCP, checksumInTCP} {
		header = binary.NativeEndian.AppendUint16(header, n)
	}
	frame := append(header, sender.frame(l.To, unix.ETH_P_IP, s.Bytes())...)
	return unix.Sendto(sender.fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: sender.device, Protocol: networkOrder(unix.ETH_P_IP)})
}

// networkOrder returns a number whose bytes in memory are those of n in network byte order.
func networkOrder(n uint16) uint16 { return binary.NativeEndian.Uint16(big16(n)) }
