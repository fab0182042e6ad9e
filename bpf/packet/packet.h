// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Where in an skb the packet is. Every packet is looked at as an Ethernet
// frame: its own header where it has one, a made-up one in front of the network
// header where it has none yet or no longer (locally made packets, tunnels,
// devices without a link layer). So one filter serves both.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"

enum {
	// Bytes of the frame kept at hand; loads beyond go through load_packet.
	HEAD_SIZE = 80,
	// An offset in the skb that was not set: mac_header starts so.
	UNSET = 0xffff,
	// Bytes of tags that may lie behind an Ethernet header: eight tags, as the kernel takes.
	MAX_SHIM = 8 * VLAN_HLEN,
};

// What is not in front of the network header by itself.
enum prefix {
	// Nothing: the frame begins with its own header.
	PREFIX_NONE = 0,
	// A made-up Ethernet header.
	PREFIX_LINK = ETH_HLEN,
	// The addresses of the frame's own header, which lie in front of start, and the
	// VLAN tag that was taken out behind them.
	PREFIX_TAG = ETH_HLEN - 2 + VLAN_HLEN,
	// A made-up Ethernet header with the VLAN tag that was taken out.
	PREFIX_LINK_TAG = ETH_HLEN + VLAN_HLEN,
};

// Where a frame is.
struct frame {
	// The kernel address of byte `prefix` of the frame.
	u64 start;
	// The kernel address of the skb's shared info, which lists its page fragments; 0 where
	// what lies in them does not belong to the frame.
	u64 shared;
	// Bytes of the frame in front of start: see enum prefix.
	u32 prefix;
	// Bytes of the frame in the skb's linear part, those made up included.
	u32 linear;
	// Bytes of the frame; the linear ones only, where that is enough to know.
	u32 len;
	// What load_packet read, in network order.
	u32 word;
	// The Ethertype in a made-up header.
	__be16 type;
	// The VLAN tag that is put back: its Ethertype and what follows that.
	__be16 tag[2];
	u16 pad;
};

// A frame with its first bytes, for the filter. The compiled filter knows the
// offsets, so they are part of its contract (internal/filter).
struct packet {
	u8 head[HEAD_SIZE];
	struct frame frame;
};

_Static_assert(__builtin_offsetof(struct packet, frame.len) == 104 &&
		       __builtin_offsetof(struct packet, frame.word) == 108,
	       "internal/filter loads from these offsets");

// The members of sk_buff that the decision needs, mark to head, lie close
// together on every kernel, so one small read gets them all. It begins at a
// multiple of eight, as the verifier wants aligned loads from the stack, and takes 40 bytes, 48
// with CONFIG_KCOV.
enum { SPAN_SIZE = 56 };

#define offset_of(member) bpf_core_field_offset(struct sk_buff, member)
#define SPAN_BEGIN (offset_of(mark) & ~7U)
#define SPAN_END (offset_of(head) + sizeof(void *))
#define span_at(span, type, member)                                                \
	({                                                                         \
		const u8 *bytes = (span)->bytes;                                   \
		opaque(bytes);                                                     \
		*(const type *)(bytes + (offset_of(member) - SPAN_BEGIN));         \
	})

struct span {
	u8 bytes[SPAN_SIZE] __attribute__((aligned(8)));
};

static __always_inline long read_span(struct span *span, const struct sk_buff *skb)
{
	u32 size = SPAN_END - SPAN_BEGIN;

	if (size > SPAN_SIZE)
		return -1;
	return read_kernel(span->bytes, size, (const u8 *)skb + SPAN_BEGIN);
}

// Where a frame begins.
enum frame_base {
	// At the mac header, with an Ethernet header of its own.
	AT_MAC,
	// At the network header, with a made-up header in front of it.
	AT_NETWORK,
	// A closer look decides: see locate_stale.
	STALE_HEADER,
};

// Between the mac and the network header lie the 14 bytes of an Ethernet header, and perhaps 4
// for each tag, or 8 of PPPoE; with any other distance the mac header is not Ethernet's, or is a stale one. A network
// header that was not set is itself stale: the frame has just been received. Where both
// are at one place there is no link header: a tunnel's inner packet, or no packet at all, as
// in the answers of netlink, which set both to the front.
static __always_inline enum frame_base frame_base_of(u16 mac, u16 network)
{
	u32 distance = (u32)network - mac;

	if (mac == UNSET || mac == network)
		return AT_NETWORK;
	if (!network)
		return AT_MAC;
	if (network < mac)
		return STALE_HEADER;
	distance -= ETH_HLEN;
	if (!distance)
		return AT_MAC;
	return distance > MAX_SHIM || distance % VLAN_HLEN ? AT_NETWORK : STALE_HEADER;
}

// Where an sk_buff says that its packet is.
struct skb_layout {
	u64 head;
	u32 tail, end;
	u16 mac, network;
	__be16 protocol;
};

static __always_inline void layout_in(struct skb_layout *m, const struct span *span)
{
	m->head = span_at(span, u64, head);
	m->tail = span_at(span, u32, tail);
	m->end = span_at(span, u32, end);
	m->mac = span_at(span, u16, mac_header);
	m->network = span_at(span, u16, network_header);
	m->protocol = span_at(span, __be16, protocol);
}

// The same of the sk_buff as it lies (CFG.direct).
static __always_inline void layout_of(struct skb_layout *m, const struct sk_buff *skb)
{
	const struct sk_buff *s = as(struct sk_buff, skb);

	m->head = (u64)s->head;
	m->tail = s->tail;
	m->end = s->end;
	m->mac = s->mac_header;
	m->network = s->network_header;
	m->protocol = s->protocol;
}

// The Ethertype of a packet without a link header: the skb's, or before that is
// set, by the IP version.
static __always_inline __be16 ether_type(__be16 protocol, u64 network_header)
{
	u8 first = 0;

	if (protocol)
		return protocol;
	if (read_kernel(&first, 1, network_header))
		return 0;
	if (first >> 4 == 4)
		return bpf_htons(ETH_P_IP);
	if (first >> 4 == 6)
		return bpf_htons(ETH_P_IPV6);
	return 0;
}

// Whether something lies between an Ethernet header and the network header, as VLAN tags do. An
// Ethertype whose packet follows at once says that the network header was moved, and that the
// mac header is stale: MPLS labels were taken off, or IPsec has moved the IP header to where
// ESP's was.
static __always_inline bool has_shim(u64 mac)
{
	__be16 type = 0;

	read_kernel(&type, sizeof(type), mac + ETH_HLEN - sizeof(type));
	return type != bpf_htons(ETH_P_IP) && type != bpf_htons(ETH_P_IPV6) &&
	       type != bpf_htons(ETH_P_MPLS_UC);
}

// Finds the frame where the mac header may be stale, and returns its end. If the mac header
// lies behind the network header, one of them is stale, and skb->data says which. A frame that
// was just received or unpacked was pulled to the end of its Ethernet header, and its network
// header is not set yet. Otherwise the network header is that of an outer packet: a tunnel
// pushed it, and the mac header is still the inner frame's; or IPsec did, which uses the mac
// header to mark a byte of the IP header, and which writes what follows the IP header after a
// while. The protocol may be the inner packet's until ip_local_out, unless it is MPLS.
static __noinline u64 locate_stale(struct frame *f, const struct sk_buff *skb)
{
	u64 head = (u64)BPF_CORE_READ(skb, head), mac = head + BPF_CORE_READ(skb, mac_header);
	bool received;

	f->start = head + BPF_CORE_READ(skb, network_header);
	received = f->start < mac ? (u64)BPF_CORE_READ(skb, data) == mac + ETH_HLEN : has_shim(mac);
	if (received) {
		f->start = mac;
		return head + BPF_CORE_READ(skb, tail);
	}
	f->prefix = PREFIX_LINK;
	f->type = BPF_CORE_READ(skb, protocol);
	if (f->start < mac && f->type != bpf_htons(ETH_P_MPLS_UC))
		f->type = 0;
	f->type = ether_type(f->type, f->start);
	if (f->start > mac || (u64)BPF_CORE_READ(skb, data) <= mac)
		return head + BPF_CORE_READ(skb, tail);
	f->shared = 0;
	return head + BPF_CORE_READ(skb, transport_header);
}

// Puts the VLAN tag back that the kernel or the card took out of the frame.
static __always_inline void restore_tag(struct frame *f, const struct sk_buff *skb)
{
	u16 tci;

	if (!skb_vlan_tag(skb, &tci))
		return;
	f->tag[0] = BPF_CORE_READ(skb, vlan_proto);
	f->tag[1] = bpf_htons(tci);
	if (f->prefix == PREFIX_LINK) {
		f->prefix = PREFIX_LINK_TAG;
	} else {
		f->prefix = PREFIX_TAG;
		f->start += ETH_HLEN - 2;
	}
}

// Finds the frame; false where the skb carries none (yet).
static __always_inline bool locate_by_layout(struct frame *f, const struct sk_buff *skb,
					  const struct skb_layout *m, bool tags, u32 need)
{
	u64 end = m->head + m->tail;

	f->shared = m->head + m->end;
	f->type = 0;
	f->prefix = PREFIX_NONE;
	switch (frame_base_of(m->mac, m->network)) {
	case AT_MAC:
		f->start = m->head + m->mac;
		break;
	case STALE_HEADER:
		end = locate_stale(f, skb);
		break;
	case AT_NETWORK:
		if (!m->network || m->network == UNSET)
			return false;
		f->start = m->head + m->network;
		f->type = ether_type(m->protocol, f->start);
		f->prefix = PREFIX_LINK;
	}
	if (tags)
		restore_tag(f, skb);
	if (f->start >= end)
		return false;
	f->linear = f->prefix + (u32)(end - f->start);
	f->len = f->linear;
	if ((CFG.length || f->linear < need) && f->shared)
		f->len += BPF_CORE_READ(skb, data_len);
	return true;
}

static __always_inline bool locate_frame(struct frame *f, const struct sk_buff *skb,
					 const struct span *span, bool tags, u32 need)
{
	struct skb_layout m;

	layout_in(&m, span);
	return locate_by_layout(f, skb, &m, tags, need);
}

// Where a program works on an sk_buff. There is one on the stack of each, since
// stacks are small, and whoever needs room for a while takes it from here.
struct work {
	struct packet packet;
	struct span span;
};

// Finds the frame for those that are not in a hurry: without a tag that was taken
// out, and with the whole length.
static __noinline bool locate_packet(struct work *w, const struct sk_buff *skb)
{
	return !read_span(&w->span, skb) && locate_frame(&w->packet.frame, skb, &w->span, false, -1);
}

static __always_inline u64 linear_end(const struct frame *f)
{
	return f->start + (f->linear - f->prefix);
}

// The Ethertype of what f begins with; 0 for an Ethernet header.
static __always_inline u32 first_type(const struct frame *f)
{
	return f->prefix ? bpf_ntohs(f->type) : 0;
}
