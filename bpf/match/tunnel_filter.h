// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The filters on the inner packet of a tunnel packet.
#pragma once

#include "core/config.h"
#include "core/kernel.h"
#include "packet/packet.h"
#include "packet/scratch.h"
#include "packet/tunnel.h"
#include "match/packet_filter.h"

static __noinline bool match_inner(struct scratch *scratch)
{
	struct packet *p = &scratch->work.packet;

	if (CFG.filter_l2 && (p->frame.prefix || !fill_head(p, CFG.need_l2) || !filter_tunnel_l2(p)))
		return false;
	return !CFG.filter_l3 || (skip_inner_link(scratch) &&
				  fill_head(p, CFG.need_l3) && filter_tunnel_l3(p));
}

static __always_inline bool filter_tunnel(const struct sk_buff *skb)
{
	u32 level;
	struct scratch *scratch = get_scratch(&level);
	bool match = scratch && find_inner(scratch, skb) && match_inner(scratch);

	put_scratch();
	return match;
}
