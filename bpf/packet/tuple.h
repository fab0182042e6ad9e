// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Parses addresses, ports and other header fields of packets that matched.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/headers.h"
#include "packet/llc.h"
#include "packet/packet.h"
#include "packet/scratch.h"

enum {
	// Extension headers that are skipped; the kernel itself accepts no more.
	IPV6_EXTENSIONS = 8,
	IP_MORE_FRAGMENTS = 0x2000,
	IP_OFFSET = 0x1fff,
};

static __always_inline bool is_echo(u8 protocol, u8 type)
{
	if (protocol == IPPROTO_ICMPV6)
		return type == ICMPV6_ECHO_REQUEST || type == ICMPV6_ECHO_REPLY;
	return type == ICMP_ECHO || type == ICMP_ECHOREPLY || type == ICMP_TIMESTAMP ||
	       type == ICMP_TIMESTAMPREPLY;
}

static __always_inline void fill_icmp(struct record_tuple *t, const struct transport_header *h,
				      u64 length)
{
	if (length < 2)
		return;
	t->has |= TUPLE_ICMP;
	t->icmp_type = h->type;
	t->icmp_code = h->code;
	if (length < 8 || !is_echo(t->protocol, h->type))
		return;
	t->has |= TUPLE_ECHO;
	t->icmp_id = bpf_ntohs(h->id);
	t->icmp_seq = bpf_ntohs(h->seq);
}

static __always_inline void fill_ports(struct record_tuple *t, const struct transport_header *h)
{
	t->has |= TUPLE_PORTS;
	t->source_port = bpf_ntohs(h->source_port);
	t->dest_port = bpf_ntohs(h->dest_port);
}

static __always_inline void fill_tcp(struct record_tuple *t, const struct transport_header *h,
				     u64 length)
{
	if (length < 14 || h->data_offset >> 4 < 5)
		return;
	t->has |= TUPLE_TCP_FLAGS;
	t->tcp_flags = h->tcp_flags;
	if (length < 16)
		return;
	t->has |= TUPLE_TCP;
	t->tcp_seq = bpf_ntohl(h->tcp_seq);
	t->tcp_ack = bpf_ntohl(h->tcp_ack);
	t->tcp_window = bpf_ntohs(h->tcp_window);
}

static __always_inline bool is_icmp(const struct record_tuple *t)
{
	return t->protocol == (t->network == NETWORK_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static __always_inline bool has_ports(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return true;
	}
	return false;
}

// Fills in the fields that are within the packet, also if the header is truncated.
static __always_inline void fill_transport(struct record_tuple *t, u64 at, u64 end,
					   struct transport_header *h)
{
	u64 length = end - at;

	if (at >= end || !(is_icmp(t) || has_ports(t->protocol)) ||
	    copy_kernel(h, sizeof(*h), at))
		return;
	if (is_icmp(t))
		return fill_icmp(t, h, length);
	if (length < 4)
		return;
	fill_ports(t, h);
	if (t->protocol == IPPROTO_TCP)
		fill_tcp(t, h, length);
}

// Fills in the fragment offset; true if this fragment has the transport header.
static __always_inline bool fill_fragment(struct record_tuple *t, u16 offset, bool more)
{
	if (offset || more)
		t->has |= TUPLE_FRAGMENT;
	t->fragment_offset = offset;
	return !offset;
}

// Returns the address of the payload; 0 for a later fragment or an invalid header.
static __always_inline u64 fill_ipv4(struct record_tuple *t, u64 at, u64 end, struct ipv4_header *h)
{
	u32 header;
	u16 fragment;

	if (at + sizeof(*h) > end || copy_kernel(h, sizeof(*h), at) || h->version_ihl >> 4 != 4)
		return 0;
	t->network = NETWORK_IPV4;
	t->protocol = h->protocol;
	*(u32 *)t->source = h->source;
	*(u32 *)t->dest = h->dest;
	fragment = bpf_ntohs(h->fragment);
	header = (h->version_ihl & 15) * 4;
	if (!fill_fragment(t, (fragment & IP_OFFSET) * 8, fragment & IP_MORE_FRAGMENTS) ||
	    header < sizeof(*h))
		return 0;
	return at + header;
}

// Whether the next header is an extension header. For IPv4 only AH is one.
static __always_inline bool is_extension(const struct record_tuple *t)
{
	if (t->network == NETWORK_IPV4)
		return t->protocol == IPPROTO_AH;
	switch (t->protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
		return true;
	case IPPROTO_FRAGMENT: // a second one is the payload of a fragment
		return !(t->has & TUPLE_FRAGMENT);
	}
	return false;
}

static __always_inline u32 extension_length(u8 protocol, u8 length)
{
	if (protocol == IPPROTO_FRAGMENT)
		return 8;
	if (protocol == IPPROTO_AH)
		return (length + 2) * 4;
	return (length + 1) * 8;
}

// Skips the extension headers. Returns the address of the transport header; 0 if it is not found.
static __always_inline u64 fill_payload(struct record_tuple *t, u64 at, u64 end, u8 h[8])
{
	u8 current;

	for (int i = 0; i < IPV6_EXTENSIONS; i++) {
		if (!is_extension(t))
			return at;
		if (at + 8 > end || copy_kernel(h, 8, at))
			return 0;
		current = t->protocol;
		t->protocol = h[0];
		if (current == IPPROTO_FRAGMENT &&
		    !fill_fragment(t, (h[2] << 8 | h[3]) & ~7, h[3] & 1))
			return 0;
		at += extension_length(current, h[1]);
	}
	return is_extension(t) ? 0 : at;
}

// Returns the address of the payload; 0 if the header is invalid.
static __always_inline u64 fill_ipv6(struct record_tuple *t, u64 at, u64 end, union header *h)
{
	struct ipv6_header *ip = &h->ipv6;

	if (at + IPV6_HLEN > end || copy_kernel(ip, sizeof(*ip), at) || ip->version >> 4 != 6 ||
	    copy_kernel(t->source, sizeof(t->source) + sizeof(t->dest), at + sizeof(*ip)))
		return 0;
	t->network = NETWORK_IPV6;
	t->protocol = ip->next;
	return at + IPV6_HLEN;
}

static __always_inline bool is_plain_arp(const struct arp_header *h)
{
	return h->protocol == bpf_htons(ETH_P_IP) && h->protocol_length == 4 &&
	       h->hardware_length == 6 &&
	       (h->hardware == bpf_htons(ARPHRD_ETHER) || h->hardware == bpf_htons(ARPHRD_IEEE802));
}

static __always_inline void fill_arp(struct record_tuple *t, u64 at, u64 end, struct arp_header *h)
{
	if (at + sizeof(*h) > end || copy_kernel(h, sizeof(*h), at) || !is_plain_arp(h))
		return;
	t->network = NETWORK_ARP;
	t->arp_operation = bpf_ntohs(h->operation);
	__builtin_memcpy(t->source, h->sender, 4);
	__builtin_memcpy(t->dest, h->target, 4);
}

// Returns the address of the payload; 0 if it is not parsed.
static __always_inline u64 fill_network(struct record_tuple *t, u64 at, u64 end, union header *h)
{
	t->network = NETWORK_OTHER;
	if (t->ether_type == ETH_P_IP)
		return fill_ipv4(t, at, end, &h->ipv4);
	if (t->ether_type == ETH_P_IPV6)
		return fill_ipv6(t, at, end, h);
	if (t->ether_type == ETH_P_ARP)
		fill_arp(t, at, end, &h->arp);
	return 0;
}

static __always_inline void fill_vlan(struct record_tuple *t, u16 tci)
{
	u16 id = tci & 0xfff;

	if (t->tags == 0)
		t->vlan = id;
	else if (t->tags == 1)
		t->inner_vlan = id;
	else if (t->tags == 2)
		t->third_vlan = id;
	t->tags++;
}

static __always_inline bool is_tag(u16 type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD || type == ETH_P_QINQ1;
}

// Skips an Ethernet header and its tags. Returns the address of the network header; 0 if the frame ends
// before. link->type is the last Ethertype within the frame.
static __always_inline u64 read_link(struct scratch *scratch, u64 at)
{
	struct link *link = &scratch->header.link;

	*link = (struct link){};
	at += ETH_HLEN - 2;
	for (int i = 0; i <= MAX_TAGS; i++) {
		if (at + sizeof(link->words[0]) > scratch->end ||
		    copy_kernel(link->words, sizeof(link->words), at))
			return 0;
		link->type = bpf_ntohs(link->words[0]);
		if (!is_tag(link->type))
			return at + sizeof(link->words[0]);
		if (i == MAX_TAGS || at + sizeof(link->words) > scratch->end)
			return 0;
		if (i < SHOWN_TAGS)
			link->tci[i] = bpf_ntohs(link->words[1]);
		link->tags = i + 1;
		at += VLAN_HLEN;
	}
	return 0;
}

static __always_inline u64 fill_link(struct record_tuple *t, u64 at, struct scratch *scratch)
{
	struct link *link = &scratch->header.link;

	at = read_link(scratch, at);
	t->ether_type = link->type;
	for (int i = 0; i < SHOWN_TAGS; i++)
		if (i < link->tags)
			fill_vlan(t, link->tci[i]);
	if (link->tags > SHOWN_TAGS)
		t->tags += link->tags - SHOWN_TAGS;
	return at;
}

// Returns the address of the network header; 0 for a frame without an Ethertype, which is filled in here.
static __always_inline u64 skip_link(struct record_tuple *t, u64 at, struct scratch *scratch)
{
	at = fill_link(t, at, scratch);
	if (at && t->ether_type >= ETH_P_802_3_MIN)
		return at;
	if (at)
		fill_length(t, at, scratch->end, scratch->header.llc);
	else
		t->network = t->ether_type ? NETWORK_OTHER : NETWORK_NONE;
	return 0;
}

// Parses the packet at `at`, which begins with a header of this Ethertype, or with an Ethernet header if
// it is 0. Returns the address of the transport header; 0 if there is none. Sets scratch->end to the end
// of the packet.
static __noinline u64 parse_packet(struct record_tuple *t, u64 at, u64 end, u32 type,
				   struct scratch *scratch)
{
	union header *h = &scratch->header;

	scratch->end = end;
	t->ether_type = type;
	if (!type) {
		at = skip_link(t, at, scratch);
		scratch->end = ip_end(t->ether_type, at, scratch->end, h);
	}
	if (at)
		at = fill_network(t, at, scratch->end, h);
	if (at)
		at = fill_payload(t, at, scratch->end, h->extension);
	if (at)
		fill_transport(t, at, scratch->end, &h->transport);
	return at;
}

// Fills in the socket family of an skb that carries no packet.
static __always_inline void fill_socket(struct record_tuple *t, const struct sk_buff *skb)
{
	struct sock *sk = BPF_CORE_READ(skb, sk);

	if (!sk)
		return;
	t->socket_family = BPF_CORE_READ(sk, __sk_common.skc_family);
	switch (t->socket_family) {
	case AF_NETLINK:
		t->network = NETWORK_NETLINK;
		return;
	case AF_UNIX:
		t->network = NETWORK_UNIX;
		return;
	case 0:
	case AF_INET:
	case AF_INET6:
	case AF_PACKET:
		return;
	}
	t->network = NETWORK_SOCKET;
}

// Fills in the tuple of an sk_buff, which was copied to the scratch if needed. Without an skb, the tuple
// stays empty.
static __noinline int fill_tuple(struct record_tuple *t, const struct sk_buff *skb, struct work *w,
				 struct scratch *scratch)
{
	struct frame *f = &w->packet.frame;
	__be16 tagged;
	u16 tci;

	__builtin_memset(t, 0, sizeof(*t));
	if (!skb)
		return 0;
	if (!locate_copied(w, scratch, skb) || (f->prefix && !f->type)) {
		fill_socket(t, skb);
		return 0;
	}
	tagged = CFG.direct ? as(struct sk_buff, skb)->vlan_proto : copied(scratch, skb, vlan_proto);
	if (tagged && skb_vlan_tag(skb, &tci))
		fill_vlan(t, tci);
	parse_packet(t, f->start, linear_end(f), first_type(f), scratch);
	return 0;
}

// Parses the packet into scratch->tuple. The function is global (not static), so the verifier checks it
// once; it checks static functions once per path to them, on kernels before 6.2 ten times and more. Before
// 5.12, global functions accept only numbers.
__noinline int parse_tuple(u64 skb, u32 level)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &level);

	if ((CFG.tuple || CFG.first) && scratch)
		fill_tuple(&scratch->tuple, (const struct sk_buff *)skb, &scratch->work, scratch);
	return 0;
}

// Parses the packet that is located in scratch->work into scratch->outer; global like parse_tuple. Returns the
// address of the transport header; 0 if there is none.
__noinline u64 parse_located(u32 level)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &level);
	struct frame *f;

	if (!(CFG.tunnel || CFG.filter_l2 || CFG.filter_l3 || CFG.variants || CFG.first) || !scratch)
		return 0;
	f = &scratch->work.packet.frame;
	__builtin_memset(&scratch->outer, 0, sizeof(scratch->outer));
	return parse_packet(&scratch->outer, f->start, linear_end(f), first_type(f), scratch);
}
