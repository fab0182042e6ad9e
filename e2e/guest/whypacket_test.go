// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyPacket = []provocation{
	wrongIPChecksum, wrongTCPChecksum, wrongUDPChecksum, wrongICMPChecksum, wrongVersion, shortHeader, cutPacket, unicastInMulticast,
	ndiscHopLimit, ndiscCode, ndiscOptions, fragmentTwice, fragmentTimeout, fragmentsMissing, fragmentMemory, ndiscOtherHost,
}

// damaged sends a packet from a to b after change has modified its bytes.
func (l *lab) damaged(cause string, p ktest.Packet, change func([]byte), values map[string]any) scenario {
	b := p.Bytes()
	change(b)
	return scenario{cause: cause, values: values, send: l.transmits(l.a, l.ra.toFar, b)}
}

// fromAddr matches packets from an address, which only one scenario has.
func fromAddr(addr netip.Addr) func(*record) bool { return from(addr.String()) }

// mendHeader recomputes the checksum of an IPv4 header.
func mendHeader(b []byte) {
	b[10], b[11] = 0, 0
	var sum uint32
	for i := 0; i < max(20, int(b[0]&15)*4); i += 2 {
		sum += uint32(endian.BigEndian.Uint16(b[i:]))
	}
	endian.BigEndian.PutUint16(b[10:], ^uint16(sum>>16+sum&0xffff))
}

func wrongIPChecksum(l *lab) scenario {
	port := l.port()
	s := l.damaged("ip-checksum", l.toB(port).Packet(), func(b []byte) { b[10], b[11] = 0x12, 0x34 }, map[string]any{"ip_sum": 0x1234})
	s.rows = every(within(l.r), toPort(port))
	s.needs = needs{reason: "IP_CSUM"}
	return s
}

func wrongTCPChecksum(l *lab) scenario {
	s := l.segmentToB(l.port(), flagSYN, false)
	w := l.damaged("tcp-checksum", s.Packet(), func(b []byte) { b[36], b[37] = 0x12, 0x34 }, map[string]any{"sum": 0x1234})
	w.rows, w.needs = every(within(l.b), toPort(s.To.Port())), needs{reason: "TCP_CSUM"}
	return w
}

// wrongUDPChecksum needs a socket: a packet without one is dropped before its checksum is computed.
func wrongUDPChecksum(l *lab) scenario {
	u := l.toB(l.port())
	listenAt(l.t, l.b, u.To.String())
	s := l.damaged("udp-checksum", u.Packet(), func(b []byte) { b[26], b[27] = 0x12, 0x34 }, map[string]any{"udp_sum": 0x1234})
	s.rows, s.needs = every(within(l.b), toPort(u.To.Port())), needs{reason: "UDP_CSUM"}
	return s
}

func wrongICMPChecksum(l *lab) scenario {
	_, from := l.remote4()
	p := ktest.ICMP(from, l.rb.near4, 8, 0, make([]byte, 12))
	s := l.damaged("icmp-checksum", p, func(b []byte) { b[22], b[23] = 0x12, 0x34 }, map[string]any{"icmp_sum": 0x1234})
	s.rows, s.needs = every(within(l.b), fromAddr(from)), needs{reason: "ICMP_CSUM"}
	return s
}

// wrongHeader sends a packet with a wrong header to the router over a wire of its own, by which it is identified, since its
// addresses can't be read.
func (l *lab) wrongHeader(cause string, change func([]byte), values map[string]any) scenario {
	w := l.wire(l.a, l.r)
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, l.port()), To: netip.AddrPortFrom(l.rb.near4, l.port()), Size: 20}
	b := u.Packet().Bytes()
	change(b)
	mendHeader(b)
	return scenario{
		cause: cause, values: values,
		rows: every(within(l.r), on(w.farName), etherType(unix.ETH_P_IP)),
		send: func() { l.do(l.a, func() error { return w.toFar.Send(unix.ETH_P_IP, b) }) },
	}
}

func wrongVersion(l *lab) scenario {
	return l.wrongHeader("ip-version", func(b []byte) { b[0] = 0x75 }, map[string]any{"version": 7})
}

func shortHeader(l *lab) scenario {
	return l.wrongHeader("ip-header-length", func(b []byte) { b[0] = 0x43 }, map[string]any{"version": 4, "ihl": 3})
}

func cutPacket(l *lab) scenario {
	s := l.wrongHeader("ip-total-length", func(b []byte) { endian.BigEndian.PutUint16(b[2:], 200) }, map[string]any{"total": 200, "len": 48})
	s.needs = needs{reason: "PKT_TOO_SMALL"}
	return s
}

// unicastInMulticast sends a unicast packet in a multicast frame to a device that drops such packets.
func unicastInMulticast(l *lab) scenario {
	w := l.wire(l.a, l.r)
	l.r.SetSysctl(l.tb, "ipv4/conf/"+w.farName+"/drop_unicast_in_l2_multicast", "1")
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	link := ktest.Link{Device: w.nearName, To: net.HardwareAddr{1, 0, 0x5e, 0, 0, 9}}
	return scenario{
		cause: "unicast-in-multicast", values: map[string]any{"dev": w.farName}, needs: needs{reason: "UNICAST_IN_L2_MULTICAST"},
		rows: every(within(l.r), toPort(port)), send: l.transmits(l.a, link, u.Packet().Bytes()),
	}
}

// solicits sends a neighbour solicitation for the address of the router with this hop limit, code and options.
func (l *lab) solicits(cause string, limit, code byte, options []byte, values map[string]any) scenario {
	w := l.wire(l.a, l.r)
	target := w.far6.As16()
	p := ktest.ICMP(w.near6, w.far6, 135, code, append(append(make([]byte, 4), target[:]...), options...))
	p.TTL = limit
	values["src"] = w.near6
	return scenario{
		cause: cause, values: values, rows: every(within(l.r), fromAddr(w.near6), toAddr(w.far6)),
		send: l.transmits(l.a, w.toFar, p.Bytes()),
	}
}

func ndiscHopLimit(l *lab) scenario {
	s := l.solicits("ndisc-hop-limit", 254, 0, nil, map[string]any{"hop_limit": 254})
	s.needs = needs{reason: "IPV6_NDISC_HOP_LIMIT"}
	return s
}

func ndiscCode(l *lab) scenario {
	s := l.solicits("ndisc-code", 255, 3, nil, map[string]any{"code": 3})
	s.needs = needs{reason: "IPV6_NDISC_BAD_CODE"}
	return s
}

// ndiscOptions sends an option of length 0.
func ndiscOptions(l *lab) scenario {
	s := l.solicits("ndisc-options", 255, 0, make([]byte, 8), map[string]any{"type": 135})
	s.needs = needs{reason: "IPV6_NDISC_BAD_OPTIONS"}
	return s
}

const moreFragments = 0x2000

// fragment returns a fragment of 16 bytes of a datagram to b, from an address that identifies it.
func (l *lab) fragment(from netip.Addr, id, offset uint16) []byte {
	return ktest.Packet{From: from, To: l.rb.near4, Protocol: unix.IPPROTO_UDP, ID: id, Fragment: moreFragments | offset/8, Payload: make([]byte, 16)}.Bytes()
}

// fragmentTwice sends the same fragment twice.
func fragmentTwice(l *lab) scenario {
	_, from := l.remote4()
	send := l.transmits(l.a, l.ra.toFar, l.fragment(from, 0x7101, 16))
	return scenario{
		cause: "fragment-twice", values: map[string]any{"src": from, "id": 0x7101, "offset": 16}, needs: needs{reason: "DUP_FRAG"},
		rows: every(within(l.b), fromAddr(from), func(r *record) bool { return r.Reason != "SKB_DROP_REASON_FRAG_REASM_TIMEOUT" }),
		send: func() { send(); send() },
	}
}

// fragmentTimeout sends only the first fragment, to a host that waits for one second.
func fragmentTimeout(l *lab) scenario {
	l.b.SetSysctl(l.tb, "ipv4/ipfrag_time", "1")
	_, from := l.remote4()
	return scenario{
		cause: "last-fragment-missing", values: map[string]any{"expired.src": from, "expired.dst": l.rb.near4, "expired.have": 16, "expired.id": 0x7102},
		needs: needs{probes: true, symbols: []string{"ip_expire"}}, otherwise: []string{"fragment-timeout"},
		rows: every(within(l.b), fromAddr(from)), send: l.transmits(l.a, l.ra.toFar, l.fragment(from, 0x7102, 0)),
	}
}

// fragmentsMissing sends the first and the last fragment, but not what is between them.
func fragmentsMissing(l *lab) scenario {
	l.since("5.18", "namespace in the rows of fragments that are freed after the timeout", "FRAG_REASM_TIMEOUT")
	l.b.SetSysctl(l.tb, "ipv4/ipfrag_time", "1")
	_, from := l.remote4()
	last := ktest.Packet{From: from, To: l.rb.near4, Protocol: unix.IPPROTO_UDP, ID: 0x7103, Fragment: 32 / 8, Payload: make([]byte, 16)}
	return scenario{
		cause: "fragments-missing", values: map[string]any{"expired.src": from, "expired.dst": l.rb.near4, "expired.have": 32, "expired.total": 48, "expired.id": 0x7103},
		needs: needs{probes: true, symbols: []string{"ip_expire"}}, otherwise: []string{"fragment-timeout"},
		// A fragment that waits has no device, so its row has no namespace.
		rows: every(fromAddr(from), func(r *record) bool { return r.Tuple.Offset == 32 }),
		send: func() {
			l.transmits(l.a, l.ra.toFar, l.fragment(from, 0x7103, 0))()
			l.transmits(l.a, l.ra.toFar, last.Bytes())()
		},
	}
}

// fragmentMemory sends fragments of two packets to a host that has memory for one.
func fragmentMemory(l *lab) scenario {
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv4/ipfrag_low_thresh", "0")
	n.SetSysctl(l.tb, "ipv4/ipfrag_high_thresh", "1")
	fragment := func(from netip.Addr) func() {
		p := ktest.Packet{From: from, To: w.far4, Protocol: unix.IPPROTO_UDP, ID: 0x7104, Fragment: moreFragments, Payload: make([]byte, 16)}
		return l.transmits(l.a, w.toFar, p.Bytes())
	}
	_, other := l.remote4()
	first, second := fragment(w.near4), fragment(other)
	return scenario{
		cause: "fragment-memory", values: map[string]any{"defragment.limit": 1}, needs: needs{probes: true, symbols: []string{"ip_defrag"}},
		rows: every(within(n), fromAddr(other)), send: func() { first(); second() },
	}
}

// ndiscOtherHost asks a router for the address of another host.
func ndiscOtherHost(l *lab) scenario {
	l.since("6.3", "drop reasons of neighbour discovery", "IPV6_NDISC_NS_OTHERHOST")
	w := l.wire(l.a, l.r)
	_, other := l.remote6()
	target := other.As16()
	p := ktest.ICMP(w.near6, w.far6, 135, 0, append(make([]byte, 4), target[:]...))
	p.TTL = 255
	return scenario{
		cause: "ndisc-other-host", values: map[string]any{"src": w.near6}, needs: needs{reason: "IPV6_NDISC_NS_OTHERHOST"},
		rows: every(within(l.r), fromAddr(w.near6), toAddr(w.far6), icmp(135)), send: l.transmits(l.a, w.toFar, p.Bytes()),
	}
}
