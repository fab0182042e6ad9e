// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Locates the packet in an skb. Every packet is treated as an Ethernet frame, so that one filter serves
// all: with its own header, or with a made-up one in front of the network header if it has none (locally
// created packets, tunnels, devices without a link layer).
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"

enum {
	// Bytes of the frame that are copied; loads beyond go through load_packet.
	HEAD_SIZE = 80,
	// The value of an unset header offset, such as mac_header at first.
	UNSET = 0xffff,
	// Maximum length of VLAN tags behind an Ethernet header: eight tags, as in the kernel.
	MAX_SHIM = 8 * VLAN_HLEN,
};

// The bytes in front of frame.start that are made up.
enum prefix {
	// None: the frame begins with its own header.
	PREFIX_NONE = 0,
	// A made-up Ethernet header.
	PREFIX_LINK = ETH_HLEN,
	// The MAC addresses of the frame's own header, which are in front of start, then the VLAN tag of
	// skb->vlan_tci.
	PREFIX_TAG = ETH_HLEN - 2 + VLAN_HLEN,
	// A made-up Ethernet header with the VLAN tag of skb->vlan_tci.
	PREFIX_LINK_TAG = ETH_HLEN + VLAN_HLEN,
};

// The location of a frame.
struct frame {
	// The kernel address of byte `prefix` of the frame.
	u64 start;
	// The kernel address of the skb's shared info, which lists its page fragments; 0 if these do not
	// belong to the frame.
	u64 shared;
	// Number of bytes of the frame in front of start: see enum prefix.
	u32 prefix;
	// Number of bytes of the frame in the skb's linear part, including those made up.
	u32 linear;
	// Length of the frame; only of its linear part if no filter needs more.
	u32 len;
	// The value that load_packet read, in network order.
	u32 word;
	// The Ethertype of a made-up header.
	__be16 type;
	// The VLAN tag that is restored: its Ethertype and TCI.
	__be16 tag[2];
	u16 pad;
};

// A frame and its first bytes, the argument of the compiled packet filter, which knows the offsets
// (internal/filter).
struct packet {
	u8 head[HEAD_SIZE];
	struct frame frame;
};

_Static_assert(__builtin_offsetof(struct packet, frame.len) == 104 &&
		       __builtin_offsetof(struct packet, frame.word) == 108,
	       "internal/filter loads from these offsets");

// The members of sk_buff that filtering needs, from mark to head, are close together on all kernels, so
// one read copies them all. It begins at a multiple of eight, since the verifier requires aligned loads
// from the stack, and has 40 bytes, or 48 with CONFIG_KCOV.
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

// Where the frame begins.
enum frame_base {
	// At the mac header, with an Ethernet header of its own.
	AT_MAC,
	// At the network header, with a made-up link header in front of it.
	AT_NETWORK,
	// One of the headers may be stale: see locate_stale.
	STALE_HEADER,
};

// Chooses where the frame begins. Between the mac and the network header are the 14 bytes of an Ethernet
// header, and perhaps 4 for each tag, or 8 of PPPoE. With any other distance, the mac header is not an
// Ethernet header, or is stale. If the network header is not set, the frame was just received. If both are
// equal, there is no link header: the inner packet of a tunnel, or a netlink reply, which sets both to
// the start.
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

// The members of an sk_buff that locate its packet.
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

// The same with direct loads (CFG.direct).
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

// The Ethertype of a packet without a link header: skb->protocol, or if that is not set yet, determined by
// the IP version.
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

// Whether there is something between the Ethernet header and the network header, such as VLAN tags. If the
// Ethertype is that of a packet which follows directly, the network header was moved and the mac header is
// stale: MPLS labels were popped, or IPsec moved the IP header over the ESP header.
static __always_inline bool has_shim(u64 mac)
{
	__be16 type = 0;

	read_kernel(&type, sizeof(type), mac + ETH_HLEN - sizeof(type));
	return type != bpf_htons(ETH_P_IP) && type != bpf_htons(ETH_P_IPV6) &&
	       type != bpf_htons(ETH_P_MPLS_UC);
}

// Locates a frame whose mac header may be stale, and returns its end. If the mac header is behind the
// network header, one of them is stale, and skb->data shows which:
//   - If skb->data is at the end of the Ethernet header, the frame was just received or decapsulated, and
//     its network header is not set yet.
//   - Otherwise the network header is that of an outer packet. It was pushed by a tunnel, while the mac
//     header still belongs to the inner frame; or by IPsec, which uses the mac header to mark a byte of the
//     IP header. IPsec writes what follows the IP header later, so the frame ends there. skb->protocol may
//     be that of the inner packet until ip_local_out, unless it is MPLS.
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

// Restores the VLAN tag that the kernel or the NIC moved from the frame to skb->vlan_tci.
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

// Locates the frame; false if the skb has none (yet). With `tags`, the tag of skb->vlan_tci is restored. len
// includes page fragments only if it is needed or the linear part is shorter than `need`.
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

// The working memory for an sk_buff. Each program has one on its stack; stacks are small, so functions
// that need memory for a short time use this.
struct work {
	struct packet packet;
	struct span span;
};

// Locates the frame without the VLAN tag of skb->vlan_tci, and with its whole length.
static __noinline bool locate_packet(struct work *w, const struct sk_buff *skb)
{
	return !read_span(&w->span, skb) && locate_frame(&w->packet.frame, skb, &w->span, false, -1);
}

static __always_inline u64 linear_end(const struct frame *f)
{
	return f->start + (f->linear - f->prefix);
}

// The Ethertype of the packet at f->start; 0 for an Ethernet header.
static __always_inline u32 first_type(const struct frame *f)
{
	return f->prefix ? bpf_ntohs(f->type) : 0;
}
