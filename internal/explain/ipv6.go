// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	"tracer/internal/lookup"
)

// atNetwork and atTransport return an expression for a number in the headers of a packet, by its type and its offset from the
// network or the transport header.
func atNetwork(kind string, offset int) string {
	return fmt.Sprintf("*(%s *)(skb->head + skb->network_header + %d)", kind, offset)
}

func atTransport(kind string, offset int) string {
	return fmt.Sprintf("*(%s *)(skb->head + skb->transport_header + %d)", kind, offset)
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

const (
	// transportRoom is the number of bytes of the packet from the transport header on, which is an extension header in functions
	// that process it. extensionLength is the length of that header, and nextHeader the protocol by which it was found.
	transportRoom = "(u64)skb->data + skb->len - (u64)skb->head - skb->transport_header"
	nextHeader    = "*(u8 *)(skb->head + skb->network_header + ((struct inet6_skb_parm *)skb->cb)->nhoff)"
	settings6     = "skb->dev->nd_net.net->ipv6.sysctl."
	allDevices6   = "skb->dev->nd_net.net->ipv6.devconf_all->"
	device6       = "skb->dev->ip6_ptr->cnf."
)

var extensionLength = "(" + atTransport("u8", 1) + " + 1) * 8"

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
		Text: "IPv6 is not active on {dev}, whose MTU of {dev_mtu} is less than 1280", Remedy: "`ip link set {dev} mtu 1280`, or more"},
	{ID: "ipv6-version", Site: "ip6_header", Reasons: []string{"UNHANDLED_PROTO", Unspecified}, When: "type != 3 && !inactive && version != 6",
		Text: "the IPv6 header has version {version}", Remedy: "the packet is corrupted, or its EtherType is wrong"},
	{ID: "ipv6-loopback-address", Site: "ip6_header", Reasons: []string{"IP_INHDR", Unspecified}, When: acceptsIPv6 + " && fault & 1",
		Text: "the packet from {src} to {dst} has the loopback address ::1, but arrived on {dev}", Remedy: "the sender is faulty, or spoofs its address"},
	{ID: "ipv6-interface-local", Site: "ip6_header", Reasons: []string{"IP_INHDR", Unspecified}, When: acceptsIPv6 + " && (fault & 3) == 2",
		Text: "the multicast address {dst} has scope 1, for packets that do not leave their host, but the packet arrived on {dev}", Remedy: "the sender is faulty"},
	{ID: "ipv6-unicast-in-multicast", Site: "ip6_header", Reasons: []string{"UNICAST_IN_L2_MULTICAST", Unspecified}, When: acceptsIPv6 + " && (fault & 7) == 4",
		Text: "the unicast packet for {dst} arrived in a multicast frame (drop_unicast_in_l2_multicast=1 on {dev})", Remedy: "`sysctl -w net.ipv6.conf.{dev}.drop_unicast_in_l2_multicast=0` accepts it"},
	{ID: "ipv6-multicast-scope", Site: "ip6_header", Reasons: []string{"IP_INHDR", Unspecified}, When: acceptsIPv6 + " && (fault & 15) == 8",
		Text: "the multicast address {dst} has the reserved scope 0", Remedy: "the sender is faulty"},
	{ID: "ipv6-multicast-source", Site: "ip6_header", Reasons: []string{"IP_INHDR", Unspecified}, When: acceptsIPv6 + " && (fault & 31) == 16",
		Text: "the source {src} is a multicast address", Remedy: "the sender is faulty, or spoofs its address"},
	{ID: "ipv6-payload-length", Site: "ip6_header", Reasons: []string{"PKT_TOO_SMALL", Unspecified}, When: hasNoFault + " && payload + 40 > len && (payload || next)",
		Text: "the IPv6 header has a payload of {payload} B, but the packet has only {len} B", Remedy: "the packet was truncated: an MTU mismatch, or a faulty driver"},
}

// options6 are the functions that free a packet with hop-by-hop or destination options, parameterProblem those that also
// free it behind an ICMPv6 error about a header.
var (
	options6         = []string{"ipv6_parse_hopopts", "ipv6_destopt_rcv", "ip6_parse_tlv", "ip6_tlvopt_unknown", "ipv6_hop_ra", "ipv6_hop_jumbo", "ipv6_hop_calipso", "ipv6_hop_ioam"}
	parameterProblem = []string{"icmpv6_param_prob", "icmpv6_param_prob_reason"}
	routing6         = []string{"ipv6_rthdr_rcv", "ipv6_srh_rcv", "ipv6_rpl_srh_rcv"}
)

// isHopByHop is a condition for a packet whose hop-by-hop options are processed: that header is the first one, and nothing is
// processed before it.
const isHopByHop = ip6Header + "->nexthdr == 0 && skb->transport_header == skb->network_header + 40"

// isRouting is a condition for a packet whose routing header is not cut. The next header tells that it is being processed: other
// functions free packets in icmpv6_param_prob, too.
var isRouting = transportRoom + " >= 8 && " + extensionLength + " <= " + transportRoom

var extensionSites = []Site{
	{
		// net/ipv6/exthdrs.c
		Name: "ip6_options", Functions: slices.Concat(options6, parameterProblem), Reasons: []string{"IP_INHDR", "UNHANDLED_PROTO", "PKT_TOO_SMALL", Unspecified},
		Reads: reads(as(lookup.IPv6, "src", ip6Header+"->saddr"), num("hop_by_hop", isHopByHop), num("room", transportRoom), num("length", extensionLength),
			num("max_hop_by_hop", settings6+"max_hbh_opts_len"), num("max_destination", settings6+"max_dst_opts_len"),
			as(signed, "hop_by_hop_options", settings6+"max_hbh_opts_cnt"), as(signed, "destination_options", settings6+"max_dst_opts_cnt")),
	},
	{
		Name: "ip6_routing", Functions: slices.Concat(routing6, parameterProblem), Reasons: []string{Unspecified},
		Reads: reads(device, as(lookup.IPv6, "src", ip6Header+"->saddr"), as(lookup.IPv6, "dst", ip6Header+"->daddr"), num("next", nextHeader), num("routing", isRouting),
			num("kind", atTransport("u8", 2)), num("segments", atTransport("u8", 3)), num("not_unicast", toMulticast6+" || skb->pkt_type != 0"),
			num("srv6_all", allDevices6+"seg6_enabled"), num("srv6_dev", device6+"seg6_enabled"),
			num("rpl_all", allDevices6+"rpl_seg_enabled"), num("rpl_dev", device6+"rpl_seg_enabled")),
	},
}

var extensionCauses = []Cause{
	{ID: "ipv6-option-invalid", Site: "ip6_options", Reasons: []string{"IP_INHDR"},
		Text:   "the hop-by-hop or destination options of the packet from {src} are not valid, or are too many (max_hbh_opts_number={hop_by_hop_options}, max_dst_opts_number={destination_options})",
		Remedy: "the sender is faulty; `sysctl net.ipv6.max_hbh_opts_number net.ipv6.max_dst_opts_number`"},
	{ID: "ipv6-option-unknown", Site: "ip6_options", Reasons: []string{"UNHANDLED_PROTO"},
		Text:   "a hop-by-hop or destination option of the packet from {src} is unknown, and its type or a negative limit (max_hbh_opts_number={hop_by_hop_options}, max_dst_opts_number={destination_options}) says to drop the packet",
		Remedy: "the kernel does not support what the sender uses; `tcpdump -vv ip6` shows the options"},
	{ID: "ipv6-jumbo-length", Site: "ip6_options", Reasons: []string{"PKT_TOO_SMALL"}, When: "hop_by_hop",
		Text: "the jumbo payload option of the packet from {src} has a length that exceeds the packet", Remedy: "the packet was truncated, or its sender is faulty"},
	{ID: "ipv6-options-truncated", Site: "ip6_options", Reasons: []string{Unspecified}, Functions: []string{"ipv6_parse_hopopts", "ipv6_destopt_rcv"}, When: "room < 8 || length > room",
		Text: "an options header of the packet from {src} has a length of {length} B, but only {room} B of the packet are left", Remedy: "the packet was truncated, or its sender is faulty"},
	{ID: "ipv6-hop-by-hop-length", Site: "ip6_options", Reasons: []string{Unspecified}, Functions: []string{"ipv6_parse_hopopts"}, When: "room >= 8 && length <= room && hop_by_hop && length > max_hop_by_hop",
		Text: "the hop-by-hop options of the packet from {src} have {length} B, more than max_hbh_length={max_hop_by_hop}", Remedy: "`sysctl -w net.ipv6.max_hbh_length=N`"},
	{ID: "ipv6-destination-options-length", Site: "ip6_options", Reasons: []string{Unspecified}, Functions: []string{"ipv6_destopt_rcv"}, When: "room >= 8 && length <= room && !hop_by_hop && length > max_destination",
		Text: "the destination options of the packet from {src} have {length} B, more than max_dst_opts_length={max_destination}", Remedy: "`sysctl -w net.ipv6.max_dst_opts_length=N`"},
	{ID: "routing-header-multicast", Site: "ip6_routing", When: "next == 43 && routing && not_unicast",
		Text: "the packet from {src} to {dst} has a routing header, which only unicast packets for this host may have", Remedy: "the sender is faulty"},
	{ID: "routing-header-type", Site: "ip6_routing", When: "next == 43 && routing && !not_unicast && segments != 0 && kind != 2 && kind != 3 && kind != 4",
		Text:   "the packet from {src} has a routing header of type {kind} with {segments} segments left, which the kernel does not process",
		Remedy: "type 0 is deprecated (RFC 5095): the sender must not use it"},
	{ID: "srv6-off", Site: "ip6_routing", When: "next == 43 && routing && !not_unicast && kind == 4 && (srv6_all == 0 || srv6_dev == 0)",
		Text:   "the packet from {src} has a segment routing header, and SRv6 is off (seg6_enabled: all={srv6_all}, {dev}={srv6_dev})",
		Remedy: "`sysctl -w net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.{dev}.seg6_enabled=1`"},
	{ID: "rpl-off", Site: "ip6_routing", When: "next == 43 && routing && !not_unicast && kind == 3 && (rpl_all == 0 || rpl_dev == 0)",
		Text:   "the packet from {src} has an RPL source routing header, and RPL is off (rpl_seg_enabled: all={rpl_all}, {dev}={rpl_dev})",
		Remedy: "`sysctl -w net.ipv6.conf.all.rpl_seg_enabled=1 net.ipv6.conf.{dev}.rpl_seg_enabled=1`"},
}

// sourceKind6 has bit 0 for the unspecified address, the loopback address and multicast addresses, bit 1 for link-local ones.
var sourceKind6 = bits(
	atNetwork("u64", source6)+" == 0 && "+atNetwork("u64", source6+8)+" == 0 || "+isLoopback6(source6)+" || "+isMulticast6(source6),
	"(ntohs("+atNetwork("u16", source6)+") & 0xffc0) == 0xfe80",
)

// reassembly6 are the functions that free an IPv6 fragment (net/ipv6/reassembly.c).
var reassembly6 = []string{"ipv6_frag_rcv", "ip6_frag_queue"}

// fragmentReads6 are the values of an IPv6 fragment header, and the memory of all fragments. end6 is the end of the fragment in
// its packet.
var fragmentReads6 = reads(
	as(lookup.IPv6, "src6", ip6Header+"->saddr"), as(hex32, "id6", "ntohl("+atTransport("u32", 4)+")"),
	num("next", nextHeader), num("again", "((struct inet6_skb_parm *)skb->cb)->flags & 16"),
	num("more6", "ntohs("+atTransport("u16", 2)+") & 1"),
	num("end6", "(ntohs("+atTransport("u16", 2)+") & 0xfff8) + ntohs("+ip6Header+"->payload_len) + 32 + skb->network_header - skb->transport_header"),
	as(size, "memory6", "skb->dev->nd_net.net->ipv6.fqdir->mem.counter"), as(size, "limit6", "skb->dev->nd_net.net->ipv6.fqdir->high_thresh"),
)

var fragmentCauses6 = []Cause{
	{ID: "fragment6-timeout", Site: "fragment_timeout", Reasons: []string{"FRAG_REASM_TIMEOUT"}, When: "!is_v4",
		Text: "the other fragments of a packet from {src6} to {dst6} did not arrive in time", Remedy: "look for a firewall or NAT that drops fragments, or for loss; `sysctl net.ipv6.ip6frag_time`"},
	{ID: "fragment6-twice", Site: "fragment", Reasons: []string{"DUP_FRAG"}, When: "!is_v4 && next == 44 && !again",
		Text: "a fragment of packet {id6} from {src6} arrived twice", Remedy: "none needed (the network duplicated a packet)", Benign: true},
	{ID: "fragment6-length", Site: "fragment", Reasons: []string{Unspecified}, Functions: slices.Concat(reassembly6, parameterProblem), When: "!is_v4 && next == 44 && !again && more6 && end6 <= 65535 && end6 & 7",
		Text:   "a fragment of packet {id6} from {src6} ends at byte {end6}, which is no multiple of 8, although it is not the last one",
		Remedy: "the sender is faulty"},
	{ID: "fragment6-too-long", Site: "fragment", Reasons: []string{Unspecified}, Functions: slices.Concat(reassembly6, parameterProblem), When: "!is_v4 && next == 44 && !again && end6 > 65535",
		Text:   "a fragment of packet {id6} from {src6} ends at byte {end6}, more than 65535",
		Remedy: "the sender is faulty, or this is an attack"},
	{ID: "fragment6-overlap", Site: "fragment", Reasons: []string{Unspecified}, Functions: reassembly6, When: "!is_v4 && overlap.end > overlap.begin",
		Text: "the fragment from {src6} with bytes {overlap.begin} to {overlap.end} of packet {id6} overlaps another one; the kernel gives up the whole packet", Remedy: "the sender is faulty, or this is an attack"},
	{ID: "fragment6-memory", Site: "fragment", Reasons: []string{Unspecified}, Functions: []string{"ipv6_frag_rcv"}, When: "!is_v4 && next == 44 && !again && memory6 > limit6", Refines: []string{"fragment6-length", "fragment6-too-long"},
		Text: "no room for a fragment of packet {id6} from {src6}: {memory6} of ip6frag_high_thresh={limit6}", Remedy: "`sysctl -w net.ipv6.ip6frag_high_thresh=N`"},
}

var groupSites = []Site{{
	// net/ipv6/ip6_input.c
	Name: "ip6_group", Functions: []string{"ip6_mc_input", "ip6_protocol_deliver_rcu", "ip6_input_finish", "ip6_input"}, Reasons: []string{"IP_INADDRERRORS", Unspecified},
	Reads: reads(device, as(lookup.IPv6, "src", ip6Header+"->saddr"), as(lookup.IPv6, "dst", ip6Header+"->daddr"), num("to_group", toMulticast6), num("mc_forwarding", allDevices6+"mc_forwarding.counter")),
}}

var groupCauses = []Cause{
	{
		// A multicast router also drops a message that is no MLD message, although it says so.
		ID: "ipv6-group-not-joined", Site: "ip6_group", Reasons: []string{Unspecified}, Functions: []string{"ip6_mc_input"}, When: "to_group && !mc_forwarding", Benign: true,
		Text: "nothing on this host has joined the multicast group {dst} on {dev}", Remedy: "none needed where switches flood multicasts; otherwise ip -6 maddr show dev {dev}: the program must join the group on this device",
	},
	{ID: "ipv6-group-source", Site: "ip6_group", Reasons: []string{"IP_INADDRERRORS"}, Functions: []string{"ip6_protocol_deliver_rcu", "ip6_input_finish", "ip6_input"}, When: "to_group", Benign: true,
		Text: "no program that has joined the multicast group {dst} on {dev} accepts the source {src}", Remedy: "see the source filters in /proc/net/mcfilter6"},
}
