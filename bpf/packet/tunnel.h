// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The inner packet of a tunnel packet: VXLAN, Geneve, GRE, IP in IP, found by the outer headers, so that
// it is found before decapsulation, too.
#pragma once

#include "core/compare.h"
#include "core/compat.h"
#include "core/config.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/headers.h"
#include "packet/packet.h"
#include "packet/scratch.h"
#include "packet/tuple.h"

enum {
	UDP_HLEN = 8,
	VXLAN_HLEN = 8,
	GENEVE_HLEN = 8,
	GRE_HLEN = 4,
	// In the first byte of a VXLAN header: a VNI is present; the last byte of the first word is the
	// inner protocol (VXLAN-GPE).
	VXLAN_VNI = 0x08,
	VXLAN_GPE = 0x04,
	// In the first word of a GRE header: checksum, routing, key and sequence number are present; the
	// version.
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_VERSION = 0x0007,
};

static __always_inline bool is_port(u16 port, const volatile u16 *list)
{
	u64 found = 0;

	for (u32 i = 0; i < MAX_PORTS && list[i]; i++)
		found |= is_zero(list[i] ^ port);
	return found;
}

// The Ethertype of a VXLAN-GPE protocol number; 0 if it has none.
static __always_inline u16 gpe_type(u8 protocol)
{
	switch (protocol) {
	case 1: return ETH_P_IP;
	case 2: return ETH_P_IPV6;
	case 3: return ETH_P_TEB;
	case 4: return ETH_P_NSH;
	case 5: return ETH_P_MPLS_UC;
	}
	return 0;
}

// Reads a header of 8 bytes; NULL if the packet ends before.
static __always_inline const u8 *read_eight(struct scratch *scratch, u64 at)
{
	u8 *h = scratch->header.extension;

	if (at + 8 > scratch->end || read_kernel(h, 8, at))
		return NULL;
	return h;
}

static __always_inline bool find_vxlan(struct scratch *scratch, u64 at)
{
	const u8 *h = read_eight(scratch, at);
	bool gpe;

	if (!h || !(h[0] & VXLAN_VNI))
		return false;
	gpe = h[0] & VXLAN_GPE;
	scratch->inner = (struct inner){ at + VXLAN_HLEN, h[4] << 16 | h[5] << 8 | h[6],
				      gpe ? gpe_type(h[3]) : ETH_P_TEB,
				      gpe ? TUNNEL_VXLAN_GPE : TUNNEL_VXLAN, 1 };
	return true;
}

static __always_inline bool find_geneve(struct scratch *scratch, u64 at)
{
	const u8 *h = read_eight(scratch, at);

	if (!h || h[0] >> 6)
		return false;
	scratch->inner = (struct inner){ at + GENEVE_HLEN + (h[0] & 0x3f) * 4, h[4] << 16 | h[5] << 8 | h[6],
				      h[2] << 8 | h[3], TUNNEL_GENEVE, 1 };
	return true;
}

static __always_inline bool read_key(struct scratch *scratch, u64 at)
{
	__be32 *key = (__be32 *)scratch->header.extension;

	if (at + sizeof(*key) > scratch->end || read_kernel(key, sizeof(*key), at))
		return false;
	scratch->inner.id = bpf_ntohl(*key);
	scratch->inner.has_id = 1;
	return true;
}

static __always_inline bool find_gre(struct scratch *scratch, u64 at)
{
	__be16 *h = scratch->header.words;
	u16 flags;

	if (at + GRE_HLEN > scratch->end || read_kernel(h, GRE_HLEN, at))
		return false;
	flags = bpf_ntohs(h[0]);
	if (flags & (GRE_VERSION | GRE_ROUTING))
		return false;
	scratch->inner = (struct inner){ 0, 0, bpf_ntohs(h[1]), TUNNEL_GRE, 0 };
	at += GRE_HLEN + (flags & GRE_CHECKSUM ? 4 : 0);
	if (flags & GRE_KEY && !read_key(scratch, at))
		return false;
	scratch->inner.at = at + (flags & GRE_KEY ? 4 : 0) + (flags & GRE_SEQUENCE ? 4 : 0);
	return true;
}

// Finds the inner packet of a UDP datagram, whose header is in scratch->header, and which may be shorter
// than the IP packet.
static __always_inline bool find_in_udp(struct scratch *scratch, u64 at)
{
	u32 length = bpf_ntohs(scratch->header.transport.udp_length);

	if (length && at + length < scratch->end)
		scratch->end = at + length;
	if (is_port(scratch->outer.dest_port, CFG.vxlan_ports))
		return find_vxlan(scratch, at + UDP_HLEN);
	return is_port(scratch->outer.dest_port, CFG.geneve_ports) && find_geneve(scratch, at + UDP_HLEN);
}

static __always_inline bool find_by_headers(struct scratch *scratch, u64 at)
{
	switch (scratch->outer.protocol) {
	case IPPROTO_UDP:
		return find_in_udp(scratch, at);
	case IPPROTO_GRE:
		return find_gre(scratch, at);
	case IPPROTO_IPIP:
		scratch->inner = (struct inner){ at, 0, ETH_P_IP, TUNNEL_IPIP, 0 };
		return true;
	case IPPROTO_IPV6:
		scratch->inner = (struct inner){ at, 0, ETH_P_IPV6, TUNNEL_IPIP, 0 };
		return true;
	}
	return false;
}

// While a tunnel packet is being sent, the skb also has the offsets of the inner headers. These find
// tunnels on other ports, without the tunnel's id.
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

// Locates the inner packet of the skb in scratch->work, and describes it in scratch->inner. Without an skb, the
// frame is located already.
static __noinline bool find_inner(struct scratch *scratch, const struct sk_buff *skb)
{
	struct frame *f = &scratch->work.packet.frame;
	struct inner *in = &scratch->inner;
	u64 at, end;
	u32 behind;

	if (skb && !locate_packet(&scratch->work, skb))
		return false;
	at = parse_located(scratch->level);
	if ((!at || !find_by_headers(scratch, at)) && (!skb || !find_by_skb(in, skb)))
		return false;
	// GRE and Geneve may carry protocols without an Ethertype.
	if (in->type < ETH_P_802_3_MIN)
		return false;
	end = scratch->end;
	// The offsets of the inner headers are set before the outer headers are pushed; until then they
	// are those of the packet itself.
	if (in->at <= f->start || in->at >= end)
		return false;
	// If the packet ends within the linear part by its IP or UDP length, the rest is padding, and the
	// packet has no bytes in page fragments.
	behind = end < linear_end(f) ? 0 : f->len - f->linear;
	f->start = in->at;
	f->prefix = in->type == ETH_P_TEB ? PREFIX_NONE : PREFIX_LINK;
	f->type = bpf_htons(in->type);
	f->linear = f->prefix + (u32)(end - in->at);
	f->len = f->linear + behind;
	return true;
}

// Fills in the tunnel and the tuple of the inner packet, which find_inner has located.
static __always_inline void fill_tunnel(struct record_tunnel *t, struct scratch *scratch)
{
	struct frame *f = &scratch->work.packet.frame;
	u32 type = first_type(f);

	t->id = scratch->inner.id;
	t->has_id = scratch->inner.has_id;
	t->kind = scratch->inner.kind;
	parse_packet(&t->tuple, f->start, ip_end(type, f->start, linear_end(f), &scratch->header), type,
		     scratch);
}

// Moves the start of the frame to its network header. With a made-up Ethernet header it is there already.
static __noinline bool skip_inner_link(struct scratch *scratch)
{
	struct frame *f = &scratch->work.packet.frame;
	u64 end = linear_end(f), at;
	u32 behind = f->len - f->linear;

	if (f->prefix)
		return true;
	at = read_link(scratch, f->start);
	if (!at || at >= end)
		return false;
	f->start = at;
	f->prefix = PREFIX_LINK;
	f->type = bpf_htons(scratch->header.link.type);
	f->linear = f->prefix + (u32)(end - at);
	f->len = f->linear + behind;
	return true;
}

// Parses the inner packet into scratch->tunnel; global like parse_tuple.
__noinline int parse_tunnel(u64 skb, u32 level)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &level);

	if (!CFG.tunnel || !scratch)
		return 0;
	__builtin_memset(&scratch->tunnel, 0, sizeof(scratch->tunnel));
	if (skb && find_inner(scratch, (const struct sk_buff *)skb))
		fill_tunnel(&scratch->tunnel, scratch);
	return 0;
}
