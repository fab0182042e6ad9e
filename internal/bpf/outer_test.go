// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cilium/ebpf/asm"

	"tracer/internal/ktest"
)

const packetOffset = ktest.PacketOffset

// encapsulation is an outer packet. The inner packet, with its link header if it has one, begins at offset
// inner. want is the text of both packets.
type encapsulation struct {
	packet []byte
	inner  int
	want   string
}

// The texts of the inner and outer packets. An outer text continues with the protocol.
const (
	inner4 = "10.0.8.1>10.0.8.2(17)1>2"
	inner6 = "fd08::1>fd08::2(17)1>2"
	outer4 = "10.0.1.1>10.0.1.2"
	outer6 = "fd01::1>fd01::2"
)

// encapsulations returns packets of each kind of tunnel, with each IP version inside and outside.
func encapsulations() map[string]encapsulation {
	all := map[string]encapsulation{}
	add := func(name string, headers int, packet []byte, want string) {
		all[name] = encapsulation{packet, headers, want}
	}
	for version, outer := range map[int]string{4: outer4, 6: outer6} {
		header := len(ip(version, 1, 0, nil))
		over := map[int]string{4: " over IPv4", 6: " over IPv6"}[version]
		for inner, text := range map[int]string{4: inner4, 6: inner6} {
			packed := ip(inner, 8, protoUDP, udp(1, 2, nil))
			etherType := map[int]int{4: typeIPv4, 6: typeIPv6}[inner]
			protocol := map[int]int{4: protoIPIP, 6: protoIPv6}[inner]
			frame := ethernet(etherType, packed)
			name := map[int]string{4: " of IPv4", 6: " of IPv6"}[inner] + over
			add("VXLAN"+name, header+16, ip(version, 1, protoUDP, udp(9, labVXLAN, vxlan(frame))), outer+"(17)9>4789 "+text)
			add("Geneve"+name, header+16, ip(version, 1, protoUDP, udp(9, labGeneve, geneve(typeTEB, frame))), outer+"(17)9>6081 "+text)
			add("GRE"+name, header+4, ip(version, 1, protoGRE, gre(etherType, packed)), outer+"(47) "+text)
			add("GRETAP"+name, header+4, ip(version, 1, protoGRE, gre(typeTEB, frame)), outer+"(47) "+text)
			add("IP in IP"+name, header, ip(version, 1, protocol, packed), outer+map[int]string{4: "(4) ", 6: "(41) "}[inner]+text)
		}
		add("WireGuard"+over, header+8, ip(version, 1, protoUDP, udp(9, 51820, []byte{4, 0, 0, 0, 1, 2, 3, 4})), outer+"(17)9>51820")
	}
	return all
}

// outerStates returns the states of an outer packet's sk_buff from ip_local_out until it has its own Ethernet
// header. skb->protocol can be that of the inner packet, the outer one or any other.
func outerStates(e encapsulation) map[string]ktest.SkbState {
	own := typeIPv4
	if e.packet[0]>>4 == 6 {
		own = typeIPv6
	}
	pushed := ktest.SkbState{
		Memory: ktest.InMemory(e.packet), Mac: packetOffset + e.inner, Network: packetOffset, Data: packetOffset,
		Tail: packetOffset + len(e.packet), Protocol: uint16(own),
	}
	framed := pushed
	framed.Data -= 14
	states := map[string]ktest.SkbState{"pushed": pushed, "with an Ethernet header": framed}
	for name, protocol := range map[string]uint16{"IPv4": typeIPv4, "IPv6": typeIPv6, "ARP": 0x0806, "nothing": 0} {
		s := pushed
		s.Protocol = protocol
		states["with protocol "+name] = s
	}
	return states
}

// TestOuterPackets checks that tuple and tunnel are those of the outer packet, although skb->mac_header still
// points to the inner packet.
func TestOuterPackets(t *testing.T) {
	bothWays(t, func(t *testing.T, c Config, b Bodies) {
		l := newSkbLab(t, c, b)
		for name, e := range encapsulations() {
			for state, s := range outerStates(e) {
				if got := l.look(t, s).text(); got != e.want {
					t.Errorf("%s, %s: %s, want %s", name, state, got, e.want)
				}
			}
		}
	})
}

// networkByte returns a filter for frames with a value at an offset after the Ethernet header.
func networkByte(offset int16, value int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 14+offset, asm.Byte),
		asm.Mov.Imm(asm.R0, 0),
		asm.JNE.Imm(asm.R2, value, "other"),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return().WithSymbol("other"),
	}
}

// TestFilterOfOuterPackets checks that the packet filter is applied to the outer packet.
func TestFilterOfOuterPackets(t *testing.T) {
	ktest.Root(t)
	const lastOfSource = 14 // of the network in IPv4: 10.0.N.1
	for network, want := range map[int32]bool{1: true, 8: false} {
		l := newSkbLab(t, Config{Filter: true, Need: 64}, Bodies{Filter: networkByte(lastOfSource, network)})
		for name, e := range encapsulations() {
			if e.packet[0]>>4 != 4 {
				continue
			}
			for state, s := range outerStates(e) {
				if got := l.look(t, s) != nil; got != want {
					t.Errorf("%s, %s: a filter for network %d matches: %v", name, state, network, got)
				}
			}
		}
	}
}

// TestIPsec checks packets in ESP: skb->mac_header is the offset of the protocol field in the IP header. Until
// skb->data is moved back to the network header, the header of ESP is not written yet.
func TestIPsec(t *testing.T) {
	const space, ihl, marked = 24, 20, 9 // length of the headers of ESP and IP, offset of the protocol
	bothWays(t, func(t *testing.T, c Config, b Bodies) {
		l := newSkbLab(t, c, b)
		packet := ip(4, 1, protoESP, slices.Concat(bytes.Repeat([]byte{7}, space), udp(1, 2, nil)))
		done := ktest.SkbState{
			Memory: ktest.InMemory(packet), Mac: packetOffset + marked, Network: packetOffset, Transport: packetOffset + ihl,
			Data: packetOffset, Tail: packetOffset + len(packet), Protocol: typeIPv4,
		}
		if got, want := l.look(t, done).text(), outer4+"(50)"; got != want {
			t.Errorf("with ESP's header: %s, want %s", got, want)
		}
		moved := done
		moved.Data = packetOffset + ihl + space
		for protocol, want := range map[byte]string{protoUDP: outer4 + "(17)", protoIPIP: outer4 + "(4)"} {
			moved.Memory[packetOffset+marked] = protocol
			if got := l.look(t, moved).text(); got != want {
				t.Errorf("before ESP's header is written: %s, want %s", got, want)
			}
		}
	})
}

// TestMovedNetworkHeader checks frames with 4 or 8 bytes between the Ethernet header and the network header.
// Usually, these bytes are other headers, such as tags. If packets of this Ethertype directly follow the
// Ethernet header, the network header was moved instead.
func TestMovedNetworkHeader(t *testing.T) {
	packet := ip(4, 8, protoUDP, udp(1, 2, nil))
	bothWays(t, func(t *testing.T, c Config, b Bodies) {
		l := newSkbLab(t, c, b)
		for name, test := range map[string]struct {
			etherType int
			between   []byte
			want      string
		}{
			"a removed MPLS label": {typeMPLS, []byte{0x40, 0, 0x11, 64}, inner4},
			"two removed labels":   {typeMPLS, []byte{0x40, 0, 0x10, 64, 0x40, 0, 0x11, 64}, inner4},
			"the header of ESP":    {typeIPv4, packet[:8], inner4},
			"an 802.1Q tag":        {0x8100, []byte{0, 5, 8, 0}, inner4},
			"802.1ad and 802.1Q":   {0x88a8, []byte{0, 5, 0x81, 0, 0, 6, 8, 0}, inner4},
			"PPPoE":                {0x8864, []byte{0x11, 0, 0, 1, 0, 30, 0, 0x21}, "8864"},
			"a header of MACsec":   {0x88e5, []byte{0, 0, 0, 0, 0, 0, 0, 1}, "88e5"},
			"an unknown Ethertype": {0x1234, []byte{1, 2, 3, 4}, "1234"},
		} {
			frame := ethernet(test.etherType, slices.Concat(test.between, packet))
			network := packetOffset + 14 + len(test.between)
			s := ktest.SkbState{Memory: ktest.InMemory(frame), Mac: packetOffset, Network: network, Data: network, Tail: packetOffset + len(frame), Protocol: typeIPv4}
			got := l.look(t, s)
			if text := got.text(); text != test.want {
				t.Errorf("%s: %s, want %s", name, text, test.want)
			}
			if tagged := test.etherType == 0x8100 || test.etherType == 0x88a8; tagged != (got.Tuple.Tags > 0) {
				t.Errorf("%s: a tag: %v", name, !tagged)
			}
		}
	})
}

// TestMacHeaderAfterNetworkHeader checks the other cases in which skb->mac_header lies after
// skb->network_header.
func TestMacHeaderAfterNetworkHeader(t *testing.T) {
	packed := ip(4, 8, protoUDP, udp(1, 2, nil))
	frame := ethernet(typeIPv4, packed)
	vxlan := ip(4, 1, protoUDP, udp(9, labVXLAN, vxlan(frame)))
	ipip := ip(4, 1, protoIPIP, packed)
	mpls := slices.Concat([]byte{0x40, 0, 0x11, 64}, packed) // a label that looks like IPv4
	bothWays(t, func(t *testing.T, c Config, b Bodies) {
		l := newSkbLab(t, c, b)
		for name, test := range map[string]struct {
			packet    []byte
			mac, data int
			protocol  uint16
			want      string
		}{
			"decapsulated frame":             {packet: vxlan, mac: 36, data: 36 + 14, protocol: typeIPv4, want: inner4},
			"frame to decapsulate":           {packet: vxlan, mac: 36, data: 36, protocol: typeIPv4, want: outer4 + "(17)9>4789 " + inner4},
			"packet to decapsulate":          {packet: ipip, mac: 20, data: 20, protocol: typeIPv4, want: outer4 + "(4) " + inner4},
			"packet of another version":      {packet: ip(6, 1, protoIPIP, packed), mac: 40, data: 40, protocol: typeIPv4, want: outer6 + "(4) " + inner4},
			"labels before a received frame": {packet: mpls, mac: 2, data: 0, protocol: typeMPLS, want: "8847"},
			"neither version":                {packet: []byte{0x10, 0, 0, 0}, mac: 2, data: 0, protocol: typeIPv4, want: "0000"},
		} {
			s := ktest.SkbState{
				Memory: ktest.InMemory(test.packet), Mac: packetOffset + test.mac, Network: packetOffset, Data: packetOffset + test.data,
				Tail: packetOffset + len(test.packet), Protocol: test.protocol,
			}
			if got := l.look(t, s).text(); got != test.want {
				t.Errorf("%s: %s, want %s", name, got, test.want)
			}
		}
	})
}
