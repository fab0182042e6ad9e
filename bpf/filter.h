// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Who is filtered out, the cheapest question first.
#pragma once

// The network namespace's inode number: the device's, or else the socket's.
static __always_inline u32 skb_netns(const struct sk_buff *skb, const struct net_device *dev)
{
	struct sock *sk;

	if (dev)
		return BPF_CORE_READ(dev, nd_net.net, ns.inum);
	sk = BPF_CORE_READ(skb, sk);
	return sk ? BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) : 0;
}

static __always_inline bool filter_place(const struct sk_buff *skb)
{
	const struct net_device *dev;

	if (!CFG.netns && !CFG.ifindex)
		return true;
	dev = BPF_CORE_READ(skb, dev);
	if (CFG.ifindex && (!dev || (u32)BPF_CORE_READ(dev, ifindex) != CFG.ifindex))
		return false;
	return !CFG.netns || skb_netns(skb, dev) == CFG.netns;
}

static __always_inline bool filter_mark(const struct span *span)
{
	return !CFG.mark_mask || (span_at(span, u32, mark) & CFG.mark_mask) == CFG.mark;
}

// Byte `offset` of a made-up Ethernet header.
static __always_inline u8 invented_byte(const struct frame *f, u32 offset)
{
	if (offset == ETH_HLEN - 2)
		return bpf_ntohs(f->type) >> 8;
	return offset == ETH_HLEN - 1 ? (u8)bpf_ntohs(f->type) : 0;
}

// Reads one byte, wherever it lies. Returns 0, or non-zero where it can't be had.
static __noinline u32 load_byte(struct packet *p, u8 *byte, u32 offset)
{
	struct frame *f = &p->frame;
	u64 address;

	if (offset < f->prefix) {
		*byte = invented_byte(f, offset);
		return 0;
	}
	if (offset < f->linear)
		address = f->start + (offset - f->prefix);
	else
		address = paged_byte(f->shared, offset - f->linear);
	return !address || read_kernel(byte, 1, address);
}

// The slow way, for what does not lie in the linear part as a whole.
static __always_inline u32 load_bytes(struct packet *p, u32 offset, u32 size)
{
	u8 *bytes = (u8 *)&p->frame.word;

	for (u32 i = 0; i < 4; i++)
		if (i < size && load_byte(p, &bytes[i], offset + i))
			return 1;
	return 0;
}

// Reads any bytes of the frame into frame.word; size is 1, 2 or 4. Returns 0,
// or non-zero where they can't be had. The compiled filter calls it for what
// does not lie in packet.head.
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

// The packet filter: its body is replaced by the compiled expression before
// loading. Returns non-zero for a match.
static __noinline u32 filter_packet(struct packet *p)
{
	u32 offset = 0, size = 1, match;

	opaque(offset);
	opaque(size);
	match = !load_packet(p, offset, size);
	opaque(match);
	return match;
}

// Puts a made-up Ethernet header at the front of the frame.
static __always_inline void invent_link_header(struct packet *p)
{
	*(u64 *)p->head = 0;
	*(u32 *)(p->head + 8) = 0;
	*(__be16 *)(p->head + 12) = p->frame.type;
}

// Fills the part of head that the filter reads at fixed places from the linear
// part. More may be read than the packet has: behind the linear part lies the
// skb's shared info, larger than HEAD_SIZE, and the filter asks for the length
// first.
static __always_inline bool read_head(struct packet *p)
{
	u32 need = CFG.need;

	if (!p->frame.prefix)
		return !read_kernel(p->head, need, p->frame.start);
	invent_link_header(p);
	return need <= ETH_HLEN ||
	       !read_kernel(p->head + ETH_HLEN, need - ETH_HLEN, p->frame.start);
}

// Puts the linear part over the front of head.
static __always_inline bool overlay_linear(struct packet *p)
{
	u32 size = p->frame.linear - p->frame.prefix;

	if (!p->frame.prefix)
		return size <= HEAD_SIZE && !read_kernel(p->head, size, p->frame.start);
	invent_link_header(p);
	return size <= HEAD_SIZE - ETH_HLEN &&
	       !read_kernel(p->head + ETH_HLEN, size, p->frame.start);
}

// Fills head where the linear part is shorter than what the filter reads: the
// first page fragment is read as if the frame had begun in front of it, and the
// linear part is put over what is none of it. Where that fragment can't be read,
// or ends too early as well, so does the frame for the filter.
static __noinline bool read_scattered_head(struct packet *p)
{
	struct frame *f = &p->frame;
	struct fragment fragment = {};
	u64 address = 0;

	if (fragment_count(f->shared) && read_fragment(&fragment, f->shared, 0))
		address = fragment_address(&fragment);
	if (!address || read_kernel(p->head, CFG.need, address - f->linear)) {
		f->len = f->linear;
		return read_head(p);
	}
	if (f->linear + fragment.length < CFG.need)
		f->len = f->linear + fragment.length;
	return overlay_linear(p);
}

static __always_inline bool fill_head(struct packet *p)
{
	if (!CFG.need)
		return true;
	if (CFG.need > HEAD_SIZE)
		return false;
	if (p->frame.linear < CFG.need && p->frame.linear < p->frame.len)
		return read_scattered_head(p);
	return read_head(p);
}

static __always_inline bool filter_skb(const struct sk_buff *skb)
{
	struct packet p;
	struct span span;

	if (!filter_place(skb))
		return false;
	if (!CFG.mark_mask && !CFG.filter)
		return true;
	if (read_span(&span, skb) || !filter_mark(&span))
		return false;
	if (!CFG.filter)
		return true;
	return locate_frame(&p.frame, skb, &span) && fill_head(&p) && filter_packet(&p);
}
