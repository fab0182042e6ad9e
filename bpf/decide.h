// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Whether a packet is wanted, the cheapest question first.
#pragma once

static __always_inline bool filter_frame(struct work *w, const struct sk_buff *skb)
{
	struct packet *p = &w->packet;

	return locate_frame(&p->frame, skb, &w->span, CFG.vlan, CFG.need) && fill_head(p, CFG.need) &&
	       filter_packet(p);
}

static __always_inline bool filter_skb(struct work *w, const struct sk_buff *skb)
{
	if (CFG.glance && !CFG.glance_first && glance((u64)skb))
		return false;
	if (!filter_place(skb))
		return false;
	if (CFG.mark_mask || CFG.filter) {
		if (read_span(&w->span, skb) || !filter_mark(&w->span))
			return false;
		if (CFG.filter && !filter_frame(w, skb))
			return false;
	}
	if (!filter_owner(skb))
		return false;
	if (CFG.filter_expression && !filter_expression((u64)skb))
		return false;
	return (!CFG.filter_l2 && !CFG.filter_l3) || filter_tunnel(w, skb);
}

// Whether an event tells of the packet, which is then followed if packets are.
static __always_inline bool admit(struct sk_buff *skb, const struct branch **branch, struct work *w)
{
	if (!CFG.track)
		return filter_skb(w, skb);
	if (!running)
		return false;
	*branch = recall((u64)skb);
	if (CFG.follow && *branch)
		return true;
	if (!filter_skb(w, skb))
		return false;
	if (!*branch)
		*branch = begin((u64)skb);
	return true;
}
