// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"

	"tracer/internal/lookup"
)

var checksumReads = reads(
	as(hex16, "sum", "ntohs(*(u16 *)(skb->head + skb->transport_header + 16))"), as(hex16, "udp_sum", "ntohs(*(u16 *)(skb->head + skb->transport_header + 6))"),
	as(hex16, "icmp_sum", "ntohs(*(u16 *)(skb->head + skb->transport_header + 2))"), as(hex16, "ip_sum", "ntohs("+ip4Header+"->check)"),
)

// shortReads are the lengths in the headers of UDP and TCP.
var shortReads = reads(num("udp_length", "ntohs("+atTransport("u16", 4)+")"), num("data_offset", atTransport("u8", 12)+" >> 4"), num("room", transportRoom))

// checksumRemedy blames no offload of the receiver: before the kernel drops a packet for a checksum, it sums the packet itself,
// whatever the device reported (__skb_checksum_complete).
const checksumRemedy = "the packet was corrupted, or its sender computed the checksum wrongly: `@tcpdump -vv` at the sender and on the way; at a sender with offload, try `@ethtool -K DEV tx off`, which costs CPU"

const l2Remedy = "the sender has a wrong MAC address for its gateway: `tcpdump -e -i {dev}`; `@ip neigh show` on the sender"

var packet = family{
	name: "packet", title: "The packet itself: headers, checksums, fragments",
	sites: slices.Concat([]Site{
		{Name: "checksum", Reasons: []string{"IP_CSUM", "TCP_CSUM", "UDP_CSUM", "ICMP_CSUM", "PKT_TOO_SMALL"}, Reads: join(checksumReads, shortReads)},
		{Name: "ip_forward_ttl", Functions: []string{"ip_forward", "ip6_forward"}, Reasons: []string{"IP_INHDR", "IP_INADDRERRORS", Unspecified}, Reads: join(reads(device,
			num("forwarding6", "skb->dev->nd_net.net->ipv6.devconf_all->forwarding"), num("forced", "skb->dev->ip6_ptr->cnf.force_forwarding", "0"), // 6.17
			num("is_v4", ip4Header+"->version == 4"), num("ttl", ip4Header+"->ttl"), num("hop_limit", ip6Header+"->hop_limit"), num("gets_error", getsError), num("gets_error6", getsError6)), ends4,
			reads(as(lookup.IPv6, "src6", ip6Header+"->saddr"), as(lookup.IPv6, "dst6", ip6Header+"->daddr"), num("source_kind", sourceKind6)), frameType)},
		{Name: "ip_header", Functions: []string{"ip_rcv_core", "ip_rcv", "ip_rcv_options", "ip_rcv_finish_core", "ip_rcv_finish", "ip_list_rcv", "ip_list_rcv_finish", "ip_sublist_rcv"}, Reasons: []string{"IP_INHDR", "PKT_TOO_SMALL", "UNICAST_IN_L2_MULTICAST", "HDR_TRUNC", Unspecified},
			Reads: reads(device, num("type", "skb->pkt_type"), num("version", ip4Header+"->version"), num("ihl", ip4Header+"->ihl"), num("total", "ntohs("+ip4Header+"->tot_len)"), num("len", "skb->len"))},
		{Name: "ipv6_extension", Reasons: []string{"IPV6_BAD_EXTHDR", "IPV6_TOO_MANY_EXTHDRS"}, Reads: reads(as(lookup.IPv6, "src", ip6Header+"->saddr"))},
		{Name: "fragment_timeout", Functions: []string{"ip_expire", "inet_frag_rbtree_purge", "inet_frag_destroy", "ip6frag_expire_frag_queue", "ip6_frag_expire", "inet_frag_kill", "inet_frags_free_cb"}, Reasons: []string{"FRAG_REASM_TIMEOUT", Unspecified}, Reads: join(ends4, reads(num("is_v4", ip4Header+"->version == 4"), as(hex16, "id", "ntohs("+ip4Header+"->id)"), as(lookup.IPv6, "src6", ip6Header+"->saddr"), as(lookup.IPv6, "dst6", ip6Header+"->daddr")))},
		{Name: "fragment", Functions: slices.Concat([]string{"ip_frag_queue", "ip_defrag", "nf_ct_frag6_gather", "inet_frag_queue_insert", "inet_frag_rbtree_purge", "inet_frag_destroy", "ip_frag_reinit"}, reassembly6, parameterProblem), Reasons: []string{"DUP_FRAG", "FRAG_TOO_FAR", Unspecified},
			Reads: join(ends4, reads(num("is_v4", ip4Header+"->version == 4"), as(hex16, "id", "ntohs("+ip4Header+"->id)"), num("offset", "(ntohs("+ip4Header+"->frag_off) & 0x1fff) * 8")), fragmentReads6)},
	}, []Site{ip6HeaderSite}, extensionSites, icmpv6Sites, groupSites, arpSites),
	decisions: []Decision{
		{
			// The queue that contains the timer: container_of(t, struct inet_frag_queue, timer).
			Name: "expired", Functions: []string{"ip_expire"}, Skb: "((struct inet_frag_queue *)((u64)t - (u64)&((struct inet_frag_queue *)0)->timer))->fragments_tail", At: AtEntry,
			Reads: reads(
				num("have", "((struct inet_frag_queue *)((u64)t - (u64)&((struct inet_frag_queue *)0)->timer))->meat"), num("total", "((struct inet_frag_queue *)((u64)t - (u64)&((struct inet_frag_queue *)0)->timer))->len"),
				num("flags", "((struct inet_frag_queue *)((u64)t - (u64)&((struct inet_frag_queue *)0)->timer))->flags"),
				as(lookup.IPv4, "src", "((struct inet_frag_queue *)((u64)t - (u64)&((struct inet_frag_queue *)0)->timer))->key.v4.saddr"), as(lookup.IPv4, "dst", "((struct inet_frag_queue *)((u64)t - (u64)&((struct inet_frag_queue *)0)->timer))->key.v4.daddr"),
				as(hex16, "id", "ntohs(((struct inet_frag_queue *)((u64)t - (u64)&((struct inet_frag_queue *)0)->timer))->key.v4.id)")),
		},
		{
			Name: "defragment", Functions: []string{"ip_defrag"}, Skb: "skb", At: AtEntry,
			Reads: reads(as(size, "memory", "net->ipv4.fqdir->mem.counter"), as(size, "limit", "net->ipv4.fqdir->high_thresh")),
		},
		{
			// 2 is IPFRAG_OVERLAP.
			Name: "overlap", Denies: true, Functions: []string{"inet_frag_queue_insert"}, Skb: "skb", Keep: "ret == 2",
			Reads: reads(num("begin", "offset"), num("end", "end")),
		},
	},
	causes: slices.Concat([]Cause{
		{ID: "ip-checksum", Site: "checksum", Reasons: []string{"IP_CSUM"}, Text: "the checksum of the IP header, {ip_sum}, is wrong", Remedy: "the packet was corrupted, or its sender computed it wrongly"},
		{ID: "tcp-checksum", Site: "checksum", Reasons: []string{"TCP_CSUM"}, Text: "the TCP checksum {sum} is wrong", Remedy: checksumRemedy},
		{ID: "udp-checksum", Site: "checksum", Reasons: []string{"UDP_CSUM"}, Text: "the UDP checksum {udp_sum} is wrong", Remedy: checksumRemedy},
		{ID: "icmp-checksum", Site: "checksum", Reasons: []string{"ICMP_CSUM"}, Text: "the ICMP checksum {icmp_sum} is wrong", Remedy: checksumRemedy},
		{ID: "udp-length", Site: "checksum", Reasons: []string{"PKT_TOO_SMALL"}, Functions: []string{"__udp4_lib_rcv", "udp_rcv", "__udp6_lib_rcv", "udpv6_rcv"}, When: "udp_length < 8 || udp_length > room",
			Text: "the UDP header has length {udp_length} B, but the packet has {room} B from there on", Remedy: "the packet was truncated, or its sender is faulty"},
		{ID: "tcp-header-length", Site: "checksum", Reasons: []string{"PKT_TOO_SMALL"}, Functions: []string{"tcp_v4_rcv", "tcp_v6_rcv"}, When: "data_offset < 5",
			Text: "the TCP header has a length of {data_offset} words, less than 5", Remedy: "the packet is corrupted, or its sender is faulty"},
		{ID: "ttl", Refines: []string{"forward-mtu-device", "forward-mtu-route", "forward-mtu-learned", "forward-mtu-gso"}, Site: "ip_forward_ttl", Functions: []string{"ip_forward"}, Reasons: []string{"IP_INHDR", Unspecified}, When: "is_v4 && ttl <= 1 && type == 0", Text: "the TTL of the packet from {src} to {dst} has expired[[if gets_error: ; ICMP time exceeded is sent to {src} unless it is rate-limited]]", Remedy: "normal for traceroute; otherwise look for a routing loop: `@ip route get {dst}` on each router"},
		{ID: "hop-limit", Refines: []string{"forward6-mtu-device", "forward6-mtu-route", "forward6-mtu-gso"}, Site: "ip_forward_ttl", Functions: []string{"ip6_forward"}, Reasons: []string{"IP_INHDR", Unspecified}, When: "!is_v4 && hop_limit <= 1 && type == 0", Text: "the hop limit of the packet from {src6} to {dst6} has expired[[if gets_error6: ; ICMPv6 time exceeded is sent to {src6} unless it is rate-limited]]", Remedy: "normal for traceroute; otherwise look for a routing loop: `@ip -6 route get {dst6}` on each router"},
		{ID: "forward-l2-broadcast", Site: "ip_forward_ttl", Functions: []string{"ip_forward"}, Reasons: []string{Unspecified}, When: "is_v4 && (type == 1 || type == 2)", Text: "the packet for {dst} arrived on {dev} in a frame for a broadcast or multicast MAC address, so it is not forwarded", Remedy: l2Remedy},
		{ID: "forward6-l2-broadcast", Site: "ip_forward_ttl", Functions: []string{"ip6_forward"}, Reasons: []string{Unspecified}, When: "!is_v4 && (type == 1 || type == 2) && (forwarding6 || forced)", Text: "the packet for {dst6} arrived on {dev} in a frame for a broadcast or multicast MAC address, so it is not forwarded", Remedy: l2Remedy},
		// ip6_forward checks it first.
		{ID: "ipv6-forward-off", Site: "ip_forward_ttl", Functions: []string{"ip6_forward"}, Reasons: []string{"IP_INADDRERRORS", Unspecified}, When: "!is_v4 && !forwarding6 && !forced", Refines: []string{"hop-limit", "forward6-mtu-device", "forward6-mtu-route", "forward6-mtu-gso"},
			Text: "IPv6 forwarding is off (net.ipv6.conf.all.forwarding=0), and {dst6} is not an address of this host", Remedy: "`sysctl -w net.ipv6.conf.all.forwarding=1`: the host becomes a router, and ignores router advertisements unless accept_ra=2"},
		{ID: "forward6-no-source", Site: "ip_forward_ttl", Functions: []string{"ip6_forward"}, Reasons: []string{"IP_INADDRERRORS"}, When: "!is_v4 && (forwarding6 || forced) && source_kind & 1",
			Text: "the packet for {dst6} has the source {src6}, which must not be forwarded", Remedy: "the sender has no address yet, or is faulty"},
		{ID: "forward6-link-local", Site: "ip_forward_ttl", Functions: []string{"ip6_forward"}, Reasons: []string{"IP_INADDRERRORS"}, When: "!is_v4 && (forwarding6 || forced) && source_kind == 2",
			Text:   "the packet for {dst6} has the link-local source {src6}, which is valid only on the link of {dev}[[if gets_error6: ; ICMPv6 unreachable (beyond scope) is sent to it unless it is rate-limited]]",
			Remedy: "the sender needs a global or unique local address: ip -6 addr show on the sender"},
		// ip_rcv_core checks them first, after the address of the frame.
		{ID: "ip-version", Site: "ip_header", Reasons: []string{"IP_INHDR", Unspecified}, Functions: []string{"ip_rcv_core", "ip_rcv", "ip_list_rcv"}, When: "version != 4 && type != 3", Refines: afterReceive, Text: "the IP header has version {version}", Remedy: "the packet is corrupted, or its EtherType is wrong"},
		{ID: "ip-header-length", Site: "ip_header", Reasons: []string{"IP_INHDR", Unspecified}, Functions: []string{"ip_rcv_core", "ip_rcv", "ip_list_rcv"}, When: "version == 4 && ihl < 5 && type != 3", Refines: afterReceive, Text: "the IP header has a length of {ihl} words, less than 5", Remedy: "the packet is corrupted"},
		{ID: "ip-total-length", Site: "ip_header", Reasons: []string{"PKT_TOO_SMALL"}, Functions: []string{"ip_rcv_core", "ip_rcv", "ip_list_rcv"}, When: "version == 4 && ihl >= 5 && total > len", Text: "the IP header has total length {total} B, but the packet has only {len} B", Remedy: "the packet was truncated: an MTU mismatch, or a faulty driver"},
		{ID: "ip-header-truncated", Site: "ip_header", Reasons: []string{"IP_INHDR"}, Functions: []string{"ip_rcv_core", "ip_rcv", "ip_list_rcv"}, When: "version == 4 && ihl >= 5 && len >= 20 && ihl * 4 > len", Text: "the IP header has a length of {ihl} words, but the packet has only {len} B", Remedy: "the packet was truncated, or its sender is faulty"},
		{ID: "ip-total-short", Site: "ip_header", Reasons: []string{"IP_INHDR"}, Functions: []string{"ip_rcv_core", "ip_rcv", "ip_list_rcv"}, When: "version == 4 && ihl >= 5 && ihl * 4 <= len && total < ihl * 4", Text: "the IP header has total length {total} B, less than its own length of {ihl} words", Remedy: "the packet is corrupted, or its sender is faulty"},
		{ID: "ip-options", Site: "ip_header", Reasons: []string{"IP_INHDR"}, Functions: []string{"ip_rcv_options", "ip_rcv_finish_core", "ip_rcv_finish", "ip_list_rcv_finish", "ip_sublist_rcv"}, When: "version == 4 && ihl > 5", Text: "the options in the IP header are not valid", Remedy: "the sender is faulty",
			NotOn: []Exception{{Kernels: []string{"6.1", "6.12"}, Why: "the kernel gives no reason, as for source routes"}}},
		{ID: "unicast-in-multicast", Site: "ip_header", Reasons: []string{"UNICAST_IN_L2_MULTICAST"}, Text: "a unicast IP packet arrived in a multicast frame (drop_unicast_in_l2_multicast on {dev})", Remedy: "[[if version == 4: `sysctl -w net.ipv4.conf.{dev}.drop_unicast_in_l2_multicast=0 net.ipv4.conf.all.drop_unicast_in_l2_multicast=0`]][[if version == 6: `sysctl -w net.ipv6.conf.{dev}.drop_unicast_in_l2_multicast=0`]] accepts such packets, which can get around rules for unicast"},
		{ID: "ipv6-extension", Site: "ipv6_extension", Reasons: []string{"IPV6_BAD_EXTHDR"}, Text: "an IPv6 extension header of the packet from {src} is not valid", Remedy: "the sender is faulty"},
		{ID: "ipv6-extensions", Site: "ipv6_extension", Reasons: []string{"IPV6_TOO_MANY_EXTHDRS"}, Text: "the packet from {src} has too many IPv6 extension headers", Remedy: "the kernel accepts at most 12 (IP6_MAX_EXT_HDRS_CNT): the sender is faulty"},
		{ID: "fragments-missing", Site: "fragment_timeout", When: "is_v4 && expired.flags & 2 && expired.have < expired.total", Text: "fragments are missing: {expired.have} of {expired.total} B of packet {expired.id} from {expired.src} to {expired.dst} arrived in time", Remedy: "look for a firewall or NAT that drops fragments, or for loss; `sysctl net.ipv4.ipfrag_time` shows how many seconds the kernel waits"},
		{ID: "last-fragment-missing", Site: "fragment_timeout", When: "is_v4 && !(expired.flags & 2)", Text: "the last fragment is missing: {expired.have} B of packet {expired.id} from {expired.src} to {expired.dst} arrived in time", Remedy: "look for a firewall or NAT that drops fragments, or for loss; `sysctl net.ipv4.ipfrag_time` shows how many seconds the kernel waits"},
		{ID: "fragment-timeout", Site: "fragment_timeout", Reasons: []string{"FRAG_REASM_TIMEOUT"}, When: "is_v4 && !known(expired.have)", Text: "the other fragments of packet {id} from {src} to {dst} did not arrive in time", Remedy: "look for a firewall or NAT that drops fragments, or for loss; `sysctl net.ipv4.ipfrag_time` shows how many seconds the kernel waits"},
		{ID: "fragment-twice", Site: "fragment", Reasons: []string{"DUP_FRAG"}, When: "is_v4", Text: "the fragment at offset {offset} of packet {id} from {src} arrived twice", Remedy: "none needed (the network duplicated a packet)", Benign: true},
		{ID: "fragment-too-far", Site: "fragment", Reasons: []string{"FRAG_TOO_FAR"}, When: "is_v4", Text: "too many other packets from {src} arrived between the fragments of packet {id}", Remedy: "`sysctl -w net.ipv4.ipfrag_max_dist=N`; 0 disables the check"},
		{ID: "fragment-memory", Site: "fragment", Reasons: []string{Unspecified}, Functions: []string{"ip_defrag"}, When: "defragment.memory > defragment.limit", Text: "no room for fragments: {defragment.memory} of ipfrag_high_thresh={defragment.limit}", Remedy: "`sysctl -w net.ipv4.ipfrag_high_thresh=N`"},
		{ID: "fragment-overlap", Site: "fragment", Reasons: []string{Unspecified}, Functions: []string{"ip_frag_queue", "ip_defrag"}, When: "is_v4 && overlap.end > overlap.begin",
			Text: "the fragment from {src} with bytes {overlap.begin} to {overlap.end} of packet {id} overlaps another one; the kernel gives up the whole packet", Remedy: "the sender is faulty, or this is an attack"},
	}, ip6HeaderCauses, extensionCauses, icmpv6Causes, fragmentCauses6, groupCauses, arpCauses),
}
