// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyIPv6 = slices.Concat(whyHeader6)

// whyHeader6 are packets that ip6_rcv_core refuses.
var whyHeader6 = []provocation{
	deviceWithoutIPv6, wrongVersion6, loopbackSource6, loopbackDestination6, interfaceLocal6, unicastInMulticast6, scopeZero6, multicastSource6, cutPacket6,
}

// packet6 is a datagram with a port of its own from the near to the far end of a wire.
func (l *lab) packet6(w wire) ktest.UDP {
	port := l.port()
	return ktest.UDP{From: netip.AddrPortFrom(w.near6, port), To: netip.AddrPortFrom(w.far6, port), Size: 20}
}

// refused6 sends a datagram to the router over a wire of its own, after change has modified its addresses, and then its bytes.
func (l *lab) refused6(cause string, addresses func(*ktest.UDP), bytes func([]byte), values map[string]any) scenario {
	w := l.wire(l.a, l.r)
	u := l.packet6(w)
	addresses(&u)
	b := u.Packet().Bytes()
	bytes(b)
	return scenario{
		cause: cause, values: values, rows: every(within(l.r), on(w.farName), toPort(u.To.Port())), send: l.transmits(l.a, w.toFar, b),
	}
}

func sameAddresses(*ktest.UDP) {}
func sameBytes([]byte)         {}

// deviceWithoutIPv6 sends to a device whose MTU is too small for IPv6.
func deviceWithoutIPv6(l *lab) scenario {
	w := l.wire(l.a, l.r)
	ktest.SetMTU(l.tb, l.r, w.farName, 1000)
	u := l.packet6(w)
	return scenario{
		cause: "ipv6-device-mtu", values: map[string]any{"dev": w.farName, "dev_mtu": 1000}, rows: every(within(l.r), toPort(u.To.Port())),
		send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

// wrongVersion6 is identified by the wire, since its addresses can't be read.
func wrongVersion6(l *lab) scenario {
	w := l.wire(l.a, l.r)
	b := l.packet6(w).Packet().Bytes()
	b[0] = 0x50
	return scenario{
		cause: "ipv6-version", values: map[string]any{"version": 5},
		rows: every(within(l.r), on(w.farName), etherType(unix.ETH_P_IPV6), func(r *record) bool { return r.Tuple.Source == "" }),
		send: func() { l.do(l.a, func() error { return w.toFar.Send(unix.ETH_P_IPV6, b) }) },
	}
}

func loopbackSource6(l *lab) scenario {
	return l.refused6("ipv6-loopback-address", func(u *ktest.UDP) { u.From = netip.AddrPortFrom(netip.IPv6Loopback(), u.From.Port()) }, sameBytes, map[string]any{"src": "::1"})
}

func loopbackDestination6(l *lab) scenario {
	return l.refused6("ipv6-loopback-address", func(u *ktest.UDP) { u.To = netip.AddrPortFrom(netip.IPv6Loopback(), u.To.Port()) }, sameBytes, map[string]any{"dst": "::1"})
}

// toGroup changes the destination.
func toGroup(address string) func(*ktest.UDP) {
	return func(u *ktest.UDP) { u.To = netip.AddrPortFrom(netip.MustParseAddr(address), u.To.Port()) }
}

func interfaceLocal6(l *lab) scenario {
	return l.refused6("ipv6-interface-local", toGroup("ff01::1"), sameBytes, map[string]any{"dst": "ff01::1"})
}

func scopeZero6(l *lab) scenario {
	return l.refused6("ipv6-multicast-scope", toGroup("ff00::1"), sameBytes, map[string]any{"dst": "ff00::1"})
}

func multicastSource6(l *lab) scenario {
	change := func(u *ktest.UDP) { u.From = netip.AddrPortFrom(netip.MustParseAddr("ff02::9"), u.From.Port()) }
	return l.refused6("ipv6-multicast-source", change, sameBytes, map[string]any{"src": "ff02::9"})
}

// unicastInMulticast6 sends a unicast packet in a multicast frame to a device that drops such packets.
func unicastInMulticast6(l *lab) scenario {
	w := l.wire(l.a, l.r)
	l.r.SetSysctl(l.tb, "ipv6/conf/"+w.farName+"/drop_unicast_in_l2_multicast", "1")
	u := l.packet6(w)
	link := ktest.Link{Device: w.nearName, To: net.HardwareAddr{0x33, 0x33, 0, 0, 0, 9}}
	return scenario{
		cause: "ipv6-unicast-in-multicast", values: map[string]any{"dev": w.farName, "dst": w.far6},
		rows: every(within(l.r), toPort(u.To.Port())), send: l.transmits(l.a, link, u.Packet().Bytes()),
	}
}

func cutPacket6(l *lab) scenario {
	return l.refused6("ipv6-payload-length", sameAddresses, func(b []byte) { endian.BigEndian.PutUint16(b[4:], 200) }, map[string]any{"payload": 200, "len": 68})
}

// TestWhyIPv6 provokes only the causes of IPv6 and IPv4 headers, for a short run.
func TestWhyIPv6(t *testing.T) {
	l := newLab(t, inOrder)
	list := l.provoke(whyIPv6...)
	rows, _ := l.drops(list)
	for _, s := range list {
		t.Run(s.cause, func(t *testing.T) { s.check(t, rows.that(s.rows)) })
	}
	if t.Failed() {
		rows.others(t, list)
	}
}
