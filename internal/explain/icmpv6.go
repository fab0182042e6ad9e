// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// discovery6 are the functions that free a neighbour discovery message, most of which are inlined or return a reason to
// icmpv6_rcv.
var discovery6 = []string{"ndisc_rcv", "icmpv6_rcv", "ndisc_recv_ns", "ndisc_recv_na", "ndisc_router_discovery", "ndisc_redirect_rcv"}

// Values that tell kernels apart whose icmpv6_rcv has other reasons. Without a reason for checksums (5.10), any message may have a
// wrong one: the value is unknown. Kernels that have reasons for neighbour discovery (6.4) also report as consumed what they
// handled; older ones report every message as a drop.
var (
	checksumReason = num("checksum_reason", "SKB_DROP_REASON_ICMP_CSUM")
	tellsHandled   = num("tells_handled", "SKB_DROP_REASON_IPV6_NDISC_FRAG != 0", "0")
)

// Types of neighbour discovery: router solicitation 133 and advertisement 134, neighbour solicitation 135 and
// advertisement 136, redirect 137. The kernel first looks for the faults that all of them may have.
const (
	isDiscovery = "checksum_reason && type >= 133 && type <= 137"
	isValid     = "checksum_reason && fault == 0"
)

// discoveryFaults has a bit for each check, in the kernel's order: fragments, which the device may refuse, hop limit, code.
var discoveryFaults = bits("((struct inet6_skb_parm *)skb->cb)->flags & 16 && "+device6+"suppress_frag_ndisc", ip6Header+"->hop_limit != 255", atTransport("u8", 1)+" != 0")

var icmpv6Sites = []Site{
	{
		// net/ipv6/ndisc.c
		Name: "ndisc", Functions: discovery6, Reasons: []string{"IPV6_NDISC_FRAG", "IPV6_NDISC_HOP_LIMIT", "IPV6_NDISC_BAD_CODE", "IPV6_NDISC_BAD_OPTIONS", "IPV6_NDISC_NS_OTHERHOST", Unspecified},
		Reads: reads(device, as(lookup.IPv6, "src", ip6Header+"->saddr"), num("hop_limit", ip6Header+"->hop_limit"), num("type", atTransport("u8", 0)), num("code", atTransport("u8", 1)),
			checksumReason, tellsHandled, num("room", transportRoom),
			num("fault", discoveryFaults),
			num("to_group", toMulticast6), num("from_link_local", "(ntohs("+atNetwork("u16", source6)+") & 0xffc0) == 0xfe80"),
			num("target_is_group", atTransport("u8", 8)+" == 255"), num("solicited", atTransport("u8", 4)+" & 0x40"), num("option_length", atTransport("u8", 17)),
			num("drop_unsolicited_na", device6+"drop_unsolicited_na"), num("accept_ra", device6+"accept_ra"), num("forwarding", device6+"forwarding")),
	},
	{
		// net/ipv6/icmp.c
		Name: "icmpv6", Functions: []string{"icmpv6_rcv"}, Reasons: []string{Unspecified},
		Reads: reads(as(lookup.IPv6, "src", ip6Header+"->saddr"), as(lookup.IPv6, "dst", ip6Header+"->daddr"), num("type", atTransport("u8", 0)), checksumReason, tellsHandled,
			num("ignore_all", settings6+"icmpv6_echo_ignore_all"), num("ignore_group", settings6+"icmpv6_echo_ignore_multicast && "+toMulticast6), num("ignore_anycast", settings6+"icmpv6_echo_ignore_anycast")),
	},
}

const isAnsweredEcho = "checksum_reason && type == 128 && !ignore_all && !ignore_group && !ignore_anycast"

var icmpv6Causes = []Cause{
	{ID: "ndisc-hop-limit", Site: "ndisc", Reasons: []string{"IPV6_NDISC_HOP_LIMIT", Unspecified}, When: isDiscovery + " && (fault & 3) == 2", Text: "a neighbour discovery message from {src} has hop limit {hop_limit}, not 255: a router forwarded it", Remedy: "it is spoofed, or a tunnel decrements the hop limit"},
	{ID: "ndisc-code", Site: "ndisc", Reasons: []string{"IPV6_NDISC_BAD_CODE", Unspecified}, When: isDiscovery + " && (fault & 7) == 4", Text: "a neighbour discovery message from {src} has code {code}, not 0", Remedy: "the sender is faulty"},
	{ID: "ndisc-options", Site: "ndisc", Reasons: []string{"IPV6_NDISC_BAD_OPTIONS"}, Text: "the options of a neighbour discovery message (type {type}) from {src} are not valid", Remedy: "the sender is faulty"},
	{ID: "ndisc-fragment", Site: "ndisc", Reasons: []string{"IPV6_NDISC_FRAG", Unspecified}, When: isDiscovery + " && fault & 1", Text: "a neighbour discovery message from {src} arrived in fragments", Remedy: "`sysctl -w net.ipv6.conf.{dev}.suppress_frag_ndisc=0` accepts it"},
	{ID: "ndisc-other-host", Site: "ndisc", Reasons: []string{"IPV6_NDISC_NS_OTHERHOST"}, Text: "a neighbour solicitation from {src} is for another host", Remedy: "none needed (normal on a shared link)", Benign: true},
	{ID: "ndisc-multicast-target", Site: "ndisc", Reasons: []string{Unspecified}, When: isValid + " && (type == 135 || type == 136) && room >= 24 && target_is_group",
		Text: "the target of a neighbour discovery message (type {type}) from {src} is a multicast address", Remedy: "the sender is faulty"},
	{ID: "ndisc-solicited-multicast", Site: "ndisc", Reasons: []string{Unspecified}, When: isValid + " && type == 136 && room >= 24 && !target_is_group && to_group && solicited",
		Text: "a neighbour advertisement from {src} to a multicast address claims to be solicited", Remedy: "the sender is faulty"},
	{ID: "ndisc-unsolicited", Site: "ndisc", Reasons: []string{Unspecified}, When: isValid + " && type == 136 && room >= 24 && !target_is_group && !solicited && drop_unsolicited_na",
		Text: "drop_unsolicited_na=1 on {dev}: an unsolicited neighbour advertisement from {src} is ignored", Remedy: "`sysctl -w net.ipv6.conf.{dev}.drop_unsolicited_na=0` accepts it"},
	{ID: "router-solicitation-to-host", Site: "ndisc", Reasons: []string{Unspecified}, When: isValid + " && type == 133 && room >= 8 && !forwarding",
		Text: "a router solicitation from {src} is not for this host, which is no router (forwarding=0 on {dev})", Remedy: "none needed (hosts ignore router solicitations)", Benign: true},
	{ID: "router-advertisement-source", Site: "ndisc", Reasons: []string{Unspecified}, When: isValid + " && type == 134 && !from_link_local",
		Text: "the source {src} of a router advertisement is not a link-local address", Remedy: "the router is faulty, or the message is spoofed"},
	{
		// The kernel looks at the options first; the first one is checked here.
		ID: "router-advertisement-refused", Site: "ndisc", Reasons: []string{Unspecified},
		When:   isValid + " && type == 134 && from_link_local && !tells_handled && (room == 16 || room >= 24 && option_length) && (accept_ra == 0 || forwarding && accept_ra != 2)",
		Text:   "the router advertisement from {src} is not used: accept_ra={accept_ra}, forwarding={forwarding} on {dev}",
		Remedy: "`sysctl -w net.ipv6.conf.{dev}.accept_ra=1`, or 2 on a host that forwards",
		NotOn:  []Exception{{Kernels: []string{"6.12", "6.18", "7.3"}, Why: "the kernel counts the message as handled, since it updates the neighbour entry of the router"}},
	},
	{ID: "redirect-source", Site: "ndisc", Reasons: []string{Unspecified}, When: isValid + " && type == 137 && !from_link_local",
		Text: "the source {src} of an ICMPv6 redirect is not a link-local address", Remedy: "the router is faulty, or the message is spoofed"},
	{ID: "ping6-ignored", Site: "icmpv6", When: "checksum_reason && (type == 128 || type == 160) && ignore_all",
		Text: "icmp.echo_ignore_all=1: the echo request from {src} is not answered", Remedy: "`sysctl -w net.ipv6.icmp.echo_ignore_all=0`"},
	{ID: "ping6-ignored-multicast", Site: "icmpv6", When: "checksum_reason && type == 128 && !ignore_all && ignore_group",
		Text: "icmp.echo_ignore_multicast=1: the echo request from {src} to {dst} is not answered", Remedy: "`sysctl -w net.ipv6.icmp.echo_ignore_multicast=0`"},
	{ID: "icmpv6-echo-handled", Site: "icmpv6", When: isAnsweredEcho + " && !tells_handled", Benign: true,
		Text: "not lost: the kernel handled the echo request from {src}; this kernel reports that as a drop", Remedy: "none needed",
		NotOn: []Exception{{Kernels: []string{"6.12", "6.18", "7.3"}, Why: "the kernel does not report it as a drop"}}},
	{ID: "icmpv6-echo-unanswered", Site: "icmpv6", When: isAnsweredEcho + " && tells_handled",
		Text:   "the echo request from {src} was not answered: no route back, no memory, an IPsec policy, or too many replies (icmp.ratelimit, icmp_msgs_per_sec)",
		Remedy: "`ip -6 route get {src}`; `sysctl net.ipv6.icmp.ratelimit net.ipv4.icmp_msgs_per_sec`",
		NotOn:  []Exception{{Kernels: []string{"6.1"}, Why: "the kernel reports every message as a drop"}}},
	{
		// What icmpv6_rcv has no function for, apart from errors.
		ID: "icmpv6-type-ignored", Site: "icmpv6", When: "checksum_reason && (type == 132 || type >= 138 && type != 160 && type != 161)", Benign: true,
		Text: "the kernel does nothing for ICMPv6 messages of type {type}, such as this one from {src}", Remedy: "none needed (multicast routers and other programs read them with raw sockets)",
	},
}
