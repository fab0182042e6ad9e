// SPDX-License-Identifier: Apache-2.0

package explain

// Place is a place where the kernel ends a packet and no cause of the table says why.
type Place struct {
	// Functions free the packet, or consume it.
	Functions []string
	// What ends there.
	What string
	// Why there is no cause.
	Why string
}

const (
	noReason  = "no reason, and nothing at the place tells it from others"
	noDrop    = "the kernel counts the packet as handled, so there is no drop"
	ownModule = "no reason, and a module of its own with data that only it knows"
)

// Places are the known places without a cause, in IPv6 and IPv4. docs/drops.md lists them.
var Places = []Place{
	{[]string{"icmpv6_rcv"}, "5.10: every ICMPv6 message that is no echo reply", "the kernel reports each as a drop, and gives no reason, not even for a wrong checksum"},
	{[]string{"icmpv6_rcv"}, "6.1: ICMPv6 errors, and neighbour discovery that is accepted or has invalid options", "the kernel reports each as a drop without a reason; the options are a list of any length"},
	{[]string{"icmpv6_rcv"}, "a neighbour solicitation during duplicate address detection, or with an invalid link-layer address option", noReason},
	{[]string{"icmpv6_rcv"}, "a neighbour advertisement for an address of this host, for an unknown neighbour, or for one that has failed", "no reason; the neighbour is in a hash table"},
	{[]string{"icmpv6_rcv"}, "an echo request to an anycast address (icmp.echo_ignore_anycast)", "no reason; whether the address is anycast is in the route"},
	{[]string{"ndisc_router_discovery"}, "6.12 and newer: a router advertisement that is not used (accept_ra, accept_ra_defrtr, accept_ra_pinfo)", noDrop + ": the neighbour entry of the router is updated"},
	{[]string{"rt6_do_redirect", "icmp_redirect"}, "a redirect that is not used (accept_redirects, secure_redirects)", noDrop},
	{[]string{"igmp6_event_query", "igmp6_event_report", "mld_query_work", "mld_report_work"}, "an MLD message that is not valid", "it is handled later, by a worker"},
	{[]string{"igmp_rcv"}, "an IGMP message that is not valid, or that a host ignores", "no reason, not even for a wrong checksum"},
	{[]string{"ipv6_srh_rcv", "ipv6_rpl_srh_rcv"}, "a segment routing header whose HMAC, number of segments, or segments are not valid", noReason},
	{[]string{"ipv6_rthdr_rcv", "ipv6_dest_hao"}, "Mobile IPv6: a routing header of type 2, or a home address option", noReason},
	{[]string{"seg6_local_input", "seg6_input", "seg6_output", "rpl_input", "rpl_output"}, "SRv6 and RPL tunnels and endpoints", ownModule},
	{[]string{"ipv6_frag_rcv"}, "a first fragment without all headers up to the upper layer", "no reason; the headers would have to be parsed"},
	{[]string{"ip_frag_queue", "ip6_frag_queue"}, "fragments that contradict each other about the length of the packet", noReason},
	{[]string{"inet_frag_destroy", "inet_frag_rbtree_purge"}, "6.1 and older: the other fragments of a packet that is given up", "no reason; see the fragment that was the last one"},
	{[]string{"nf_ct_frag6_gather"}, "IPv6 fragments that conntrack can't reassemble", noReason},
	{[]string{"ip6_forward"}, "a packet to the link-local address of a proxied neighbour (proxy_ndp)", "no reason; the neighbour is in a hash table"},
	{[]string{"ip6_forward"}, "5.10: a source that must not be forwarded", "no reason, as for a policy"},
	{[]string{"ip6_finish_output2"}, "a multicast of scope 1 that would leave the host", "no reason; no program should send it"},
	{[]string{"ip6_xmit"}, "a segment that is larger than the path MTU and must not be fragmented", "6.12 and older give no reason; see output6-mtu for other packets"},
	{[]string{"ip6_mr_input", "ip6_mr_forward", "ip_mr_input", "ip_mr_forward", "ipmr_queue_xmit"}, "multicast routing: no route, a wrong interface, or TTL", "no reason; the routes are in a hash table"},
	{[]string{"ip_rcv_core"}, "5.10: a wrong checksum or total length of an IPv4 header", "no reason, and the checksum would have to be computed"},
	{[]string{"ip_rcv_finish_core"}, "6.12 and older: IPv4 options that are not valid", "no reason, as for source routes that fail"},
	{[]string{"ip_forward"}, "a strict source route that needs a gateway", "no reason; source routes are refused nearly everywhere, see source-route-refused"},
	{[]string{"icmp_rcv", "udp_rcv", "tcp_v4_rcv"}, "5.10: wrong checksums and lengths of ICMP, UDP and TCP", "no reason, and the checksum would have to be computed"},
	{[]string{"arp_process"}, "an ARP packet for another host, or one that changes no entry (arp_accept, proxy_arp)", noDrop},
	{[]string{"rawv6_rcv"}, "an IPv6 packet whose checksum a raw socket verifies (IPV6_CHECKSUM)", "the socket has the offset of the checksum; the kernel reports it only if the packet has no other receiver"},
	{[]string{"udp_queue_rcv_one_skb", "udpv6_queue_rcv_one_skb"}, "a datagram that the owner of an encapsulation socket refuses (L2TP, ESP in UDP, GTP)", ownModule},
	{[]string{"tcp_rcv_state_process", "tcp_validate_incoming"}, "a segment that is answered with a challenge ACK, and 5.10: any segment", "no drop, or no reason"},
}
