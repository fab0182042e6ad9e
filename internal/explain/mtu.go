// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// clampMSS is part of a remedy: how to make TCP send segments of the right size.
const clampMSS = "clamp the MSS (nft: tcp flags syn tcp option maxseg size set rt mtu)"

// mtuReads are the MTU of the route and of its device. The index of a metric is its number minus 1: RTAX_MTU is 2.
var mtuReads = join(reads(
	as(size, "len", "skb->len"), num("gso_size", shared+"->gso_size"),
	as(size, "dev_mtu", dst+"->dev->mtu"), as(lookup.String, "out", dst+"->dev->name"),
	as(size, "route_mtu", metrics+"[1]"),
))

// frameType is the type of the frame: 0 for this host, 1 broadcast, 2 multicast (PACKET_HOST and others). ip_forward and
// ip6_forward drop the others first, without a reason.
var frameType = reads(num("type", "skb->pkt_type"))

// mtu4Reads are also the path MTU that a router reported (rt_pmtu), and when it expires.
var mtu4Reads = join(mtuReads, ends4, reads(
	as(size, "pmtu", route4+"->rt_pmtu"), num("locked", route4+"->rt_mtu_locked"),
	num("expires", dst+"->expires"), num("now", "*jiffies"),
	num("use_pmtu", dst+"->dev->nd_net.net->ipv4.sysctl_ip_fwd_use_pmtu"),
	num("df", "ntohs("+ip4Header+"->frag_off) & 0x4000"),
	num("gets_error", getsError),
	num("frag_max", "((struct inet_skb_parm *)skb->cb)->frag_max_size"),
))

var mtu = family{
	name: "mtu", title: "Packet size",
	sites: []Site{
		{Name: "ip_forward_size", Functions: []string{"ip_forward"}, Reasons: []string{"PKT_TOO_BIG", Unspecified}, Reads: join(mtu4Reads, frameType)},
		{
			Name: "ip6_forward_size", Functions: []string{"ip6_forward"}, Reasons: []string{"PKT_TOO_BIG", Unspecified},
			// Only a locked MTU of the route counts here (ip6_dst_mtu_maybe_forward). Metric 0 has the locks, by the
			// numbers of the metrics (RTAX_MTU 2).
			Reads: join(mtuReads, ends6, reads(as(size, "dev_mtu6", dst+"->dev->ip6_ptr->cnf.mtu6"), num("route_locked", metrics+"[0] & 4"), num("gets_error6", getsError6)), frameType),
		},
		{
			// net/ipv4/ip_output.c; ip_fragment is often inlined.
			Name: "ip_fragment", Functions: []string{"ip_fragment", "__ip_finish_output", "ip_finish_output", "ip_output", "ip_mc_output"}, Reasons: []string{Unspecified},
			Reads: join(mtu4Reads, reads(num("ignore_df", "skb->ignore_df"))),
		},
		{
			Name: "ip6_fragment", Functions: []string{"ip6_fragment", "__ip6_finish_output", "ip6_finish_output"}, Reasons: []string{Unspecified, "PKT_TOO_BIG"},
			Reads: join(mtuReads, ends6, reads(as(size, "dev_mtu6", dst+"->dev->ip6_ptr->cnf.mtu6"))),
		},
		{
			// include/linux/netdevice.h: ____dev_forward_skb is inlined. The peer's limits are in the decision.
			Name: "dev_forward", Functions: []string{"__dev_forward_skb", "__dev_forward_skb2", "dev_forward_skb", "dev_forward_skb_nomtu", "veth_forward_skb", "veth_xmit", "__bpf_redirect"},
			Reasons: []string{Unspecified}, Reads: reads(as(size, "len", "skb->len")),
		},
		{
			// net/bridge/br_forward.c
			Name: "br_push", Functions: []string{"br_dev_queue_push_xmit", "__br_forward", "br_forward_finish"}, Reasons: []string{Unspecified}, Module: "bridge",
			Reads: reads(device, as(size, "len", "skb->len"), as(size, "dev_mtu", "skb->dev->mtu"), num("gso_size", shared+"->gso_size"),
				num("header", "skb->dev->hard_header_len"), num("up", "skb->dev->flags & 1")),
		},
	},
	decisions: []Decision{{
		// The device that the frame is handed to, which is not skb->dev yet.
		Name: "handover", Denies: true, Functions: []string{"__dev_forward_skb"}, Skb: "skb", At: AtEntry,
		Keep: "!(dev->flags & 1) || skb->len > dev->mtu + dev->hard_header_len + 4 && !((struct skb_shared_info *)(skb->head + skb->end))->gso_size",
		Reads: reads(
			as(lookup.String, "dev", "dev->name"), netnsOf("dev"), as(size, "mtu", "dev->mtu"), num("header", "dev->hard_header_len"), num("up", "dev->flags & 1"),
			as(size, "len", "skb->len"), num("gso_size", "((struct skb_shared_info *)(skb->head + skb->end))->gso_size"),
		),
	}},
	causes: []Cause{
		{
			ID: "forward-mtu-device", Site: "ip_forward_size", When: "type == 0 && !gso_size && len > dev_mtu && route_mtu == 0 && (pmtu == 0 || !use_pmtu && !locked)",
			Text:   "the packet of {len} exceeds the MTU of {out}, {dev_mtu}, and DF is set: {src} must send smaller packets",
			Remedy: "[[if gets_error: let ICMP type 3 code 4 reach {src} (path MTU discovery), or ]]`ip link set {out} mtu N`; for TCP, " + clampMSS,
		},
		{
			ID: "forward-mtu-route", Site: "ip_forward_size", When: "type == 0 && !gso_size && route_mtu != 0 && len > route_mtu && (pmtu == 0 || !use_pmtu && !locked)",
			Text:   "the packet of {len} exceeds the MTU of the route to {dst}, {route_mtu} (device {out}: {dev_mtu}), and DF is set: {src} must send smaller packets",
			Remedy: "`ip route get {dst}`[[if gets_error: ; let ICMP type 3 code 4 reach {src}]]",
		},
		{
			ID: "forward-mtu-learned", Site: "ip_forward_size", When: "type == 0 && !gso_size && pmtu != 0 && len > pmtu && (use_pmtu || locked) && expires - now < 1 << 40",
			Text:   "the packet of {len} exceeds the path MTU to {dst} that a router reported, {pmtu}, and DF is set: {src} must send smaller packets",
			Remedy: "`ip route get {dst}` shows it and when it expires; if it is wrong: `ip route flush cache`, or `sysctl -w net.ipv4.ip_forward_use_pmtu=0` (the default) to ignore what routers report",
		},
		{
			ID: "forward-mtu-gso", Site: "ip_forward_size", When: "type == 0 && gso_size != 0 && len > dev_mtu",
			Text:   "the GSO packet of {len} has segments of {gso_size} B, which exceed the MTU of {out}, {dev_mtu}, with their headers",
			Remedy: "the MSS is too large: " + clampMSS + ", or `ip link set {out} mtu N`",
		},
		{
			ID: "forward6-mtu-device", Site: "ip6_forward_size", When: "type == 0 && !gso_size && (route_mtu == 0 || !route_locked) && len > dev_mtu6",
			Text:   "the packet of {len} exceeds the IPv6 MTU of {out}, {dev_mtu6}: {src} must send smaller packets",
			Remedy: "[[if gets_error6: let ICMPv6 type 2 reach {src} (path MTU discovery), or ]]`ip link set {out} mtu N`",
		},
		{
			ID: "forward6-mtu-route", Site: "ip6_forward_size", When: "type == 0 && !gso_size && route_mtu != 0 && route_locked && len > route_mtu",
			Text:   "the packet of {len} exceeds the MTU of the route to {dst}, {route_mtu} (device {out}: {dev_mtu}): {src} must send smaller packets",
			Remedy: "`ip -6 route get {dst}`[[if gets_error6: ; let ICMPv6 type 2 reach {src}]]",
		},
		{
			ID: "forward6-mtu-gso", Site: "ip6_forward_size", When: "type == 0 && gso_size != 0 && len > dev_mtu6",
			Text: "the GSO packet of {len} has segments of {gso_size} B, which exceed the IPv6 MTU of {out}, {dev_mtu6}, with their headers", Remedy: "the MSS is too large: " + clampMSS,
		},
		{
			ID: "output-mtu-device", Site: "ip_fragment", When: "df && !ignore_df && route_mtu == 0 && pmtu == 0 && len > dev_mtu",
			Text: "the packet of {len} exceeds the MTU of {out}, {dev_mtu}, and DF is set", Remedy: "send at most {dev_mtu} per packet, or without DF",
		},
		{
			ID: "output-mtu-route", Site: "ip_fragment", When: "df && !ignore_df && route_mtu != 0 && pmtu == 0 && len > route_mtu",
			Text: "the packet of {len} exceeds the MTU of the route to {dst}, {route_mtu} (device {out}: {dev_mtu}), and DF is set", Remedy: "`ip route get {dst}`",
		},
		{
			ID: "output-mtu-learned", Site: "ip_fragment", When: "df && !ignore_df && pmtu != 0 && len > pmtu",
			Text:   "the packet of {len} exceeds the path MTU to {dst} that a router reported, {pmtu} (device {out}: {dev_mtu}), and DF is set",
			Remedy: "`ip route get {dst}` shows it and when it expires; send smaller packets, or `ip route flush cache` if it is wrong",
		},
		{
			ID: "output-mtu-fragments", Site: "ip_fragment", When: "!df && frag_max != 0 && frag_max > dev_mtu",
			Text: "the packet arrived in fragments of up to {frag_max} B, which exceed the MTU of {out}, {dev_mtu}", Remedy: "`ip link set {out} mtu N`, or send smaller fragments",
		},
		{
			ID: "output6-mtu", Site: "ip6_fragment", When: "route_mtu == 0 && len > dev_mtu6",
			Text: "the packet of {len} exceeds the IPv6 MTU of {out}, {dev_mtu6}, and must not be fragmented", Remedy: "`ip link set {out} mtu N`, or send smaller packets",
		},
		{
			ID: "output6-mtu-route", Site: "ip6_fragment", When: "route_mtu != 0 && len > route_mtu",
			Text: "the packet of {len} exceeds the path MTU to {dst}, {route_mtu} (device {out}: {dev_mtu}), and must not be fragmented", Remedy: "`ip -6 route get {dst}`",
		},
		{
			ID: "peer-mtu", Netns: "handover.netns", Site: "dev_forward", When: "handover.up && !handover.gso_size && handover.len > handover.mtu + handover.header + 4",
			Text: "a frame of {handover.len} exceeds the MTU {handover.mtu} of {handover.dev}", Remedy: "`ip link set {handover.dev} mtu N`: both ends need the same MTU",
		},
		{
			ID: "peer-down", Netns: "handover.netns", Site: "dev_forward", When: "!handover.up",
			Text: "{handover.dev} is down", Remedy: "`ip link set {handover.dev} up`",
		},
		{
			ID: "bridge-port-mtu", Site: "br_push", When: "up && !gso_size && len > dev_mtu + header + 4",
			Text: "a frame of {len} exceeds the MTU {dev_mtu} of the bridge port {dev}", Remedy: "`ip link set {dev} mtu N`: all ports of a bridge need the same MTU",
		},
		{
			ID: "bridge-port-down", Site: "br_push", When: "!up", Text: "the bridge port {dev} is down", Remedy: "`ip link set {dev} up`",
		},
	},
}
