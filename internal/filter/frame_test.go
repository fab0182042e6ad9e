// SPDX-License-Identifier: Apache-2.0

package filter

import "math/rand/v2"

// corpusFrames returns the frames that every expression is tested on.
func corpusFrames() [][]byte {
	whole := wholeFrames()
	frames := append(cutFrames(whole), whole...)
	return append(frames, brokenFrames(whole)...)
}

// wholeFrames returns valid frames of many protocols.
func wholeFrames() [][]byte {
	var frames [][]byte
	for _, kind := range []func() [][]byte{
		ipv4Frames, ipv6Frames, icmpFrames, neighbourFrames, taggedFrames, mplsFrames,
		pppoeFrames, tunnelFrames, llcFrames, otherFrames, longFrames,
	} {
		frames = append(frames, kind()...)
	}
	return frames
}

const (
	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17
	protoSCTP = 132
)

var http = []byte("GET / HTTP/1.1\r\n\r\n")

func ip4(proto int, payload []byte) []byte {
	return ipv4{src: "10.0.0.1", dst: "192.168.1.20", proto: proto, ttl: 64}.packet(payload)
}

func ip6(next int, payload []byte) []byte {
	return ipv6("2001:db8::1", "2001:db8::2", next, payload)
}

func ipv4Frames() [][]byte {
	var frames [][]byte
	for _, h := range []ipv4{
		{src: "1.1.1.1", dst: "10.0.0.1", proto: protoTCP, ttl: 64},
		{src: "10.0.0.1", dst: "1.1.1.1", proto: protoTCP, ttl: 3},
		{src: "10.0.0.2", dst: "10.0.0.1", proto: protoTCP, ttl: 64, frag: 0x4000},
		{src: "192.168.1.20", dst: "192.168.1.0", proto: protoTCP, tos: 0x45, id: 7},
		{src: "172.16.1.1", dst: "10.64.0.1", proto: protoTCP, ttl: 255, options: []byte{7, 7, 4, 0}},
		{src: "10.0.0.1", dst: "10.0.0.3", proto: protoTCP, ttl: 1, options: pattern(40)},
		{src: "10.0.0.1", dst: "10.0.0.3", proto: protoTCP, frag: 0x2000},
		{src: "10.0.0.1", dst: "10.0.0.3", proto: protoTCP, frag: 0x2005},
		{src: "10.0.0.1", dst: "224.0.0.1", proto: protoTCP, tos: 5, ttl: 2},
		{src: "0.0.0.0", dst: "255.255.255.255", proto: protoTCP},
	} {
		frames = append(frames, frame(typeIPv4, h.packet(tcp(1024, 80, 2, nil, nil))))
		frames = append(frames, frame(typeIPv4, h.packet(tcp(80, 81, 0x18, []byte{1, 1, 1, 0}, http))))
		h.proto = protoUDP
		frames = append(frames, frame(typeIPv4, h.packet(udp(53, 49152, []byte{1, 2, 3, 4}))))
		h.proto = protoSCTP
		frames = append(frames, frame(typeIPv4, h.packet(sctp(5060, 5061, 1))))
	}
	return append(frames, portFrames()...)
}

func portFrames() [][]byte {
	var frames [][]byte
	for _, port := range []int{0, 22, 53, 80, 100, 443, 1023, 8050, 65535} {
		for flags := range byte(8) {
			frames = append(frames, frame(typeIPv4, ip4(protoTCP, tcp(port, 9, flags, nil, http))))
		}
		frames = append(frames, frame(typeIPv4, ip4(protoTCP, tcp(9, port, 16, nil, nil))))
		frames = append(frames, frame(typeIPv4, ip4(protoUDP, udp(53, port, pattern(port%300)))))
		frames = append(frames, frame(typeIPv6, ip6(protoUDP, udp(port, port, nil))))
	}
	return frames
}

func ipv6Frames() [][]byte {
	return [][]byte{
		frame(typeIPv6, ip6(protoTCP, tcp(1, 80, 2, nil, nil))),
		frame(typeIPv6, ip6(protoUDP, udp(53, 5353, pattern(1300)))),
		frame(typeIPv6, ip6(protoSCTP, sctp(1, 5060, 0))),
		frame(typeIPv6, ip6(58, icmp(128, 0, 1, pattern(32)))),
		frame(typeIPv6, ip6(58, icmp(135, 0, 0, address("2001:db8::2")))),
		frame(typeIPv6, ip6(58, icmp(1, 4, 0, nil))),
		frame(typeIPv6, ip6(0, extension(43, extension(protoTCP, tcp(1, 80, 2, nil, nil))))),
		frame(typeIPv6, ip6(44, fragment6(protoUDP, 0, udp(53, 53, nil)))),
		frame(typeIPv6, ip6(44, fragment6(protoUDP, 100, pattern(64)))),
		frame(typeIPv6, ip6(44, fragment6(58, 0, icmp(128, 0, 1, nil)))),
		frame(typeIPv6, ipv6("::1", "::1", 58, icmp(129, 0, 1, nil))),
		frame(typeIPv6, ipv6("2001:db8:1::7", "2001:db8:1::8", 47, gre(typeIPv4, nil))),
		frame(typeIPv6, ipv6("fe80::1", "ff02::1", 103, []byte{0x20, 0, 0, 0})),
		frame(typeIPv6, ip6(51, pattern(24))),
		frame(typeIPv6, ip6(50, pattern(24))),
	}
}

func icmpFrames() [][]byte {
	var frames [][]byte
	for _, kind := range []byte{0, 3, 5, 8, 11, 13, 30} {
		frames = append(frames, frame(typeIPv4, ip4(protoICMP, icmp(kind, 3, 0x1234, pattern(56)))))
	}
	options := ipv4{src: "10.0.0.1", dst: "10.0.0.2", proto: protoICMP, options: []byte{7, 7, 4, 0, 0, 0, 0, 0}}
	return append(frames, frame(typeIPv4, options.packet(icmp(8, 0, 1, nil))))
}

func neighbourFrames() [][]byte {
	return [][]byte{
		ether(broadcastMAC, ourMAC, typeARP, arp(1, "10.0.0.1", "1.1.1.1")),
		frame(typeARP, arp(2, "1.1.1.1", "10.0.0.1")),
		frame(typeARP, arp(1, "192.168.1.1", "10.0.0.2")),
		ether(broadcastMAC, otherMAC, typeRARP, arp(3, "10.0.0.1", "10.0.0.1")),
		ether(multicastMAC, otherMAC, typeIPv4, ipv4{src: "10.0.0.1", dst: "224.0.0.1", proto: 2}.packet([]byte{0x11, 0, 0, 0, 0, 0, 0, 0})),
	}
}

func taggedFrames() [][]byte {
	ping, web := ip4(protoICMP, icmp(8, 0, 1, nil)), ip4(protoTCP, tcp(1, 80, 2, nil, http))
	return [][]byte{
		frame(typeVLAN, vlan(100, typeIPv4, ping)),
		frame(typeVLAN, vlan(0x2000|100, typeIPv4, web)),
		frame(typeVLAN, vlan(200, typeARP, arp(1, "10.0.0.1", "10.0.0.2"))),
		frame(typeVLAN, vlan(0, typeIPv6, ip6(protoUDP, udp(53, 53, nil)))),
		frame(typeVLAN, vlan(4095, typeIPv6, ip6(protoTCP, tcp(80, 1, 16, nil, nil)))),
		frame(typeVLAN, vlan(100, typeVLAN, vlan(200, typeIPv4, ping))),
		frame(typeQinQ, vlan(300, typeVLAN, vlan(300, typeIPv4, web))),
		frame(0x9100, vlan(100, typeVLAN, vlan(300, typeIPv6, ip6(58, icmp(128, 0, 1, nil))))),
		frame(typeVLAN, vlan(7, typeMPLS, mpls(3, true, ping))),
		frame(typeVLAN, vlan(7, typePPPoES, pppoe(0x27, 0x21, ping))),
	}
}

func mplsFrames() [][]byte {
	inner := ipv4{src: "192.9.200.1", dst: "10.0.0.1", proto: protoTCP}.packet(tcp(80, 80, 2, nil, nil))
	return [][]byte{
		frame(typeMPLS, mpls(100000, true, inner)),
		frame(typeMPLS, mpls(100000, false, mpls(1024, true, inner))),
		frame(typeMPLS, mpls(16, false, mpls(1024, true, inner))),
		frame(typeMPLS, mpls(5, true, ip6(protoTCP, tcp(80, 80, 2, nil, nil)))),
	}
}

func pppoeFrames() [][]byte {
	return [][]byte{
		frame(typePPPoED, []byte{0x11, 9, 0, 0, 0, 0}),
		frame(typePPPoES, pppoe(0x27, 0x21, ip4(protoTCP, tcp(1, 80, 2, nil, http)))),
		frame(typePPPoES, pppoe(1, 0x57, ip6(protoUDP, udp(53, 53, nil)))),
		frame(typePPPoES, pppoe(1, 0xc021, pattern(8))),
	}
}

func tunnelFrames() [][]byte {
	ping := ip4(protoICMP, icmp(8, 0, 1, nil))
	wrap := func(inner []byte) []byte { return frame(typeIPv4, ip4(protoUDP, udp(4000, 6081, inner))) }
	wrap6 := func(inner []byte) []byte { return frame(typeIPv6, ip6(protoUDP, udp(4000, 6081, inner))) }
	return [][]byte{
		wrap(geneve(0xb, typeIPv4, nil, ping)),
		wrap(geneve(0xb, 0x6558, nil, frame(typeIPv4, ping))),
		wrap(geneve(1, 0x6558, pattern(8), frame(typeIPv4, ip4(protoTCP, tcp(80, 80, 2, nil, nil))))),
		wrap(geneve(1, 0x6558, pattern(64), frame(typeIPv6, ip6(protoTCP, tcp(80, 80, 2, nil, nil))))),
		wrap(geneve(2, 0x6558, nil, frame(typeARP, arp(1, "10.0.0.1", "10.0.0.2")))),
		wrap(geneve(3, 0x6558, pattern(124), frame(typeVLAN, vlan(5, typeIPv4, ping)))),
		wrap(geneve(3, 0x6558, nil, frame(typeVLAN, vlan(5, typeIPv4, ping)))),
		wrap6(geneve(0xb, typeIPv4, nil, ping)),
		wrap6(geneve(0xb, typeIPv6, pattern(16), ip6(58, icmp(128, 0, 1, nil)))),
		frame(typeIPv4, ip4(47, gre(typeIPv4, ping))),
		frame(typeIPv4, ip4(47, gre(typeIPv6, ip6(58, icmp(128, 0, 1, nil))))),
	}
}

func llcFrames() [][]byte {
	frames := [][]byte{
		llc(0x42, 0x42, 0x03, 0, 0),                // STP
		llc(0xf0, 0xf0, 0x03, 1, 2),                // NetBEUI
		llc(0xe0, 0xe0, 0x03, 1, 2),                // IPX
		llc(0xff, 0xff, 0x03, 1, 2),                // IPX without LLC
		llc(0xaa, 0xaa, 0x03, 8, 0, 7, 0x80, 0x9b), // AppleTalk
		llc(0xaa, 0xaa, 0x03, 0, 0, 0, 0x80, 0xf3), // AARP
		llc(0xfe, 0xfe, 0x03, 0x81, 0),             // CLNP
		llc(0xfe, 0xfe, 0x03, 0x82, 0),             // ES-IS
	}
	for kind := range byte(32) { // IS-IS
		frames = append(frames, llc(0xfe, 0xfe, 0x03, 0x83, 27, 1, 0, kind, 1))
	}
	for _, control := range []byte{0x00, 0x01, 0x05, 0x09, 0x03, 0x43, 0x63, 0x6f, 0x73, 0x87, 0xaf, 0xe3} {
		frames = append(frames, llc(0x04, 0x04, control, 0))
	}
	return frames
}

func otherFrames() [][]byte {
	var frames [][]byte
	for _, etherType := range []int{0x88cc, 0x809b, 0x80f3, 0x8137, 0x6001, 0x6002, 0x6004, 0x6007, 0x9000, 1500} {
		frames = append(frames, frame(etherType, pattern(46)))
	}
	for _, proto := range []int{2, 9, 47, 50, 51, 103, 112} {
		frames = append(frames, frame(typeIPv4, ip4(proto, append([]byte{0x20 + byte(proto&1)}, pattern(40)...))))
	}
	for _, address := range [][]byte{be16(10<<2 | 123<<8), {123, 10 << 2}, {123, 40}} { // DECnet
		frames = append(frames, frame(0x6003, join([]byte{20, 0, 0x02}, address, address, pattern(20))))
		frames = append(frames, frame(0x6003, join([]byte{20, 0, 0x06, 0, 0, 0xaa, 0, 4, 0}, address, []byte{0, 0, 0xaa, 0, 4, 0}, address, pattern(20))))
		frames = append(frames, frame(0x6003, join([]byte{20, 0, 0x81, 0x02}, address, address, pattern(20))))
	}
	return frames
}

// longFrames returns frames whose transport header or payload ends near or beyond the end of the head.
func longFrames() [][]byte {
	var frames [][]byte
	for _, n := range []int{80, 84, 85, 86, 87, 88, 120, 160, 576, 1400, 1472, 8972, 40000, 65000} {
		frames = append(frames, frame(typeIPv4, ip4(protoUDP, udp(53, 53, pattern(n)))))
	}
	options := ipv4{src: "10.0.0.1", dst: "10.0.0.2", proto: protoTCP, options: pattern(40)}
	far := tcp(80, 80, 2, pattern(40), http) // data at 14+60+60
	return append(frames, frame(typeIPv4, options.packet(far)), frame(typeIPv4, ip4(protoTCP, far)))
}

// cutFrames truncates every ninth frame at each of its first 96 bytes.
func cutFrames(whole [][]byte) [][]byte {
	var frames [][]byte
	for i := 0; i < len(whole); i += 9 {
		for n := range min(len(whole[i]), 96) {
			frames = append(frames, whole[i][:n])
		}
	}
	return frames
}

// brokenFrames returns frames with up to four random bytes, and frames of random bytes only.
func brokenFrames(whole [][]byte) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	var frames [][]byte
	for range 300 {
		broken := append([]byte{}, whole[random.IntN(len(whole))]...)
		for range 1 + random.IntN(4) {
			broken[random.IntN(min(len(broken), 80))] = byte(random.Uint32())
		}
		frames = append(frames, broken, randomBytes(random, random.IntN(200)))
	}
	return frames
}

func randomBytes(random *rand.Rand, n int) []byte {
	bytes := make([]byte, n)
	for i := range bytes {
		bytes[i] = byte(random.Uint32())
	}
	return bytes
}
