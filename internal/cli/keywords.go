// SPDX-License-Identifier: Apache-2.0

package cli

import "tracer/internal/complete"

// filterOffer is for the word of a pcap filter that was begun, also in a filter that stands
// in quotes.
var filterOffer = inside(" (", func(string, *options) []complete.Word { return keywords })

// keywords are those of pcap filters that are used most.
var keywords = []complete.Word{
	{Text: "host", Help: "packets from or to this host"},
	{Text: "net", Help: "packets from or to this network"},
	{Text: "port", Help: "packets from or to this port"},
	{Text: "portrange", Help: "packets from or to these ports"},
	{Text: "src", Help: "of the source: host, net or port"},
	{Text: "dst", Help: "of the destination: host, net or port"},
	{Text: "and", Help: "both"},
	{Text: "or", Help: "one of both"},
	{Text: "not", Help: "the opposite"},
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
	{Text: "proto", Help: "this number of a protocol"},
	{Text: "ether", Help: "of the Ethernet header: host, src, dst or proto"},
	{Text: "vlan", Help: "VLAN, of this number if there is one"},
	{Text: "mpls", Help: "MPLS"},
	{Text: "broadcast", Help: "to all"},
	{Text: "multicast", Help: "to a group"},
	{Text: "less", Help: "at most this length"},
	{Text: "greater", Help: "at least this length"},
}
