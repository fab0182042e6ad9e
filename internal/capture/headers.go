// SPDX-License-Identifier: Apache-2.0

package capture

import "encoding/binary"

// The protocol numbers of headers.
const (
	typeIPv4   = 0x0800
	typeARP    = 0x0806
	typeIPv6   = 0x86dd
	typeBridge = 0x6558 // an Ethernet frame in GRE or Geneve

	protoHopByHop = 0
	protoICMP     = 1
	protoIPIP     = 4
	protoTCP      = 6
	protoUDP      = 17
	protoDCCP     = 33
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoESP      = 50
	protoAH       = 51
	protoICMPv6   = 58
	protoDest     = 60
	protoSCTP     = 132
	protoUDPLite  = 136
)

const (
	ethernetSize = 14
	tagSize      = 4
	// mostNested is the number of packets within each other that are parsed.
	mostNested = 4
)

// headers returns the number of bytes of a packet that are headers: up to and with that of the transport layer, and
// those of the packet inside a tunnel packet or an ICMP error. What follows is payload. kind is the Ethertype of the
// first header, 0 for an Ethernet frame.
func headers(data []byte, kind uint16) int {
	p := parser{data: data}
	if kind == 0 {
		p.ethernet()
	} else {
		p.network(kind)
	}
	return min(p.at, len(data))
}

// parser moves at behind the headers that it knows.
type parser struct {
	data   []byte
	at     int
	nested int
}

// has reports whether n bytes follow.
func (p *parser) has(n int) bool { return len(p.data)-p.at >= n }

func (p *parser) u16(offset int) uint16 { return binary.BigEndian.Uint16(p.data[p.at+offset:]) }

// take moves behind n bytes. It returns false at the end of the data.
func (p *parser) take(n int) bool {
	p.at = min(p.at+n, len(p.data))
	return p.at < len(p.data)
}

func isTag(kind uint16) bool { return kind == 0x8100 || kind == 0x88a8 || kind == 0x9100 }

func (p *parser) ethernet() {
	if !p.has(ethernetSize) {
		p.take(ethernetSize)
		return
	}
	kind := p.u16(12)
	p.take(ethernetSize)
	for isTag(kind) && p.has(tagSize) {
		kind = p.u16(2)
		p.take(tagSize)
	}
	p.network(kind)
}

func (p *parser) network(kind uint16) {
	if p.nested++; p.nested > mostNested {
		return
	}
	switch kind {
	case typeARP:
		p.take(28)
	case typeIPv4:
		p.ipv4()
	case typeIPv6:
		p.ipv6()
	case typeBridge:
		p.ethernet()
	}
}

func (p *parser) ipv4() {
	if !p.has(20) {
		p.take(20)
		return
	}
	proto, size := p.data[p.at+9], int(p.data[p.at]&15)*4
	first := p.u16(6)&0x1fff == 0
	if p.take(max(size, 20)) && first {
		p.transport(proto)
	}
}

func (p *parser) ipv6() {
	if !p.has(40) {
		p.take(40)
		return
	}
	next := p.data[p.at+6]
	for size := 40; p.take(size); {
		switch next {
		case protoHopByHop, protoRouting, protoDest, protoFragment, protoAH:
		default:
			p.transport(next)
			return
		}
		if !p.has(8) {
			p.take(8)
			return
		}
		kind := next
		next = p.data[p.at]
		switch kind {
		case protoFragment:
			if size = 8; p.u16(2)&0xfff8 != 0 {
				p.take(size)
				return
			}
		case protoAH:
			size = (int(p.data[p.at+1]) + 2) * 4
		default:
			size = (int(p.data[p.at+1]) + 1) * 8
		}
	}
}

func (p *parser) transport(proto uint8) {
	switch proto {
	case protoTCP:
		size := 20
		if p.has(13) {
			size = max(size, int(p.data[p.at+12]>>4)*4)
		}
		p.take(size)
	case protoUDP:
		p.udp()
	case protoUDPLite, protoESP:
		p.take(8)
	case protoSCTP:
		p.take(12)
	case protoDCCP:
		p.take(16)
	case protoICMP, protoICMPv6:
		p.icmp(proto)
	case protoIPIP:
		p.network(typeIPv4)
	case protoIPv6:
		p.network(typeIPv6)
	case protoGRE:
		p.gre()
	}
}

// icmp also takes the packet that an error quotes.
func (p *parser) icmp(proto uint8) {
	kind := p.data[p.at]
	if !p.take(8) {
		return
	}
	switch {
	case proto == protoICMPv6 && kind < 128:
		p.network(typeIPv6)
	case proto == protoICMPv6 && (kind == 135 || kind == 136): // the target of neighbour discovery
		p.take(16)
	case proto == protoICMP && (kind == 3 || kind == 5 || kind == 11 || kind == 12):
		p.network(typeIPv4)
	}
}

// The usual UDP ports of tunnels. VXLAN has another one in Linux, for history.
const (
	portVXLAN      = 4789
	portVXLANLinux = 8472
	portGeneve     = 6081
)

func (p *parser) udp() {
	port := uint16(0)
	if p.has(4) {
		port = p.u16(2)
	}
	if !p.take(8) || !p.has(8) {
		return
	}
	switch port {
	case portVXLAN, portVXLANLinux:
		if p.data[p.at] == 8 && p.u16(2) == 0 && p.data[p.at+7] == 0 { // a VNI, and reserved bytes that are zero
			p.take(8)
			p.inner()
		}
	case portGeneve:
		if size, kind := 8+int(p.data[p.at]&63)*4, p.u16(2); p.data[p.at]>>6 == 0 && kind == typeBridge && p.data[p.at+7] == 0 {
			p.take(size)
			p.inner()
		}
	}
}

// inner takes an Ethernet frame in a tunnel.
func (p *parser) inner() { p.network(typeBridge) }

func (p *parser) gre() {
	if !p.has(4) {
		p.take(4)
		return
	}
	flags, kind := p.u16(0), p.u16(2)
	size := 4
	for _, bit := range []uint16{0x8000, 0x2000, 0x1000} { // checksum, key, sequence number
		if flags&bit != 0 {
			size += 4
		}
	}
	if p.take(size) && flags&7 == 0 {
		p.network(kind)
	}
}
