// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

var whyIPv6 = slices.Concat(whyHeader6, whyExtension6, whyICMPv6, whyForward6, whyFragment6, whyGroup, []provocation{zeroChecksum6, noNextHeader6})

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

// whyExtension6 are packets with extension headers that the kernel refuses.
var whyExtension6 = []provocation{
	invalidOption6, invalidDestinationOption6, unknownOption6, unknownDestinationOption6, jumboLength6, cutOptions6, longHopByHop6, longDestination6,
	routingType0, routingMulticast, segmentRoutingOff, rplOff,
}

const hopByHop, destinationOptions, routingHeader = 0, 60, 43

// extended sends a packet with an extension header to the router, from an address that only this scenario has. It sets the
// next header in the extension header.
func (l *lab) extended(cause string, kind byte, header []byte, values map[string]any) scenario {
	return l.extendedTo(l.r, l.ra, cause, kind, header, values)
}

// extendedTo sends it over a wire to a host.
func (l *lab) extendedTo(n *ktest.Netns, w wire, cause string, kind byte, header []byte, values map[string]any) scenario {
	_, from := l.remote6()
	u := ktest.UDP{From: netip.AddrPortFrom(from, l.port()), To: netip.AddrPortFrom(w.far6, l.port()), Size: 20}.Packet()
	header[0] = u.Protocol
	u.Protocol, u.Payload = kind, append(header, u.Payload...)
	values["src"] = from
	return scenario{cause: cause, values: values, rows: every(within(n), fromAddr(from)), send: l.transmits(l.a, w.toFar, u.Bytes())}
}

// Options: PadN with a byte that is not zero, and an unknown one that asks to drop the packet.
func badPadding() []byte    { return []byte{0, 0, 1, 4, 7, 0, 0, 0} }
func unknownOption() []byte { return []byte{0, 0, 0x5e, 4, 0, 0, 0, 0} }

func invalidOption6(l *lab) scenario {
	return l.extended("ipv6-option-invalid", hopByHop, badPadding(), map[string]any{"hop_by_hop_options": 8})
}

func invalidDestinationOption6(l *lab) scenario {
	return l.extended("ipv6-option-invalid", destinationOptions, badPadding(), map[string]any{"destination_options": 8})
}

func unknownOption6(l *lab) scenario {
	return l.extended("ipv6-option-unknown", hopByHop, unknownOption(), map[string]any{})
}

// unknownDestinationOption6 has an option that also asks for an ICMPv6 error.
func unknownDestinationOption6(l *lab) scenario {
	header := unknownOption()
	header[2] = 0x9e
	return l.extended("ipv6-option-unknown", destinationOptions, header, map[string]any{})
}

// jumboLength6 has a length that needs the option, but not the bytes; the header has no length then.
func jumboLength6(l *lab) scenario {
	_, from := l.remote6()
	p := ktest.Packet{From: from, To: l.ra.far6, Protocol: hopByHop, Payload: append([]byte{unix.IPPROTO_UDP, 0, 0xc2, 4, 0, 2, 0, 0}, make([]byte, 8)...)}
	b := p.Bytes()
	b[4], b[5] = 0, 0
	return scenario{cause: "ipv6-jumbo-length", values: map[string]any{"src": from}, rows: every(within(l.r), fromAddr(from)), send: l.transmits(l.a, l.ra.toFar, b)}
}

// cutOptions6 has an options header that is longer than the packet.
func cutOptions6(l *lab) scenario {
	return l.extended("ipv6-options-truncated", hopByHop, []byte{0, 200, 1, 4, 0, 0, 0, 0}, map[string]any{"length": 201 * 8, "room": 36})
}

// narrowOptions returns a host that accepts options headers of 8 bytes.
func (l *lab) narrowOptions(setting string) (*ktest.Netns, wire) {
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv6/"+setting, "8")
	return n, w
}

func longHopByHop6(l *lab) scenario {
	n, w := l.narrowOptions("max_hbh_length")
	header := append([]byte{0, 1, 1, 4, 0, 0, 0, 0}, make([]byte, 8)...)
	return l.extendedTo(n, w, "ipv6-hop-by-hop-length", hopByHop, header, map[string]any{"length": 16, "max_hop_by_hop": 8})
}

func longDestination6(l *lab) scenario {
	n, w := l.narrowOptions("max_dst_opts_length")
	header := append([]byte{0, 1, 1, 4, 0, 0, 0, 0}, make([]byte, 8)...)
	return l.extendedTo(n, w, "ipv6-destination-options-length", destinationOptions, header, map[string]any{"length": 16, "max_destination": 8})
}

// sourceRouted is a routing header with one segment left.
func sourceRouted(kind byte) []byte {
	return append([]byte{0, 2, kind, 1, 0, 0, 0, 0}, make([]byte, 16)...)
}

func routingType0(l *lab) scenario {
	return l.extended("routing-header-type", routingHeader, sourceRouted(0), map[string]any{"kind": 0, "segments": 1})
}

func segmentRoutingOff(l *lab) scenario {
	return l.extended("srv6-off", routingHeader, sourceRouted(4), map[string]any{"dev": l.ra.farName, "srv6_all": 0, "srv6_dev": 0})
}

func rplOff(l *lab) scenario {
	return l.extended("rpl-off", routingHeader, sourceRouted(3), map[string]any{"dev": l.ra.farName, "rpl_all": 0, "rpl_dev": 0})
}

// routingMulticast sends a packet with a routing header in a frame for all hosts.
func routingMulticast(l *lab) scenario {
	w := l.ra
	w.toFar.To = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	return l.extendedTo(l.r, w, "routing-header-multicast", routingHeader, sourceRouted(0), map[string]any{"dst": w.far6})
}

// whyICMPv6 are ICMPv6 messages that the kernel refuses or ignores.
var whyICMPv6 = []provocation{
	ndiscMulticastTarget, ndiscSolicitedMulticast, ndiscUnsolicited, solicitationToHost, advertisementSource, advertisementRefused, advertisementOptions, redirectSource,
	ping6Ignored, ping6IgnoredMulticast, ping6Handled, ping6Unanswered, icmp6TypeIgnored,
}

// Types of neighbour discovery.
const (
	routerSolicitation = 133 + iota
	routerAdvertisement
	neighbourSolicitation
	neighbourAdvertisement
	redirectMessage
)

// discovers sends a message of neighbour discovery to the far end of a wire.
func (l *lab) discovers(cause string, n *ktest.Netns, w wire, to netip.Addr, kind byte, rest []byte, values map[string]any) scenario {
	return l.discoversFrom(w.near6, cause, n, w, to, kind, rest, values)
}

func (l *lab) discoversFrom(from netip.Addr, cause string, n *ktest.Netns, w wire, to netip.Addr, kind byte, rest []byte, values map[string]any) scenario {
	p := ktest.ICMP(from, to, kind, 0, rest)
	p.TTL = 255
	return scenario{
		cause: cause, values: values, rows: every(within(n), on(w.farName), fromAddr(from), icmp(int(kind))),
		send: l.transmits(l.a, w.toFar, p.Bytes()),
	}
}

// targeted is the rest of a neighbour solicitation or advertisement.
func targeted(flags byte, target netip.Addr) []byte {
	b := target.As16()
	return append([]byte{flags, 0, 0, 0}, b[:]...)
}

var allNodes = netip.MustParseAddr("ff02::1")

const solicitedFlag = 0x40

func ndiscMulticastTarget(l *lab) scenario {
	n, w := l.host()
	return l.discovers("ndisc-multicast-target", n, w, w.far6, neighbourSolicitation, targeted(0, allNodes), map[string]any{"src": w.near6, "type": neighbourSolicitation})
}

func ndiscSolicitedMulticast(l *lab) scenario {
	n, w := l.host()
	return l.discovers("ndisc-solicited-multicast", n, w, allNodes, neighbourAdvertisement, targeted(solicitedFlag, w.near6), map[string]any{"src": w.near6})
}

func ndiscUnsolicited(l *lab) scenario {
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv6/conf/"+w.farName+"/drop_unsolicited_na", "1")
	return l.discovers("ndisc-unsolicited", n, w, w.far6, neighbourAdvertisement, targeted(0, w.near6), map[string]any{"src": w.near6, "dev": w.farName})
}

func solicitationToHost(l *lab) scenario {
	n, w := l.host()
	return l.discovers("router-solicitation-to-host", n, w, w.far6, routerSolicitation, make([]byte, 4), map[string]any{"src": w.near6, "dev": w.farName})
}

// advertised is the rest of a router advertisement without options, for no default route.
func advertised() []byte { return make([]byte, 12) }

func advertisementSource(l *lab) scenario {
	n, w := l.host()
	return l.discovers("router-advertisement-source", n, w, w.far6, routerAdvertisement, advertised(), map[string]any{"src": w.near6})
}

// linkLocal is an address that the near end of the wire could have.
func (w *wire) linkLocal() netip.Addr {
	b := w.near6.As16()
	copy(b[:], []byte{0xfe, 0x80, 0, 0, 0, 0, 0, 0})
	b[14], b[15] = w.near6.As16()[2], w.near6.As16()[3]
	return netip.AddrFrom16(b)
}

func (l *lab) refusesAdvertisements(cause string, rest []byte, values map[string]any) scenario {
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv6/conf/"+w.farName+"/accept_ra", "0")
	return l.discoversFrom(w.linkLocal(), cause, n, w, w.far6, routerAdvertisement, rest, values)
}

func advertisementRefused(l *lab) scenario {
	return l.refusesAdvertisements("router-advertisement-refused", advertised(), map[string]any{"accept_ra": 0, "forwarding": 0})
}

// advertisementOptions has an option of length 0: it must not be explained by accept_ra, nor count as handled.
func advertisementOptions(l *lab) scenario {
	return l.refusesAdvertisements("ndisc-options", append(advertised(), make([]byte, 8)...), map[string]any{"type": routerAdvertisement})
}

func redirectSource(l *lab) scenario {
	n, w := l.host()
	return l.discovers("redirect-source", n, w, w.far6, redirectMessage, make([]byte, 36), map[string]any{"src": w.near6})
}

// pings6 sends an echo request to a host.
func (l *lab) pings6(cause string, n *ktest.Netns, w wire, to netip.Addr, values map[string]any) scenario {
	values["src"] = w.near6
	return scenario{
		cause: cause, values: values, rows: every(within(n), fromAddr(w.near6), icmp(128)),
		send: l.transmits(l.a, w.toFar, ktest.ICMP(w.near6, to, 128, 0, make([]byte, 12)).Bytes()),
	}
}

func ping6Ignored(l *lab) scenario {
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv6/icmp/echo_ignore_all", "1")
	return l.pings6("ping6-ignored", n, w, w.far6, map[string]any{})
}

func ping6IgnoredMulticast(l *lab) scenario {
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv6/icmp/echo_ignore_multicast", "1")
	return l.pings6("ping6-ignored-multicast", n, w, allNodes, map[string]any{"dst": allNodes})
}

// ping6Handled is answered, which old kernels report as a drop.
func ping6Handled(l *lab) scenario {
	n, w := l.host()
	if hasReason("IPV6_NDISC_FRAG") {
		panic(missing(lacks + "drops of ICMPv6 messages that are handled"))
	}
	return l.pings6("icmpv6-echo-handled", n, w, w.far6, map[string]any{})
}

// ping6Unanswered comes from an address to which the host has no route.
func ping6Unanswered(l *lab) scenario {
	l.since("6.4", "reasons for ICMPv6 messages", "IPV6_NDISC_FRAG")
	n, w := l.host()
	_, from := l.remote6()
	w.near6 = from
	return l.pings6("icmpv6-echo-unanswered", n, w, w.far6, map[string]any{})
}

// icmp6TypeIgnored sends a multicast listener report.
func icmp6TypeIgnored(l *lab) scenario {
	n, w := l.host()
	return scenario{
		cause: "icmpv6-type-ignored", values: map[string]any{"src": w.near6, "type": 143}, rows: every(within(n), fromAddr(w.near6), icmp(143)),
		send: l.transmits(l.a, w.toFar, ktest.ICMP(w.near6, w.far6, 143, 0, make([]byte, 4)).Bytes()),
	}
}

// whyForward6 are sources whose packets a router does not forward.
var whyForward6 = []provocation{forwardNoSource6, forwardLinkLocal6}

func forwardNoSource6(l *lab) scenario {
	s := l.arrives("forward6-no-source", l.wire(l.a, l.r), netip.IPv6Unspecified(), l.rb.near6).withoutDevice()
	return s.with(map[string]any{"src6": "::", "dst6": l.rb.near6})
}

func forwardLinkLocal6(l *lab) scenario {
	w := l.wire(l.a, l.r)
	return l.arrives("forward6-link-local", w, w.linkLocal(), l.rb.near6).with(map[string]any{"src6": w.linkLocal(), "dst6": l.rb.near6})
}

// whyFragment6 are fragments that are not reassembled.
var whyFragment6 = []provocation{
	fragmentTwice6, fragmentTimeout6, fragmentLength6, fragmentTooLong6, fragmentOverlap, fragmentOverlap6, fragmentMemory6,
}

const fragmentHeader = 44

// fragment6 is a fragment to the far end of a wire. More follow it.
func fragment6(from netip.Addr, w wire, offset uint16, length int) []byte {
	header := []byte{unix.IPPROTO_UDP, 0, 0, 0, 0, 0, 0x71, 6}
	endian.BigEndian.PutUint16(header[2:], offset|1)
	return ktest.Packet{From: from, To: w.far6, Protocol: fragmentHeader, Payload: append(header, make([]byte, length)...)}.Bytes()
}

const fragmentID6 = 0x7106

// fragments6 sends fragments to a host, from an address that only this scenario has. Those that follow the last one with the
// wanted cause have no other.
func (l *lab) fragments6(cause string, n *ktest.Netns, w wire, values map[string]any, packets func(from netip.Addr) [][]byte) scenario {
	_, from := l.remote6()
	values["src6"], values["id6"] = from, fragmentID6
	return scenario{
		cause: cause, values: values, rows: every(within(n), fromAddr(from), func(r *record) bool { return r.Why != nil && r.Why.Values["id6"] != nil || !isQueued(r) }),
		send: func() {
			for _, b := range packets(from) {
				l.transmits(l.a, w.toFar, b)()
			}
		},
	}
}

// isQueued reports whether a fragment was freed with its queue, whose cause another fragment has.
func isQueued(r *record) bool {
	for _, function := range []string{"inet_frag_destroy", "inet_frag_rbtree_purge", "inet_frag_destroy_rcu", "ip6_frag_expire", "ip6frag_expire_frag_queue", "rcu_", "inet_frags_free_cb"} {
		if strings.HasPrefix(r.Location, function) {
			return true
		}
	}
	return false
}

func fragmentTwice6(l *lab) scenario {
	n, w := l.host()
	return l.fragments6("fragment6-twice", n, w, map[string]any{}, func(from netip.Addr) [][]byte {
		return [][]byte{fragment6(from, w, 16, 16), fragment6(from, w, 16, 16)}
	})
}

// fragmentTimeout6 sends only one fragment, to a host that waits for one second.
func fragmentTimeout6(l *lab) scenario {
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv6/ip6frag_time", "1")
	_, from := l.remote6()
	return scenario{
		cause: "fragment6-timeout", values: map[string]any{"src6": from, "dst6": w.far6}, rows: every(within(n), fromAddr(from)),
		send: l.transmits(l.a, w.toFar, fragment6(from, w, 0, 16)),
	}
}

func fragmentLength6(l *lab) scenario {
	n, w := l.host()
	return l.fragments6("fragment6-length", n, w, map[string]any{"end6": 29}, func(from netip.Addr) [][]byte { return [][]byte{fragment6(from, w, 16, 13)} })
}

func fragmentTooLong6(l *lab) scenario {
	n, w := l.host()
	return l.fragments6("fragment6-too-long", n, w, map[string]any{"end6": 65528 + 16}, func(from netip.Addr) [][]byte {
		return [][]byte{fragment6(from, w, 65528, 16)}
	})
}

func fragmentOverlap6(l *lab) scenario {
	n, w := l.host()
	s := l.fragments6("fragment6-overlap", n, w, map[string]any{"overlap.begin": 24, "overlap.end": 40}, func(from netip.Addr) [][]byte {
		return [][]byte{fragment6(from, w, 16, 16), fragment6(from, w, 24, 16)}
	})
	s.needs = needs{probes: true}
	return s
}

// fragmentOverlap is about IPv4.
func fragmentOverlap(l *lab) scenario {
	_, from := l.remote4()
	first, second := l.fragment(from, 0x7103, 16), l.fragment(from, 0x7103, 24)
	return scenario{
		cause: "fragment-overlap", values: map[string]any{"src": from, "id": 0x7103, "overlap.begin": 24, "overlap.end": 40}, needs: needs{probes: true},
		rows: every(within(l.b), fromAddr(from), func(r *record) bool { return !isQueued(r) }),
		send: func() {
			l.transmits(l.a, l.ra.toFar, first)()
			l.transmits(l.a, l.ra.toFar, second)()
		},
	}
}

// fragmentMemory6 sends to a host with room for one fragment.
func fragmentMemory6(l *lab) scenario {
	n, w := l.host()
	n.SetSysctl(l.tb, "ipv6/ip6frag_low_thresh", "1")
	n.SetSysctl(l.tb, "ipv6/ip6frag_high_thresh", "1")
	return l.fragments6("fragment6-memory", n, w, map[string]any{"limit6": 1}, func(from netip.Addr) [][]byte {
		return [][]byte{fragment6(from, w, 16, 16), fragment6(from, w, 32, 16)}
	})
}

// whyGroup are multicasts that nothing has joined, and source routes.
var whyGroup = []provocation{groupNotJoined, groupNotJoined6, groupSource6, sourceRouteRefused}

func groupNotJoined(l *lab) scenario {
	to := netip.MustParseAddr("239.1.2.3")
	s := l.arrives("group-not-joined", l.wire(l.a, l.r), l.ra.near4, to).with(map[string]any{"dst": to, "src": l.ra.near4})
	s.needs = needs{probes: true}
	return s
}

func groupNotJoined6(l *lab) scenario {
	w, to := l.wire(l.a, l.r), netip.MustParseAddr("ff0e::1:2:3")
	return l.arrives("ipv6-group-not-joined", w, w.near6, to).with(map[string]any{"dst": to})
}

// groupSource6 sends to a group that a program has joined for another source only.
func groupSource6(l *lab) scenario {
	l.since("5.17", "reason for addresses", "IP_INADDRERRORS")
	n, w := l.host()
	to := netip.MustParseAddr("ff0e::1:2:4")
	ktest.JoinSource(l.tb, n, w.farName, to, w.near6.Next())
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(w.near6, port), To: netip.AddrPortFrom(to, port), Size: 20}
	return scenario{
		cause: "ipv6-group-source", values: map[string]any{"dst": to, "src": w.near6, "dev": w.farName}, rows: every(within(n), toPort(port)),
		send: l.transmits(l.a, w.toFar, u.Packet().Bytes()),
	}
}

// sourceRouteRefused has a loose source route by way of the router.
func sourceRouteRefused(l *lab) scenario {
	w := l.wire(l.a, l.r)
	port := l.port()
	u := ktest.UDP{From: netip.AddrPortFrom(w.near4, port), To: netip.AddrPortFrom(w.far4, port), Size: 20}
	plain := u.Packet().Bytes()
	next := l.rb.near4.As4()
	b := slices.Concat(plain[:20], []byte{131, 7, 4}, next[:], []byte{0}, plain[20:])
	b[0] = 0x47
	endian.BigEndian.PutUint16(b[2:], uint16(len(b)))
	mendHeader(b)
	return scenario{
		cause: "source-route-refused", values: map[string]any{"src": w.near4, "dst": w.far4, "dev": w.farName}, rows: every(within(l.r), fromAddr(w.near4), toAddr(w.far4)),
		send: l.transmits(l.a, w.toFar, b),
	}
}

// zeroChecksum6 sends a datagram without a checksum to a port without a socket.
func zeroChecksum6(l *lab) scenario {
	l.since("5.17", "reason for sockets", "NO_SOCKET")
	port := l.port()
	s := l.damaged("udp6-zero-checksum", l.toB6(port).Packet(), func(b []byte) { b[46], b[47] = 0, 0 }, map[string]any{"dst6": l.rb.near6, "dport": port, "checksum": 0})
	s.rows = every(within(l.b), toPort(port))
	return s
}

func noNextHeader6(l *lab) scenario {
	_, from := l.remote6()
	p := ktest.Packet{From: from, To: l.rb.near6, Protocol: unix.IPPROTO_NONE, Payload: make([]byte, 4)}
	return scenario{
		cause: "ipv6-no-next-header", values: map[string]any{"src6": from, "dst6": l.rb.near6}, rows: every(within(l.b), fromAddr(from)),
		send: l.transmits(l.a, l.ra.toFar, p.Bytes()),
	}
}
