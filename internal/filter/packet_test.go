// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Test frames are built from headers, the outermost last: each function puts its header in
// front of a payload.

const (
	typeARP    = 0x0806
	typeRARP   = 0x8035
	typeVLAN   = 0x8100
	typeQinQ   = 0x88a8
	typeMPLS   = 0x8847
	typePPPoED = 0x8863
	typePPPoES = 0x8864
)

func be16(v int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

var (
	ourMAC       = []byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55}
	otherMAC     = []byte{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee}
	broadcastMAC = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	multicastMAC = []byte{0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}
)

func ether(dst, src []byte, etherType int, payload []byte) []byte {
	return join(dst, src, be16(etherType), payload)
}

// frame is an Ethernet frame between two hosts.
func frame(etherType int, payload []byte) []byte {
	return ether(ourMAC, otherMAC, etherType, payload)
}

func vlan(id, etherType int, payload []byte) []byte {
	return join(be16(id), be16(etherType), payload)
}

// mpls has one label; last marks the bottom of the stack.
func mpls(label uint32, last bool, payload []byte) []byte {
	word := label<<12 | 64
	if last {
		word |= 1 << 8
	}
	return join(be32(word), payload)
}

func pppoe(session, protocol int, payload []byte) []byte {
	return join([]byte{0x11, 0}, be16(session), be16(len(payload)+2), be16(protocol), payload)
}

// llc is an 802.3 frame, which has a length in place of the Ethertype.
func llc(payload ...byte) []byte {
	return frame(len(payload), append(payload, make([]byte, 46)...))
}

// ipv4 describes an IPv4 header.
type ipv4 struct {
	src, dst string
	proto    int
	options  []byte // its length is a multiple of 4
	frag     int    // flags and fragment offset, as in the header
	tos, ttl byte
	id       int
}

func (h ipv4) packet(payload []byte) []byte {
	words := 5 + len(h.options)/4
	return join([]byte{0x40 | byte(words), h.tos}, be16(4*words+len(payload)), be16(h.id), be16(h.frag),
		[]byte{h.ttl, byte(h.proto), 0, 0}, address(h.src), address(h.dst), h.options, payload)
}

func ipv6(src, dst string, next int, payload []byte) []byte {
	return join([]byte{0x60, 0, 0, 0}, be16(len(payload)), []byte{byte(next), 64}, address(src), address(dst), payload)
}

// extension is an IPv6 extension header of 8 bytes.
func extension(next int, payload []byte) []byte {
	return join([]byte{byte(next), 0, 1, 4, 0, 0, 0, 0}, payload)
}

func fragment6(next, offset int, payload []byte) []byte {
	return join([]byte{byte(next), 0}, be16(offset<<3), be32(0x12345678), payload)
}

func address(text string) []byte { return netip.MustParseAddr(text).AsSlice() }

func tcp(src, dst int, flags byte, options, payload []byte) []byte {
	words := 5 + len(options)/4
	return join(be16(src), be16(dst), be32(0), be32(0), []byte{byte(words << 4), flags}, be16(1024), be32(0), options, payload)
}

func udp(src, dst int, payload []byte) []byte {
	return join(be16(src), be16(dst), be16(8+len(payload)), be16(0), payload)
}

func sctp(src, dst int, chunk byte) []byte {
	return join(be16(src), be16(dst), be32(1), be32(0), []byte{chunk, 0, 0, 4})
}

func icmp(kind, code byte, id int, payload []byte) []byte {
	return join([]byte{kind, code, 0, 0}, be16(id), be16(1), payload)
}

func arp(op int, sender, target string) []byte {
	return join(be16(1), be16(typeIPv4), []byte{6, 4}, be16(op), otherMAC, address(sender), make([]byte, 6), address(target))
}

func gre(protocol int, payload []byte) []byte {
	return join(be16(0), be16(protocol), payload)
}

func geneve(vni uint32, protocol int, options, payload []byte) []byte {
	return join([]byte{byte(len(options) / 4), 0}, be16(protocol), be32(vni<<8), options, payload)
}

// pattern returns n bytes, each different from its neighbours.
func pattern(n int) []byte {
	bytes := make([]byte, n)
	for i := range bytes {
		bytes[i] = byte(i*7 + i>>8)
	}
	return bytes
}
