// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// frame is a packet whose payload, if it has any, is a row of bytes 'p'.
type frame struct {
	name string
	kind uint16
	data []byte
}

var frames = makeFrames()

const payload = "pppppppppppppppppppppppppppppppppppppppp"

var (
	macA = []byte{2, 0, 0, 0, 0, 1}
	macB = []byte{2, 0, 0, 0, 0, 2}
	ipA  = []byte{10, 0, 0, 1}
	ipB  = []byte{10, 0, 0, 2}
	v6A  = []byte{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
	v6B  = []byte{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}
)

func serialize(all ...gopacket.SerializableLayer) []byte {
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
		panic(err)
	}
	return bytes.Clone(b.Bytes())
}

func ethernet(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: macA, DstMAC: macB, EthernetType: kind}
}

func ipv4(proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: ipA, DstIP: ipB}
}

func ipv6(next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: next, SrcIP: v6A, DstIP: v6B}
}

func udp(port layers.UDPPort) *layers.UDP { return &layers.UDP{SrcPort: 40000, DstPort: port} }

func makeFrames() []frame {
	tcp := &layers.TCP{SrcPort: 40000, DstPort: 443, ACK: true, Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: make([]byte, 8)}, {OptionType: layers.TCPOptionKindNop}, {OptionType: layers.TCPOptionKindNop}}}
	data := gopacket.Payload(payload)
	inner := []gopacket.SerializableLayer{ethernet(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolTCP), tcp, data}
	quoted := gopacket.Payload(serialize(ipv4(layers.IPProtocolUDP), udp(53)))
	vxlan := append([]gopacket.SerializableLayer{ethernet(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolUDP), udp(4789), &layers.VXLAN{ValidIDFlag: true, VNI: 7}}, inner...)
	return []frame{
		{"TCP with options", 0, serialize(inner...)},
		{"UDP", 0, serialize(ethernet(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolUDP), udp(53), data)},
		{"UDP over IPv6", 0, serialize(ethernet(layers.EthernetTypeIPv6), ipv6(layers.IPProtocolUDP), udp(53), data)},
		{"UDP without a link header", typeIPv4, serialize(ipv4(layers.IPProtocolUDP), udp(53), data)},
		{"UDP over IPv6 without a link header", typeIPv6, serialize(ipv6(layers.IPProtocolUDP), udp(53), data)},
		{"ping", 0, serialize(ethernet(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: 8 << 8, Id: 1, Seq: 2}, data)},
		{"ICMP error", 0, serialize(ethernet(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: 3<<8 | 3}, quoted)},
		{"VLAN", 0, serialize(ethernet(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 5, Type: layers.EthernetTypeIPv4}, ipv4(layers.IPProtocolUDP), udp(53), data)},
		{"VXLAN", 0, serialize(vxlan...)},
		{"GRE", 0, serialize(ethernet(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolGRE), &layers.GRE{Protocol: layers.EthernetTypeIPv4}, ipv4(layers.IPProtocolUDP), udp(53), data)},
		{"UDP to the port of VXLAN that is none", 0, serialize(ethernet(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolUDP), udp(4789), data)},
		{"ARP", 0, serialize(ethernet(layers.EthernetTypeARP), &layers.ARP{AddrType: 1, Protocol: 0x800, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1, SourceHwAddress: macA, SourceProtAddress: ipA, DstHwAddress: macB, DstProtAddress: ipB})[:42]},
		{"unknown", 0, append(serialize(ethernet(0x88b5))[:14], payload...)},
		{"fragment", 0, serialize(ethernet(layers.EthernetTypeIPv4), &layers.IPv4{Version: 4, TTL: 64, Protocol: 17, FragOffset: 100, SrcIP: ipA, DstIP: ipB}, data)},
	}
}

// TestHeaders checks that headers are all headers and no payload.
func TestHeaders(t *testing.T) {
	for _, f := range frames {
		want := len(bytes.TrimRight(f.data, "p"))
		if got := headers(f.data, f.kind); got != want {
			t.Errorf("%s: %d bytes of headers, want %d", f.name, got, want)
		}
	}
}

// TestHeadersOfTruncatedPackets checks that headers stay within the data, wherever it ends.
func TestHeadersOfTruncatedPackets(t *testing.T) {
	for _, f := range frames {
		whole := headers(f.data, f.kind)
		for n := range f.data {
			if got := headers(f.data[:n:n], f.kind); got > n || got > whole {
				t.Errorf("%s, %d bytes: %d bytes of headers", f.name, n, got)
			}
		}
	}
}

func FuzzHeaders(f *testing.F) {
	for _, x := range frames {
		f.Add(x.data, x.kind)
	}
	f.Fuzz(func(t *testing.T, data []byte, kind uint16) {
		if n := headers(data, kind); n < 0 || n > len(data) {
			t.Errorf("%d of %d bytes", n, len(data))
		}
	})
}
