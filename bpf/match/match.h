// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Whether a packet passes the filters, the cheapest first.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "packet/packet.h"
#include "match/netdev_filter.h"
#include "match/packet_filter.h"
#include "match/task_filter.h"
#include "match/tunnel_filter.h"

static __always_inline bool filter_frame(struct work *w, const struct sk_buff *skb)
{
	struct packet *p = &w->packet;

	return locate_frame(&p->frame, skb, &w->span, CFG.vlan, CFG.need) && fill_head(p, CFG.need) &&
	       filter_packet(p);
}

static __always_inline bool filter_mark(const struct span *span)
{
	return !CFG.mark_mask || (span_at(span, u32, mark) & CFG.mark_mask) == CFG.mark;
}

// The filters on the mark and the packet; if the prefilter matched, the packet filter is skipped.
static __always_inline bool filter_span(struct work *w, const struct sk_buff *skb, u32 prefiltered)
{
	bool filtered = CFG.filter && prefiltered != PREFILTER_MATCH;

	if (!CFG.mark_mask && !filtered)
		return true;
	if (read_span(&w->span, skb) || !filter_mark(&w->span))
		return false;
	return !filtered || filter_frame(w, skb);
}

// Whether a packet passes all filters. `prefiltered` is PREFILTER_UNKNOWN if the program did not begin
// with the prefilter.
static __always_inline bool filter_skb(struct work *w, void *program, u8 kind,
				       const struct sk_buff *skb, const struct branch *branch, u32 prefiltered)
{
	u32 netdev;

	if (CFG.prefilter && !CFG.prefilter_first)
		prefiltered = prefilter((u64)skb);
	if (prefiltered == PREFILTER_REJECT)
		return false;
	netdev = ANY_NETDEV ? NETDEV_MATCHED : filter_netdev(program, kind, skb, branch);
	if (netdev == NETDEV_REJECTED)
		return false;
	if (!filter_span(w, skb, prefiltered))
		return false;
	if (!filter_task(program, kind, skb))
		return false;
	if (CFG.filter_expression && !filter_expression((u64)skb))
		return false;
	if ((CFG.filter_l2 || CFG.filter_l3) && !filter_tunnel(skb))
		return false;
	return ANY_NETDEV || netdev == NETDEV_MATCHED || count_unknown_netdev(netdev);
}
