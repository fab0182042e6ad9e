// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// Offsets in an ARP packet of Ethernet: the addresses of the sender and of the target.
const arpSender, arpTarget = 14, 24

// isArp is a condition for a device whose ARP packets have these offsets.
const isArp = "ethernet && "

// gratuitousSetting is the number of the IPv4 setting drop_gratuitous_arp.
const gratuitousSetting = 31

var arpSites = []Site{{
	// net/ipv4/arp.c
	Name: "arp", Functions: []string{"arp_process", "arp_rcv"}, Reasons: []string{Unspecified},
	Reads: reads(device, num("ethernet", "skb->dev->type == 1 && skb->dev->addr_len == 6"),
		as(hex16, "hardware", "ntohs("+atNetwork("u16", 0)+")"), as(hex16, "protocol", "ntohs("+atNetwork("u16", 2)+")"),
		num("hardware_length", atNetwork("u8", 4)), num("protocol_length", atNetwork("u8", 5)), num("operation", "ntohs("+atNetwork("u16", 6)+")"),
		as(lookup.IPv4, "sender", atNetwork("u32", arpSender)), as(lookup.IPv4, "target", atNetwork("u32", arpTarget)),
		// The checks of arp_rcv and arp_process, in their order: lengths, IPv4 on the device, types (Ethernet 1, IEEE 802.2 6),
		// operation, target, gratuitous ARP.
		num("fault", bits(
			atNetwork("u8", 4)+" != 6 || "+atNetwork("u8", 5)+" != 4",
			"!skb->dev->ip_ptr",
			"ntohs("+atNetwork("u16", 0)+") != 1 && ntohs("+atNetwork("u16", 0)+") != 6 || ntohs("+atNetwork("u16", 2)+") != 0x0800",
			"ntohs("+atNetwork("u16", 6)+") != 1 && ntohs("+atNetwork("u16", 6)+") != 2",
			"("+atNetwork("u8", arpTarget)+" & 0xf0) == 0xe0 || "+atNetwork("u8", arpTarget)+" == 127 && !("+setting("skb->dev", routeLocalnetSetting)+" | "+settingOfAll("skb->dev", routeLocalnetSetting)+")",
			atNetwork("u32", arpSender)+" == "+atNetwork("u32", arpTarget)+" && ("+setting("skb->dev", gratuitousSetting)+" | "+settingOfAll("skb->dev", gratuitousSetting)+")",
		))),
}}

var arpCauses = []Cause{
	{ID: "arp-lengths", Site: "arp", When: isArp + "fault & 1",
		Text: "the ARP packet has addresses of {hardware_length} and {protocol_length} B, not of 6 and 4", Remedy: "the sender is faulty"},
	{ID: "arp-no-ipv4", Site: "arp", When: isArp + "(fault & 3) == 2",
		Text: "an ARP packet for {target} arrived on {dev}, which has no IPv4 state", Remedy: "`ip link show {dev}`: its MTU must be at least 68"},
	{ID: "arp-types", Site: "arp", When: isArp + "(fault & 7) == 4",
		Text: "the ARP packet is not for Ethernet and IPv4: hardware type {hardware}, protocol {protocol}", Remedy: "the sender is faulty, or uses another protocol"},
	{ID: "arp-operation", Site: "arp", When: isArp + "(fault & 15) == 8",
		Text: "the ARP packet has operation {operation}, neither a request nor a reply", Remedy: "none needed (Linux ignores other operations)"},
	{ID: "arp-target", Site: "arp", When: isArp + "(fault & 31) == 16",
		Text: "an ARP packet from {sender} has the target {target}, a multicast or loopback address", Remedy: "the sender is faulty"},
	{ID: "arp-gratuitous", Site: "arp", When: isArp + "(fault & 63) == 32",
		Text: "drop_gratuitous_arp=1: a gratuitous ARP packet of {sender} on {dev} is ignored", Remedy: "`sysctl -w net.ipv4.conf.{dev}.drop_gratuitous_arp=0 net.ipv4.conf.all.drop_gratuitous_arp=0` accepts it"},
}
