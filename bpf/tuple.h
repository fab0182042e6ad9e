// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Addresses, ports and what else the headers say, for packets that matched.
#pragma once

enum {
	// Extension headers that are followed; the kernel itself gives up on more.
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

static __always_inline void fill_icmp(struct record_tuple *t, const struct transport_header *h)
{
	t->icmp_type = h->type;
	t->icmp_code = h->code;
	if (!is_echo(t->protocol, h->type))
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

static __always_inline void fill_tcp(struct record_tuple *t, const struct transport_header *h)
{
	t->has |= TUPLE_TCP;
	t->tcp_flags = h->tcp_flags;
	t->tcp_seq = bpf_ntohl(h->tcp_seq);
	t->tcp_ack = bpf_ntohl(h->tcp_ack);
	t->tcp_window = bpf_ntohs(h->tcp_window);
}

// The bytes of a transport header that must be there to be told.
static __always_inline u32 transport_length(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return 8;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return 12;
	}
	return 0;
}

static __always_inline void fill_transport(struct record_tuple *t, u64 at, u64 end,
					   struct transport_header *h)
{
	u32 length = transport_length(t->protocol);

	if (!length || at + length > end || copy_kernel(h, sizeof(*h), at))
		return;
	if (t->protocol == IPPROTO_ICMP || t->protocol == IPPROTO_ICMPV6)
		return fill_icmp(t, h);
	fill_ports(t, h);
	if (t->protocol == IPPROTO_TCP)
		fill_tcp(t, h);
}

// Notes a fragment; true for the one that has the transport header.
static __always_inline bool fill_fragment(struct record_tuple *t, u16 offset, bool more)
{
	if (offset || more)
		t->has |= TUPLE_FRAGMENT;
	t->fragment_offset = offset;
	return !offset;
}

// Returns where the transport header is; 0 where there is none.
static __always_inline u64 fill_ipv4(struct record_tuple *t, u64 at, u64 end, struct ipv4_header *h)
{
	u16 fragment;

	if (at + sizeof(*h) > end || copy_kernel(h, sizeof(*h), at) || h->version_ihl >> 4 != 4)
		return 0;
	t->network = NETWORK_IPV4;
	t->protocol = h->protocol;
	*(u32 *)t->source = h->source;
	*(u32 *)t->dest = h->dest;
	fragment = bpf_ntohs(h->fragment);
	if (!fill_fragment(t, (fragment & IP_OFFSET) * 8, fragment & IP_MORE_FRAGMENTS))
		return 0;
	return at + (h->version_ihl & 15) * 4;
}

static __always_inline bool is_extension(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
		return true;
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

// Walks the extension headers to the transport header.
static __always_inline u64 fill_ipv6_payload(struct record_tuple *t, u8 next, u64 at, u64 end,
					     u8 h[8])
{
	for (int i = 0; i < IPV6_EXTENSIONS; i++) {
		t->protocol = next;
		if (!is_extension(next))
			return at;
		if (at + 8 > end || copy_kernel(h, 8, at))
			return 0;
		if (next == IPPROTO_FRAGMENT &&
		    !fill_fragment(t, (h[2] << 8 | h[3]) & ~7, h[3] & 1)) {
			t->protocol = h[0];
			return 0;
		}
		at += extension_length(next, h[1]);
		next = h[0];
	}
	return 0;
}

static __always_inline u64 fill_ipv6(struct record_tuple *t, u64 at, u64 end, union header *h)
{
	struct ipv6_header *ip = &h->ipv6;

	if (at + IPV6_HLEN > end || copy_kernel(ip, sizeof(*ip), at) || ip->version >> 4 != 6 ||
	    copy_kernel(t->source, sizeof(t->source) + sizeof(t->dest), at + sizeof(*ip)))
		return 0;
	t->network = NETWORK_IPV6;
	return fill_ipv6_payload(t, ip->next, at + IPV6_HLEN, end, h->extension);
}

static __always_inline void fill_arp(struct record_tuple *t, u64 at, u64 end, struct arp_header *h)
{
	if (at + sizeof(*h) > end || copy_kernel(h, sizeof(*h), at) ||
	    h->protocol != bpf_htons(ETH_P_IP) || h->hardware_length != 6)
		return;
	t->network = NETWORK_ARP;
	t->arp_operation = bpf_ntohs(h->operation);
	__builtin_memcpy(t->source, h->sender, 4);
	__builtin_memcpy(t->dest, h->target, 4);
}

// Returns where the transport header is; 0 where there is none.
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
	if (!(t->has & TUPLE_VLAN)) {
		t->has |= TUPLE_VLAN;
		t->vlan = tci & 0xfff;
	} else if (!(t->has & TUPLE_INNER_VLAN)) {
		t->has |= TUPLE_INNER_VLAN;
		t->inner_vlan = tci & 0xfff;
	}
}

// Steps over an Ethernet header and its tags; returns where the network header
// begins, 0 where the frame ends before. Of the last tag the frame may have a part only.
static __always_inline u64 read_link(struct link *link, u64 at, u64 end)
{
	__be16 h[2];

	*link = (struct link){};
	at += ETH_HLEN - 2;
	for (int i = 0; i < MOST_TAGS; i++) {
		if (at + sizeof(h[0]) > end || copy_kernel(h, sizeof(h), at))
			return 0;
		link->type = bpf_ntohs(h[0]);
		if (link->type != ETH_P_8021Q && link->type != ETH_P_8021AD)
			return at + 2;
		if (at + sizeof(h) > end)
			return 0;
		link->tci[i] = bpf_ntohs(h[1]);
		link->tags = i + 1;
		at += VLAN_HLEN;
	}
	return at;
}

static __always_inline u64 fill_link(struct record_tuple *t, u64 at, u64 end, struct link *link)
{
	at = read_link(link, at, end);
	t->ether_type = link->type;
	for (int i = 0; i < MOST_TAGS; i++)
		if (i < link->tags)
			fill_vlan(t, link->tci[i]);
	return at;
}

// Tells of the packet at `at`, which begins with a header of that Ethertype, or
// for 0 with an Ethernet header. Returns where the transport header is; 0 where
// there is none.
static __noinline u64 parse_packet(struct record_tuple *t, u64 at, u64 end, u32 type,
				   union header *h)
{
	u64 transport;

	t->ether_type = type;
	if (!type) {
		at = fill_link(t, at, end, &h->link);
		end = ip_end(t->ether_type, at, end, h);
	}
	if (!at) {
		t->network = t->ether_type ? NETWORK_OTHER : NETWORK_NONE;
		return 0;
	}
	transport = fill_network(t, at, end, h);
	if (transport)
		fill_transport(t, transport, end, &h->transport);
	return transport;
}

// Names what carries no packet by the family of its socket.
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

// The sk_buff has been copied; of no skb there is nothing to tell.
static __noinline int fill_tuple(struct record_tuple *t, const struct sk_buff *skb, struct work *w,
				 struct room *room)
{
	struct frame *f = &w->packet.frame;
	__be16 tagged;
	u16 tci;

	__builtin_memset(t, 0, sizeof(*t));
	if (!skb)
		return 0;
	if (!locate_copied(w, room, skb) || (f->prefix && !f->type)) {
		fill_socket(t, skb);
		return 0;
	}
	tagged = CFG.direct ? as(struct sk_buff, skb)->vlan_proto : copied(room, skb, vlan_proto);
	if (tagged && skb_vlan_tag(skb, &tci))
		fill_vlan(t, tci);
	parse_packet(t, f->start, linear_end(f), first_type(f), &room->header);
	return 0;
}

// The same, told of in room->tuple. The verifier goes through a function that is not static
// once, by itself: through others it goes again for each way that leads to them, on kernels
// before 6.2 ten times and more. Such a function is given numbers alone until 5.12.
__noinline int tell_tuple(u64 skb, u32 level)
{
	struct room *room = bpf_map_lookup_elem(&rooms, &level);

	if ((CFG.tuple || CFG.first) && room)
		fill_tuple(&room->tuple, (const struct sk_buff *)skb, &room->work, room);
	return 0;
}
