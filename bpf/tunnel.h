// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The packet inside of a packet: VXLAN, Geneve, GRE, IP in IP, as their headers say,
// so that it is found on both sides: before the outer headers are taken off, too.
#pragma once

enum {
	UDP_HLEN = 8,
	VXLAN_HLEN = 8,
	GENEVE_HLEN = 8,
	GRE_HLEN = 4,
	// In the first byte of VXLAN's header: there is a VNI.
	VXLAN_VNI = 0x08,
	// In GRE's first word: there is a checksum, a key, a sequence number; its version.
	GRE_CHECKSUM = 0x8000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_VERSION = 0x0007,
};

static __always_inline bool is_port(u16 port, const volatile u16 *list)
{
	u64 found = 0;

	for (u32 i = 0; i < MOST_PORTS && list[i]; i++)
		found |= is_zero(list[i] ^ port);
	return found;
}

static __always_inline bool find_vxlan(struct inner *in, u64 at, u64 end)
{
	u8 h[VXLAN_HLEN];

	if (at + sizeof(h) > end || read_kernel(h, sizeof(h), at) || !(h[0] & VXLAN_VNI))
		return false;
	*in = (struct inner){ at + sizeof(h), h[4] << 16 | h[5] << 8 | h[6], ETH_P_TEB, TUNNEL_VXLAN, 1 };
	return true;
}

static __always_inline bool find_geneve(struct inner *in, u64 at, u64 end)
{
	u8 h[GENEVE_HLEN];
	u32 options;

	if (at + sizeof(h) > end || read_kernel(h, sizeof(h), at) || h[0] >> 6)
		return false;
	options = (h[0] & 0x3f) * 4;
	*in = (struct inner){ at + sizeof(h) + options, h[4] << 16 | h[5] << 8 | h[6],
			      h[2] << 8 | h[3], TUNNEL_GENEVE, 1 };
	return true;
}

static __always_inline bool find_gre(struct inner *in, u64 at, u64 end)
{
	__be16 h[2];
	__be32 key = 0;
	u16 flags;

	if (at + sizeof(h) > end || read_kernel(h, sizeof(h), at))
		return false;
	flags = bpf_ntohs(h[0]);
	if (flags & GRE_VERSION)
		return false;
	at += GRE_HLEN + (flags & GRE_CHECKSUM ? 4 : 0);
	if (flags & GRE_KEY) {
		if (at + sizeof(key) > end || read_kernel(&key, sizeof(key), at))
			return false;
		at += 4;
	}
	at += flags & GRE_SEQUENCE ? 4 : 0;
	*in = (struct inner){ at, bpf_ntohl(key), bpf_ntohs(h[1]), TUNNEL_GRE, !!(flags & GRE_KEY) };
	return true;
}

static __always_inline bool find_by_headers(struct inner *in, const struct record_tuple *outer, u64 at, u64 end)
{
	switch (outer->protocol) {
	case IPPROTO_UDP:
		if (is_port(outer->dest_port, CFG.vxlan_ports))
			return find_vxlan(in, at + UDP_HLEN, end);
		return is_port(outer->dest_port, CFG.geneve_ports) && find_geneve(in, at + UDP_HLEN, end);
	case IPPROTO_GRE:
		return find_gre(in, at, end);
	case IPPROTO_IPIP:
		*in = (struct inner){ at, 0, ETH_P_IP, TUNNEL_IPIP, 0 };
		return true;
	case IPPROTO_IPV6:
		*in = (struct inner){ at, 0, ETH_P_IPV6, TUNNEL_IPIP, 0 };
		return true;
	}
	return false;
}

// What is packed is also known from the skb while it is being sent: so tunnels on
// other ports are found, without their numbers.
static __always_inline bool find_by_skb(struct inner *in, const struct sk_buff *skb)
{
	u16 type = bpf_ntohs(BPF_CORE_READ(skb, inner_protocol));
	u16 offset;

	if (!BPF_CORE_READ_BITFIELD_PROBED(skb, encapsulation))
		return false;
	if (type == ETH_P_TEB)
		offset = BPF_CORE_READ(skb, inner_mac_header);
	else if (type == ETH_P_IP || type == ETH_P_IPV6)
		offset = BPF_CORE_READ(skb, inner_network_header);
	else
		return false;
	*in = (struct inner){ (u64)BPF_CORE_READ(skb, head) + offset, 0, type, TUNNEL_OTHER, 0 };
	return true;
}

// Locates the packet inside of the skb's, in w, and tells of it in room->inner. Without an
// skb the frame is located already.
static __noinline bool find_inner(struct work *w, struct room *room, const struct sk_buff *skb)
{
	struct record_tuple *outer = &room->outer;
	struct frame *f = &w->packet.frame;
	struct inner *in = &room->inner;
	u64 end, at;
	u32 behind;

	if (skb && !locate_packet(w, skb))
		return false;
	end = linear_end(f);
	__builtin_memset(outer, 0, sizeof(*outer));
	at = parse_packet(outer, f->start, end, first_type(f), &room->header);
	if ((!at || !find_by_headers(in, outer, at, end)) && (!skb || !find_by_skb(in, skb)))
		return false;
	// Inner headers are noted before the outer ones are there: then they are its own.
	if (in->at <= f->start || in->at >= end)
		return false;
	behind = f->len - f->linear;
	f->start = in->at;
	f->prefix = in->type == ETH_P_TEB ? PREFIX_NONE : PREFIX_LINK;
	f->type = bpf_htons(in->type);
	f->linear = f->prefix + (u32)(end - in->at);
	f->len = f->linear + behind;
	return true;
}

// Tells of the inner packet, which was located.
static __always_inline void tell_inner(struct record_tunnel *t, struct work *w, struct room *room)
{
	struct frame *f = &w->packet.frame;
	u32 type = first_type(f);

	t->id = room->inner.id;
	t->has_id = room->inner.has_id;
	t->kind = room->inner.kind;
	parse_packet(&t->tuple, f->start, ip_end(type, f->start, linear_end(f), &room->header), type,
		     &room->header);
}

// Leaves the inner Ethernet header out, or what stands for one.
static __noinline bool skip_inner_link(struct work *w, struct link *link)
{
	struct frame *f = &w->packet.frame;
	u64 end = linear_end(f), at;
	u32 behind = f->len - f->linear;

	if (f->prefix)
		return true;
	at = read_link(link, f->start, end);
	if (!at || at >= end)
		return false;
	f->start = at;
	f->prefix = PREFIX_LINK;
	f->type = bpf_htons(link->type);
	f->linear = f->prefix + (u32)(end - at);
	f->len = f->linear + behind;
	return true;
}

static __noinline bool match_inner(struct work *w, struct room *room)
{
	struct packet *p = &w->packet;

	if (CFG.filter_l2 && (p->frame.prefix || !fill_head(p, CFG.need_l2) || !filter_tunnel_l2(p)))
		return false;
	return !CFG.filter_l3 || (skip_inner_link(w, &room->header.link) &&
				  fill_head(p, CFG.need_l3) && filter_tunnel_l3(p));
}

static __always_inline bool filter_tunnel(struct work *w, const struct sk_buff *skb)
{
	u32 level;
	struct room *room = enter_room(&level);
	bool match = room && find_inner(w, room, skb) && match_inner(w, room);

	leave_room();
	return match;
}
