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

// A load that begins in the made-up header may end behind it.
static __always_inline u32 load_invented(struct frame *f, u32 offset, u32 size)
{
	u8 *byte = (u8 *)&f->word;

	for (u32 i = 0; i < 4; i++) {
		if (i >= size)
			break;
		if (offset + i < f->prefix)
			byte[i] = invented_byte(f, offset + i);
		else if (read_kernel(&byte[i], 1, f->start + (offset + i - f->prefix)))
			return 1;
	}
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
	if (end < offset || end > f->linear)
		return 1;
	if (offset < f->prefix)
		return load_invented(f, offset, size);
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

// Bytes that lie in page fragments can't be read. Where the filter would look at
// some, the frame ends before them, so that it is not judged by what happens to
// lie behind the linear part.
static __always_inline void forget_fragments(struct frame *f)
{
	if (f->linear < CFG.need)
		f->len = f->linear;
}

// Fills the part of head that the filter reads at fixed places. More may be
// read than the packet has: behind the linear part lies the skb's shared info,
// larger than HEAD_SIZE, and the filter asks for the length first.
static __always_inline bool read_head(struct packet *p)
{
	u32 need = CFG.need;

	forget_fragments(&p->frame);
	if (!need || need > HEAD_SIZE)
		return !need;
	if (!p->frame.prefix)
		return !read_kernel(p->head, need, p->frame.start);
	invent_link_header(p);
	return need <= ETH_HLEN ||
	       !read_kernel(p->head + ETH_HLEN, need - ETH_HLEN, p->frame.start);
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
	return locate_frame(&p.frame, skb, &span) && read_head(&p) && filter_packet(&p);
}
