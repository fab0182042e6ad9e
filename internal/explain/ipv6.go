// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"strings"
)

// atNetwork returns an expression for a number in the headers of a packet, by its type and its offset from the network header.
func atNetwork(kind string, offset int) string {
	return fmt.Sprintf("*(%s *)(skb->head + skb->network_header + %d)", kind, offset)
}

// bits returns an expression with a bit for each of some conditions, the first one in bit 0.
func bits(conditions ...string) string {
	for i, c := range conditions {
		conditions[i] = fmt.Sprintf("((%s) << %d)", c, i)
	}
	return strings.Join(conditions, " | ")
}

// Offsets of the addresses in an IPv6 header.
const source6, destination6 = 8, 24

// isLoopback6 returns a condition for the address ::1, isMulticast6 one for ff00::/8.
func isLoopback6(offset int) string {
	return atNetwork("u64", offset) + " == 0 && " + atNetwork("u32", offset+8) + " == 0 && ntohl(" + atNetwork("u32", offset+12) + ") == 1"
}

func isMulticast6(offset int) string { return atNetwork("u8", offset) + " == 255" }

var (
	hasLoopback6 = "(" + isLoopback6(source6) + " || " + isLoopback6(destination6) + ")"
	toMulticast6 = isMulticast6(destination6)
	// scope6 is the scope of a multicast destination.
	scope6 = "(" + atNetwork("u8", destination6+1) + " & 15)"
	// receive6 are the functions that free a packet whose IPv6 header is not valid.
	receive6 = []string{"ip6_rcv_core", "ipv6_rcv", "ipv6_list_rcv"}
)

// isOnNetwork is a condition for a device other than lo.
const isOnNetwork = "!(skb->dev->flags & 8)"

// Conditions of ip6_rcv_core, which begins with them, and behind those on the addresses (fault).
const (
	acceptsIPv6 = "type != 3 && !inactive && version == 6"
	hasNoFault  = acceptsIPv6 + " && fault == 0"
)

var ip6HeaderSite = Site{
	// net/ipv6/ip6_input.c
	Name: "ip6_header", Functions: receive6, Reasons: []string{"IP_INHDR", "PKT_TOO_SMALL", "UNHANDLED_PROTO", "UNICAST_IN_L2_MULTICAST", Unspecified},
	Reads: join(reads(device), ends6, frameType, reads(
		num("version", ip6Header+"->version"), num("no_state", "!skb->dev->ip6_ptr"), num("inactive", "!skb->dev->ip6_ptr || skb->dev->ip6_ptr->cnf.disable_ipv6"),
		num("dev_mtu", "skb->dev->mtu"),
		// The checks of the addresses, in the kernel's order: loopback, unless the device is a VRF or one of ipvlan in mode l3s,
		// which have l3mdev_ops; scope of the interface; unicast in a frame that is not; scope 0; source.
		num("fault", bits(
			hasLoopback6+" && "+isOnNetwork+" && !skb->dev->l3mdev_ops",
			toMulticast6+" && "+scope6+" == 1 && "+isOnNetwork+" && skb->pkt_type != 5",
			"!("+toMulticast6+") && (skb->pkt_type == 1 || skb->pkt_type == 2) && skb->dev->ip6_ptr->cnf.drop_unicast_in_l2_multicast",
			toMulticast6+" && "+scope6+" == 0",
			isMulticast6(source6),
		)),
		num("payload", "ntohs("+ip6Header+"->payload_len)"), num("next", ip6Header+"->nexthdr"), num("len", "skb->len"),
	)),
}

// inHeader6 are causes that ip6_rcv_core finds after it has looked at the device's settings.
var inHeader6 = []string{
	"ipv6-version", "ipv6-loopback-address", "ipv6-interface-local", "ipv6-unicast-in-multicast", "ipv6-multicast-scope", "ipv6-multicast-source", "ipv6-payload-length",
}

var ip6HeaderCauses = []Cause{
	{ID: "ipv6-device-mtu", Site: "ip6_header", Reasons: []string{Unspecified}, When: "type != 3 && no_state && dev_mtu < 1280", Refines: append([]string{"ipv6-disabled"}, inHeader6...),
		Text: "IPv6 is not active on {dev}, whose MTU of {dev_mtu} is less than 1280", Remedy: "ip link set {dev} mtu 1280, or more"},
	{ID: "ipv6-version", Site: "ip6_header", Reasons: []string{"UNHANDLED_PROTO", Unspecified}, When: "type != 3 && !inactive && version != 6",
		Text: "the IPv6 header has version {version}", Remedy: "the packet is corrupted, or its EtherType is wrong"},
	{ID: "ipv6-loopback-address", Site: "ip6_header", Reasons: []string{"IP_INHDR", Unspecified}, When: acceptsIPv6 + " && fault & 1",
		Text: "the packet from {src} to {dst} has the loopback address ::1, but arrived on {dev}", Remedy: "the sender is faulty, or spoofs its address"},
	{ID: "ipv6-interface-local", Site: "ip6_header", Reasons: []string{"IP_INHDR", Unspecified}, When: acceptsIPv6 + " && (fault & 3) == 2",
		Text: "the multicast address {dst} has scope 1, for packets that do not leave their host, but the packet arrived on {dev}", Remedy: "the sender is faulty"},
	{ID: "ipv6-unicast-in-multicast", Site: "ip6_header", Reasons: []string{"UNICAST_IN_L2_MULTICAST", Unspecified}, When: acceptsIPv6 + " && (fault & 7) == 4",
		Text: "the unicast packet for {dst} arrived in a multicast frame (drop_unicast_in_l2_multicast=1 on {dev})", Remedy: "sysctl -w net.ipv6.conf.{dev}.drop_unicast_in_l2_multicast=0 accepts it"},
	{ID: "ipv6-multicast-scope", Site: "ip6_header", Reasons: []string{"IP_INHDR", Unspecified}, When: acceptsIPv6 + " && (fault & 15) == 8",
		Text: "the multicast address {dst} has the reserved scope 0", Remedy: "the sender is faulty"},
	{ID: "ipv6-multicast-source", Site: "ip6_header", Reasons: []string{"IP_INHDR", Unspecified}, When: acceptsIPv6 + " && (fault & 31) == 16",
		Text: "the source {src} is a multicast address", Remedy: "the sender is faulty, or spoofs its address"},
	{ID: "ipv6-payload-length", Site: "ip6_header", Reasons: []string{"PKT_TOO_SMALL", Unspecified}, When: hasNoFault + " && payload + 40 > len && (payload || next)",
		Text: "the IPv6 header has a payload of {payload} B, but the packet has only {len} B", Remedy: "the packet was truncated: an MTU mismatch, or a faulty driver"},
}
