// SPDX-License-Identifier: Apache-2.0

package column

import (
	"net/netip"
	"testing"

	"tracer/internal/event"
)

func checkTuple(t *testing.T, tuple event.Tuple, text, json string) {
	t.Helper()
	checkCell(t, "tuple", event.Event{Tuple: tuple}, text, json)
}

func ip4(protocol uint8, change func(*event.Tuple)) event.Tuple {
	t := event.Tuple{
		Network: event.IPv4, Protocol: protocol, EtherType: 0x0800,
		Source: netip.MustParseAddr("10.0.2.15"), Dest: netip.MustParseAddr("8.8.8.8"),
	}
	change(&t)
	return t
}

func ip6(protocol uint8, change func(*event.Tuple)) event.Tuple {
	t := ip4(protocol, change)
	t.Network, t.EtherType = event.IPv6, 0x86dd
	t.Source, t.Dest = netip.MustParseAddr("fe80::1"), netip.MustParseAddr("2001:db8::2")
	return t
}

func ports(source, dest uint16) func(*event.Tuple) {
	return func(t *event.Tuple) { t.Ports, t.SourcePort, t.DestPort = true, source, dest }
}

func plain(*event.Tuple) {}

func TestTuplePorts(t *testing.T) {
	checkTuple(t, ip4(17, ports(53, 0)), "10.0.2.15:53->8.8.8.8:0(udp)",
		`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","sport":53,"dport":0,"proto":17,"protocol":"udp","fragment":false}`)
	checkTuple(t, ip6(132, ports(1, 2)), "[fe80::1]:1->[2001:db8::2]:2(sctp)",
		`{"network":"ipv6","saddr":"fe80::1","daddr":"2001:db8::2","sport":1,"dport":2,"proto":132,"protocol":"sctp","fragment":false}`)
}

func TestTupleTCP(t *testing.T) {
	for flags, want := range map[uint8]string{
		0:    `"flags":0,"tcp_flags":""`,
		0x02: `"flags":2,"tcp_flags":"SYN"`,
		0x18: `"flags":24,"tcp_flags":"PSH|ACK"`,
		0xff: `"flags":255,"tcp_flags":"FIN|SYN|RST|PSH|ACK|URG|ECE|CWR"`,
	} {
		tuple := ip4(6, ports(80, 81))
		tuple.HasTCPFlags, tuple.TCPFlags = true, flags
		checkTuple(t, tuple, "10.0.2.15:80->8.8.8.8:81(tcp)",
			`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","sport":80,"dport":81,"proto":6,"protocol":"tcp",`+want+`,"fragment":false}`)
	}
}

func TestTupleWithoutPorts(t *testing.T) {
	checkTuple(t, ip4(47, plain), "10.0.2.15->8.8.8.8(gre)",
		`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","proto":47,"protocol":"gre","fragment":false}`)
	checkTuple(t, ip6(253, plain), "[fe80::1]->[2001:db8::2](proto-253)",
		`{"network":"ipv6","saddr":"fe80::1","daddr":"2001:db8::2","proto":253,"protocol":"proto-253","fragment":false}`)
}

func fragment(offset uint16) func(*event.Tuple) {
	return func(t *event.Tuple) {
		t.Fragment, t.FragmentOffset = true, offset
		t.Ports, t.SourcePort, t.DestPort = offset == 0, 5, 6
	}
}

func TestTupleFragment(t *testing.T) {
	checkTuple(t, ip4(17, fragment(1480)), "10.0.2.15->8.8.8.8(udp,frag=1480)",
		`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","proto":17,"protocol":"udp","fragment":true,"fragment_offset":1480}`)
	checkTuple(t, ip4(17, fragment(0)), "10.0.2.15:5->8.8.8.8:6(udp,frag=0)",
		`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","sport":5,"dport":6,"proto":17,"protocol":"udp","fragment":true,"fragment_offset":0}`)
	checkTuple(t, ip6(6, fragment(1448)), "[fe80::1]->[2001:db8::2](tcp,frag=1448)",
		`{"network":"ipv6","saddr":"fe80::1","daddr":"2001:db8::2","proto":6,"protocol":"tcp","fragment":true,"fragment_offset":1448}`)
	checkTuple(t, ip4(1, fragment(1480)), "10.0.2.15:0->8.8.8.8:0(icmp,frag=1480)",
		`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","proto":1,"protocol":"icmp","fragment":true,"fragment_offset":1480}`)
}

func TestTupleVLAN(t *testing.T) {
	tuple := ip4(17, ports(1, 2))
	tuple.HasVLAN, tuple.VLAN = true, 100
	checkTuple(t, tuple, "10.0.2.15:1->8.8.8.8:2(udp,vlan=100)",
		`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","sport":1,"dport":2,"proto":17,"protocol":"udp","fragment":false,"vlan":100}`)
	tuple.HasVLAN, tuple.VLAN, tuple.HasInnerVLAN, tuple.InnerVLAN = true, 5, true, 7
	checkTuple(t, tuple, "10.0.2.15:1->8.8.8.8:2(udp,vlan=5.7)",
		`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","sport":1,"dport":2,"proto":17,"protocol":"udp","fragment":false,"vlan":5,"inner_vlan":7}`)
	tuple.Tags, tuple.ThirdVLAN = 3, 9
	checkTuple(t, tuple, "10.0.2.15:1->8.8.8.8:2(udp,vlan=5.7.9)",
		`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","sport":1,"dport":2,"proto":17,"protocol":"udp","fragment":false,"vlan":5,"inner_vlan":7,"third_vlan":9}`)
	tuple.Tags = 8
	checkTuple(t, tuple, "10.0.2.15:1->8.8.8.8:2(udp,vlan=5.7.9+5)",
		`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","sport":1,"dport":2,"proto":17,"protocol":"udp","fragment":false,"vlan":5,"inner_vlan":7,"third_vlan":9,"vlan_tags":8}`)
	checkTuple(t, event.Tuple{Network: event.OtherNetwork, EtherType: 0x88cc, HasVLAN: true}, "(lldp,vlan=0)",
		`{"network":"other","ethertype":35020,"ethertype_name":"lldp","vlan":0}`)
}

func TestTupleARP(t *testing.T) {
	arp := ip4(0, func(t *event.Tuple) { t.Network, t.ARPOperation = event.ARP, 1 })
	checkTuple(t, arp, "10.0.2.15->8.8.8.8(arp,who-has)",
		`{"network":"arp","saddr":"10.0.2.15","daddr":"8.8.8.8","arp":{"operation":1,"name":"who-has"}}`)
	arp.ARPOperation = 2
	checkTuple(t, arp, "10.0.2.15->8.8.8.8(arp,reply)",
		`{"network":"arp","saddr":"10.0.2.15","daddr":"8.8.8.8","arp":{"operation":2,"name":"reply"}}`)
	checkTuple(t, event.Tuple{Network: event.ARP, ARPOperation: 9}, "(arp,operation=9)",
		`{"network":"arp","arp":{"operation":9,"name":null}}`)
}

func TestTuplesWithoutAddresses(t *testing.T) {
	checkTuple(t, event.Tuple{}, "(no-packet)", `{"network":"none"}`)
	checkTuple(t, event.Tuple{Network: event.Netlink}, "(netlink)", `{"network":"netlink"}`)
	checkTuple(t, event.Tuple{Network: event.Unix}, "(unix)", `{"network":"unix"}`)
	checkTuple(t, event.Tuple{Network: event.OtherSocket, SocketFamily: 40}, "(vsock)",
		`{"network":"socket","family":40,"family_name":"vsock"}`)
	checkTuple(t, event.Tuple{Network: event.OtherSocket, SocketFamily: 99}, "(family=99)",
		`{"network":"socket","family":99,"family_name":null}`)
}

func TestTupleEtherType(t *testing.T) {
	for ethertype, want := range map[uint16]string{
		0x88cc: "(lldp)", 0x8847: "(mpls)", 0x8864: "(pppoe)", 0x8035: "(rarp)", 0x9100: "(qinq)", 0x0004: "(llc)", 0x0001: "(802.3)", 0x1234: "(ethertype=0x1234)", 0: "(ethertype=0x0000)",
	} {
		e := event.Event{Tuple: event.Tuple{Network: event.OtherNetwork, EtherType: ethertype}}
		if got, _ := cell(t, "tuple", e); got != want {
			t.Errorf("ethertype %#x is %q, want %q", ethertype, got, want)
		}
	}
}
