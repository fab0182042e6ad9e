// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// Packet is an IPv4 or IPv6 packet. Its bytes are written here, since no library makes wrong headers.
type Packet struct {
	From, To netip.Addr
	// Protocol is that of the payload, or the next header.
	Protocol byte
	// TTL is the TTL or hop limit, 64 by default.
	TTL byte
	// ID and Fragment are the fields of IPv4; Fragment has the flags and the offset.
	ID, Fragment uint16
	Payload      []byte
}

// Bytes returns the packet with correct lengths and header checksum.
func (p Packet) Bytes() []byte {
	if p.TTL == 0 {
		p.TTL = 64
	}
	if p.To.Is6() {
		return p.bytes6()
	}
	b := make([]byte, 20, 20+len(p.Payload))
	b[0], b[8], b[9] = 0x45, p.TTL, p.Protocol
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(p.Payload)))
	binary.BigEndian.PutUint16(b[4:], p.ID)
	binary.BigEndian.PutUint16(b[6:], p.Fragment)
	copy(b[12:], p.From.AsSlice())
	copy(b[16:], p.To.AsSlice())
	binary.BigEndian.PutUint16(b[10:], checksum(b))
	return append(b, p.Payload...)
}

func (p Packet) bytes6() []byte {
	b := make([]byte, 40, 40+len(p.Payload))
	b[0], b[6], b[7] = 0x60, p.Protocol, p.TTL
	binary.BigEndian.PutUint16(b[4:], uint16(len(p.Payload)))
	copy(b[8:], p.From.AsSlice())
	copy(b[24:], p.To.AsSlice())
	return append(b, p.Payload...)
}

// Segment is a TCP segment.
type Segment struct {
	From, To netip.AddrPort
	// Flags are the bits of the TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16.
	Flags    byte
	Seq, Ack uint32
	Window   uint16
	// Options is a multiple of four bytes.
	Options, Payload []byte
	TTL              byte
}

// Packet returns the segment in a packet, with a correct checksum.
func (s Segment) Packet() Packet {
	b := make([]byte, 20, 20+len(s.Options)+len(s.Payload))
	binary.BigEndian.PutUint16(b, s.From.Port())
	binary.BigEndian.PutUint16(b[2:], s.To.Port())
	binary.BigEndian.PutUint32(b[4:], s.Seq)
	binary.BigEndian.PutUint32(b[8:], s.Ack)
	b[12], b[13] = byte(5+len(s.Options)/4)<<4, s.Flags
	binary.BigEndian.PutUint16(b[14:], s.Window)
	b = append(append(b, s.Options...), s.Payload...)
	p := Packet{From: s.From.Addr(), To: s.To.Addr(), Protocol: unix.IPPROTO_TCP, TTL: s.TTL, Payload: b}
	binary.BigEndian.PutUint16(b[16:], p.sum())
	return p
}

// Bytes returns the packet.
func (s Segment) Bytes() []byte { return s.Packet().Bytes() }

// Packet returns the datagram in a packet, with a correct checksum.
func (u UDP) Packet() Packet {
	payload := u.Payload
	if payload == nil {
		payload = make([]byte, u.Size)
	}
	b := make([]byte, 8, 8+len(payload))
	binary.BigEndian.PutUint16(b, u.From.Port())
	binary.BigEndian.PutUint16(b[2:], u.To.Port())
	binary.BigEndian.PutUint16(b[4:], uint16(8+len(payload)))
	b = append(b, payload...)
	p := Packet{From: u.From.Addr(), To: u.To.Addr(), Protocol: unix.IPPROTO_UDP, Payload: b}
	binary.BigEndian.PutUint16(b[6:], p.sum())
	return p
}

// ICMP returns an ICMP or ICMPv6 message in a packet, with a correct checksum. rest is what follows the checksum.
func ICMP(from, to netip.Addr, kind, code byte, rest []byte) Packet {
	b := append([]byte{kind, code, 0, 0}, rest...)
	p := Packet{From: from, To: to, Protocol: unix.IPPROTO_ICMP, Payload: b}
	sum := checksum(padded(b))
	if to.Is6() {
		p.Protocol = unix.IPPROTO_ICMPV6
		sum = p.sum()
	}
	binary.BigEndian.PutUint16(b[2:], sum)
	return p
}

// sum returns the checksum of the payload with the pseudo header.
func (p Packet) sum() uint16 {
	pseudo := append(p.From.AsSlice(), p.To.AsSlice()...)
	pseudo = append(pseudo, 0, p.Protocol)
	pseudo = binary.BigEndian.AppendUint16(pseudo, uint16(len(p.Payload)))
	return checksum(padded(append(pseudo, p.Payload...)))
}

// padded appends a zero byte to an odd number of bytes.
func padded(b []byte) []byte {
	if len(b)%2 == 0 {
		return b
	}
	return append(b[:len(b):len(b)], 0)
}

// Link is a device and the address of the frames that it sends.
type Link struct {
	Device string
	To     net.HardwareAddr
	// From is the source address; nil means that of the device.
	From net.HardwareAddr
}

// Send sends a frame with any EtherType and content, from the namespace of the calling thread.
func (l Link) Send(etherType uint16, content []byte) error {
	s, err := l.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	return s.send(l.To, etherType, content)
}

// FrameSender sends frames through a socket: see [Link.Open].
type FrameSender struct {
	fd, device int
	from       net.HardwareAddr
}

// Open opens a socket for many frames, in the namespace of the calling thread.
func (l Link) Open() (*FrameSender, error) {
	device, err := net.InterfaceByName(l.Device)
	if err != nil {
		return nil, fmt.Errorf("device %q: %w", l.Device, err)
	}
	s := &FrameSender{device: device.Index, from: l.From}
	if s.from == nil {
		s.from = device.HardwareAddr
	}
	s.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes the socket.
func (s *FrameSender) Close() error { return unix.Close(s.fd) }

// SendPacket sends an IPv4 or IPv6 packet, by its version.
func (s *FrameSender) SendPacket(to net.HardwareAddr, packet []byte) error {
	return s.send(to, etherTypeOf(packet), packet)
}

func (s *FrameSender) send(to net.HardwareAddr, etherType uint16, content []byte) error {
	return unix.Sendto(s.fd, s.frame(to, etherType, content), 0, &unix.SockaddrLinklayer{Ifindex: s.device})
}

func (s *FrameSender) frame(to net.HardwareAddr, etherType uint16, content []byte) []byte {
	header := append(append(append([]byte{}, to...), s.from...), big16(etherType)...)
	return append(header, content...)
}

// SendBare sends a packet by a device without a link-layer header, from the namespace of the calling thread. The packet has no
// route.
func SendBare(device string, packet []byte) error {
	d, err := net.InterfaceByName(device)
	if err != nil {
		return fmt.Errorf("device %q: %w", device, err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	protocol := binary.NativeEndian.Uint16(big16(etherTypeOf(packet)))
	return unix.Sendto(fd, packet, 0, &unix.SockaddrLinklayer{Ifindex: d.Index, Protocol: protocol})
}

// HardwareAddr returns the address of a device.
func HardwareAddr(t testing.TB, n *Netns, device string) (addr net.HardwareAddr) {
	t.Helper()
	must(t, n.Do(func() error {
		d, err := net.InterfaceByName(device)
		if err != nil {
			return fmt.Errorf("device %q: %w", device, err)
		}
		addr = d.HardwareAddr
		return nil
	}))
	return addr
}

// SendPacket sends an IPv4 or IPv6 packet, by its version.
func (l Link) SendPacket(packet []byte) error { return l.Send(etherTypeOf(packet), packet) }

// etherTypeOf returns the EtherType of an IPv4 or IPv6 packet.
func etherTypeOf(packet []byte) uint16 {
	if packet[0]>>4 == 6 {
		return unix.ETH_P_IPV6
	}
	return unix.ETH_P_IP
}
