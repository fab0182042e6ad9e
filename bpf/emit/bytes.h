// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The first bytes of a packet, for a recording.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/packet.h"
#include "packet/scratch.h"
#include "packet/xdp.h"

// Locates the packet of an sk_buff in scratch->work, and sets frame.start to 0 if there is none. The function is
// global like parse_tuple.
__noinline int locate_bytes(u64 skb, u32 level)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &level);
	struct frame *f;

	if (!CFG.packet_size || !scratch)
		return 0;
	f = &scratch->work.packet.frame;
	if (!skb || !locate_packet(&scratch->work, (const struct sk_buff *)skb) || (f->prefix && !f->type))
		f->start = 0;
	return 0;
}

// Copies the first bytes of a located packet, without what is made up in front of it. Only those in the linear part
// are copied.
static __noinline int fill_located(struct record_packet *r, const struct frame *f)
{
	u32 size;

	__builtin_memset(r, 0, sizeof(*r));
	if (!f->start)
		return 0;
	r->len = f->len - f->prefix;
	r->type = bpf_ntohs(f->type);
	size = f->linear - f->prefix;
	if (size > CFG.packet_size - sizeof(*r))
		size = CFG.packet_size - sizeof(*r);
	if (!read_kernel(r + 1, size, f->start))
		r->size = size;
	return 0;
}

// Fills the part of CFG.packet_size bytes.
static __always_inline void fill_bytes(struct record_packet *r, const struct sk_buff *skb, struct scratch *scratch)
{
	u16 tci;

	locate_bytes((u64)skb, scratch->level);
	fill_located(r, &scratch->work.packet.frame);
	if (r->size && skb_vlan_tag(skb, &tci)) {
		r->tag_type = bpf_ntohs(BPF_CORE_READ(skb, vlan_proto));
		r->tag = tci;
	}
}

static __always_inline void fill_xdp_bytes(struct record_packet *r, const struct xdp_buff *xdp, struct scratch *scratch)
{
	if (!locate_xdp(&scratch->work, xdp))
		scratch->work.packet.frame.start = 0;
	fill_located(r, &scratch->work.packet.frame);
}
