// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyIPv4 = []provocation{
	shortTotal, cutHeader, wrongOptions, shortUDP, shortTCP, icmpTypeToBroadcast, icmpQuotedHeader, icmpTooShort, pingWithoutSocket, ping6WithoutSocket,
	arpLengths, arpTypes, arpOperation, arpTarget, arpGratuitous,
}

func shortTotal(l *lab) scenario {
	s := l.wrongHeader("ip-total-short", func(b []byte) { endian.BigEndian.PutUint16(b[2:], 12) }, map[string]any{"total": 12, "ihl": 5})
	s.needs = needs{reason: "IP_INHDR"}
	return s
}

// cutHeader has options that are not in the packet.
func cutHeader(l *lab) scenario {
	w := l.wire(l.a, l.r)
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, l.port()), To: netip.AddrPortFrom(l.rb.near4, l.port()), Size: 4}
	b := u.Packet().Bytes()
	b[0] = 0x4f
	return scenario{
		cause: "ip-header-truncated", values: map[string]any{"ihl": 15, "len": 32}, needs: needs{reason: "IP_INHDR"},
		rows: every(within(l.r), on(w.farName), etherType(unix.ETH_P_IP)), send: func() { l.do(l.a, func() error { return w.toFar.Send(unix.ETH_P_IP, b) }) },
	}
}

// wrongOptions has an option that is longer than the header.
func wrongOptions(l *lab) scenario {
	_, from := l.remote4()
	plain := ktest.UDP{From: netip.AddrPortFrom(from, l.port()), To: netip.AddrPortFrom(l.ra.far4, l.port()), Size: 20}.Packet().Bytes()
	b := slices.Concat(plain[:20], []byte{7, 40, 4, 0}, plain[20:])
	b[0] = 0x46
	endian.BigEndian.PutUint16(b[2:], uint16(len(b)))
	mendHeader(b)
	return scenario{
		cause: "ip-options", values: map[string]any{"ihl": 6}, needs: needs{reason: "IP_INHDR"}, rows: every(within(l.r), fromAddr(from)), send: l.transmits(l.a, l.ra.toFar, b),
	}
}

func shortUDP(l *lab) scenario {
	port := l.port()
	s := l.damaged("udp-length", l.toB(port).Packet(), func(b []byte) { endian.BigEndian.PutUint16(b[24:], 100) }, map[string]any{"udp_length": 100, "room": 28})
	s.rows, s.needs = every(within(l.b), toPort(port)), needs{reason: "PKT_TOO_SMALL"}
	return s
}

func shortTCP(l *lab) scenario {
	segment := l.segmentToB(l.port(), flagSYN, false)
	s := l.damaged("tcp-header-length", segment.Packet(), func(b []byte) { b[32] = 0x30 }, map[string]any{"data_offset": 3})
	s.rows, s.needs = every(within(l.b), toPort(segment.To.Port())), needs{reason: "PKT_TOO_SMALL"}
	return s
}

// icmpTypeToBroadcast sends an error to the broadcast address of a network of its own.
func icmpTypeToBroadcast(l *lab) scenario {
	w := l.wire(l.a, l.r)
	to := w.broadcast()
	return scenario{
		cause: "icmp-type-broadcast", values: map[string]any{"type": 3, "src": w.near4, "dst": to}, needs: needs{reason: "INVALID_PROTO"}, rows: every(within(l.r), toAddr(to)),
		send: l.transmits(l.a, w.toFar, ktest.ICMP(w.near4, to, 3, 1, make([]byte, 32)).Bytes()),
	}
}

// icmpFrom sends an ICMP message to the router, from an address that only this scenario has.
func (l *lab) icmpFrom(cause string, kind byte, rest []byte, reason string) scenario {
	_, from := l.remote4()
	return scenario{
		cause: cause, values: map[string]any{"type": kind, "src": from}, needs: needs{reason: reason}, rows: every(within(l.r), fromAddr(from)),
		send: l.transmits(l.a, l.ra.toFar, ktest.ICMP(from, l.ra.far4, kind, 0, rest).Bytes()),
	}
}

// icmpQuotedHeader quotes a header of length 0.
func icmpQuotedHeader(l *lab) scenario {
	return l.icmpFrom("icmp-quoted-header", 3, make([]byte, 32), "IP_INHDR")
}

func icmpTooShort(l *lab) scenario {
	return l.icmpFrom("icmp-too-short", 5, make([]byte, 8), "PKT_TOO_SMALL")
}

func pingWithoutSocket(l *lab) scenario {
	_, from := l.remote4()
	return scenario{
		cause: "ping-no-socket", values: map[string]any{"src4": from, "id": 0x7105}, needs: needs{reason: "NO_SOCKET"}, rows: every(within(l.b), fromAddr(from)),
		send: l.transmits(l.a, l.ra.toFar, ktest.ICMP(from, l.rb.near4, 0, 0, []byte{0x71, 5, 0, 0, 0, 0, 0, 0}).Bytes()),
	}
}

func ping6WithoutSocket(l *lab) scenario {
	_, from := l.remote6()
	return scenario{
		cause: "ping6-no-socket", values: map[string]any{"src6": from, "id": 0x7105}, needs: needs{reason: "NO_SOCKET"}, rows: every(within(l.b), fromAddr(from)),
		send: l.transmits(l.a, l.ra.toFar, ktest.ICMP(from, l.rb.near6, 129, 0, []byte{0x71, 5, 0, 0, 0, 0, 0, 0}).Bytes()),
	}
}

// arpPacket sends an ARP request of the near end for the address of the far end over a wire of its own, after change has modified
// its bytes: the sender is at 14, the target at 24.
func (l *lab) arpPacket(cause string, change func(b []byte), prepare func(wire), values map[string]any) scenario {
	w := l.wire(l.a, l.r)
	prepare(w)
	sender, target := w.near4.As4(), w.far4.As4()
	b := slices.Concat([]byte{0, 1, 8, 0, 6, 4, 0, 1}, hardware, sender[:], make([]byte, 6), target[:])
	change(b)
	return scenario{
		cause: cause, values: values, rows: every(within(l.r), on(w.farName), etherType(unix.ETH_P_ARP)),
		send: func() { l.do(l.a, func() error { return w.toFar.Send(unix.ETH_P_ARP, b) }) },
	}
}

func unprepared(wire) {}

func arpLengths(l *lab) scenario {
	return l.arpPacket("arp-lengths", func(b []byte) { b[5] = 8 }, unprepared, map[string]any{"hardware_length": 6, "protocol_length": 8})
}

func arpTypes(l *lab) scenario {
	return l.arpPacket("arp-types", func(b []byte) { b[1] = 24 }, unprepared, map[string]any{"hardware": 24, "protocol": 0x800})
}

func arpOperation(l *lab) scenario {
	return l.arpPacket("arp-operation", func(b []byte) { b[7] = 8 }, unprepared, map[string]any{"operation": 8})
}

func arpTarget(l *lab) scenario {
	return l.arpPacket("arp-target", func(b []byte) { copy(b[24:], []byte{127, 0, 0, 9}) }, unprepared, map[string]any{"target": "127.0.0.9"})
}

func arpGratuitous(l *lab) scenario {
	prepare := func(w wire) { l.r.SetSysctl(l.tb, "ipv4/conf/"+w.farName+"/drop_gratuitous_arp", "1") }
	return l.arpPacket("arp-gratuitous", func(b []byte) { copy(b[24:28], b[14:18]) }, prepare, map[string]any{})
}
