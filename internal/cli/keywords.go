// SPDX-License-Identifier: Apache-2.0

package cli

import "tracer/internal/complete"

// filterOffer completes the last word of a pcap filter, quoted or not.
var filterOffer = inside(" (", func(string) []complete.Word { return keywords })

// keywords are common keywords of pcap filters.
var keywords = []complete.Word{
	{Text: "host", Help: "packets from or to this host"},
	{Text: "net", Help: "packets from or to this network"},
	{Text: "port", Help: "packets from or to this port"},
	{Text: "portrange", Help: "packets from or to a port in this range"},
	{Text: "src", Help: "source host, net or port"},
	{Text: "dst", Help: "destination host, net or port"},
	{Text: "and", Help: "both"},
	{Text: "or", Help: "either"},
	{Text: "not", Help: "negation"},
	{Text: "ip", Help: "IPv4"},
	{Text: "ip6", Help: "IPv6"},
	{Text: "arp", Help: "ARP"},
	{Text: "tcp", Help: "TCP"},
	{Text: "udp", Help: "UDP"},
	{Text: "sctp", Help: "SCTP"},
	{Text: "icmp", Help: "ICMP"},
	{Text: "icmp6", Help: "ICMPv6"},
	{Text: "esp", Help: "ESP"},
	{Text: "ah", Help: "AH"},
	{Text: "proto", Help: "protocol with this number or name"},
	{Text: "ether", Help: "Ethernet header: host, src, dst or proto"},
	{Text: "vlan", Help: "VLAN, optionally with this ID"},
	{Text: "mpls", Help: "MPLS"},
	{Text: "broadcast", Help: "broadcast packets"},
	{Text: "multicast", Help: "multicast packets"},
	{Text: "less", Help: "packets of at most this length"},
	{Text: "greater", Help: "packets of at least this length"},
}
