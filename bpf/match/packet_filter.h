// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The packet filter, and how it loads bytes of the packet.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "packet/fragment.h"
#include "packet/packet.h"

// Returns byte `offset` of the made-up bytes in front of f->start.
static __always_inline u8 invented_byte(const struct frame *f, u32 offset)
{
	__be16 word = f->type;

	if (offset < ETH_HLEN - 2)
		return 0;
	if (f->prefix >= PREFIX_TAG && offset < PREFIX_TAG)
		word = offset < ETH_HLEN ? f->tag[0] : f->tag[1];
	return offset & 1 ? (u8)bpf_ntohs(word) : bpf_ntohs(word) >> 8;
}

// Reads one byte of the frame. Returns 0, or non-zero if it cannot be read.
static __noinline u32 load_byte(struct packet *p, u8 *byte, u32 offset)
{
	struct frame *f = &p->frame;
	u64 address;

	if (f->prefix == PREFIX_TAG && offset < ETH_HLEN - 2) {
		address = f->start - (ETH_HLEN - 2) + offset;
	} else if (offset < f->prefix) {
		*byte = invented_byte(f, offset);
		return 0;
	} else if (offset < f->linear) {
		address = f->start + (offset - f->prefix);
	} else {
		address = paged_byte(f->shared, offset - f->linear);
	}
	return !address || read_kernel(byte, 1, address);
}

// Reads bytes one by one if they are not all in the linear part.
static __always_inline u32 load_bytes(struct packet *p, u32 offset, u32 size)
{
	u8 *bytes = (u8 *)&p->frame.word;

	for (u32 i = 0; i < 4; i++)
		if (i < size && load_byte(p, &bytes[i], offset + i))
			return 1;
	return 0;
}

// Reads bytes of the frame into frame.word; size is 1, 2 or 4. Returns 0, or non-zero if they cannot be
// read. The compiled filter calls it for bytes that are not in packet.head.
static __noinline u32 load_packet(struct packet *p, u32 offset, u32 size)
{
	struct frame *f = &p->frame;
	u32 end = offset + size;
	u64 source;

	f->word = 0;
	if (end < offset)
		return 1;
	if (offset < f->prefix || end > f->linear)
		return load_bytes(p, offset, size);
	source = f->start + (offset - f->prefix);
	if (size == 1)
		return read_kernel(&f->word, 1, source) != 0;
	if (size == 2)
		return read_kernel(&f->word, 2, source) != 0;
	return read_kernel(&f->word, 4, source) != 0;
}

// The filters of the user, whose bodies are replaced by compiled expressions before loading. They return
// non-zero for a match.
#define PACKET_FILTER(name)                              \
	static __noinline u32 name(struct packet *p)     \
	{                                                \
		u32 offset = 0, size = 1, match;         \
                                                         \
		opaque(offset);                          \
		opaque(size);                            \
		match = !load_packet(p, offset, size);   \
		opaque(match);                           \
		return match;                            \
	}

PACKET_FILTER(filter_packet)
PACKET_FILTER(filter_tunnel_l2)
PACKET_FILTER(filter_tunnel_l3)

// The result of the prefilter, which finds out with a few direct loads whether filter_packet would match.
enum prefilter_result {
	PREFILTER_UNKNOWN,
	PREFILTER_REJECT,
	PREFILTER_MATCH,
};

// The body is replaced before loading if the kernel has direct loads (CFG.prefilter).
static __noinline u32 prefilter(u64 skb)
{
	u32 prefiltered = PREFILTER_UNKNOWN;

	opaque(skb);
	opaque(prefiltered);
	return prefiltered;
}

// The filter on the sk_buff. The body is replaced by a compiled expression before loading.
static __noinline u32 filter_expression(u64 skb)
{
	opaque(skb);
	return skb != 0;
}

// Fills the `prefix` bytes in front of p->frame.start: see enum prefix. Returns non-zero if the frame's own
// addresses cannot be read.
static __always_inline long fill_prefix(struct packet *p, u32 prefix)
{
	*(u64 *)p->head = 0;
	*(u32 *)(p->head + 8) = 0;
	if (prefix >= PREFIX_TAG) {
		*(__be16 *)(p->head + 12) = p->frame.tag[0];
		*(__be16 *)(p->head + 14) = p->frame.tag[1];
	}
	if (prefix == PREFIX_TAG)
		return read_kernel(p->head, ETH_HLEN - 2, p->frame.start - (ETH_HLEN - 2));
	*(__be16 *)(p->head + prefix - 2) = p->frame.type;
	return 0;
}

// Fills `size` bytes of the head: the prefix, then bytes from p->frame.start on.
static __always_inline bool read_behind(struct packet *p, u32 prefix, u32 size)
{
	if (prefix && fill_prefix(p, prefix))
		return false;
	return size <= prefix || (size <= HEAD_SIZE && !read_kernel(p->head + prefix, size - prefix,
								    p->frame.start));
}

// Fills the bytes of head that the filter reads at constant offsets, from the linear part. More may be
// read than the packet has: the skb's shared info, which is larger than HEAD_SIZE, follows the linear
// part, and the filter checks the length first.
static __always_inline bool read_head(struct packet *p, u32 size)
{
	switch (p->frame.prefix) {
	case PREFIX_NONE:
		return read_behind(p, PREFIX_NONE, size);
	case PREFIX_LINK:
		return read_behind(p, PREFIX_LINK, size);
	}
	if (!CFG.vlan)
		return false;
	if (p->frame.prefix == PREFIX_TAG)
		return read_behind(p, PREFIX_TAG, size);
	return read_behind(p, PREFIX_LINK_TAG, size);
}

// Fills head if the linear part is shorter than what the filter reads: first from the first page fragment,
// as if the frame began in front of it, then from the linear part. If the fragment cannot be read or is
// too short, the frame ends there for the filter.
static __noinline bool read_scattered_head(struct packet *p, u32 need)
{
	struct frame *f = &p->frame;
	struct fragment fragment = {};
	u64 address = 0;

	if (need > HEAD_SIZE)
		return false;
	if (fragment_count(f->shared) && read_fragment(&fragment, f->shared, 0))
		address = fragment_address(&fragment);
	if (!address || read_kernel(p->head, need, address - f->linear)) {
		f->len = f->linear;
		return read_head(p, need);
	}
	if (f->linear + fragment.length < need)
		f->len = f->linear + fragment.length;
	return read_head(p, f->linear);
}

static __always_inline bool fill_head(struct packet *p, u32 need)
{
	if (!need)
		return true;
	if (need > HEAD_SIZE)
		return false;
	if (p->frame.linear < need && p->frame.linear < p->frame.len)
		return read_scattered_head(p, need);
	return read_head(p, need);
}
