// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The filters on frames of XDP programs.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "packet/packet.h"
#include "packet/scratch.h"
#include "packet/tunnel.h"
#include "packet/xdp.h"
#include "match/netdev_filter.h"
#include "match/packet_filter.h"
#include "match/tunnel_filter.h"

// The filter on the xdp_buff. The body is replaced by a compiled expression before loading.
static __noinline u32 filter_xdp_expression(u64 xdp)
{
	opaque(xdp);
	return xdp != 0;
}

static __always_inline bool filter_xdp_tunnel(const struct xdp_buff *xdp)
{
	u32 level;
	struct scratch *scratch = get_scratch(&level);
	bool match = scratch && locate_xdp(&scratch->work, xdp) && find_inner(scratch, NULL) && match_inner(scratch);

	put_scratch();
	return match;
}

// Whether a frame passes all filters. It has no mark, no socket and no process.
static __always_inline bool filter_xdp(struct work *w, const struct xdp_buff *xdp)
{
	if (CFG.mark || CFG.pid_count || CFG.comm_count || CFG.cgroup_count)
		return false;
	if (!(ANY_NETNS && ANY_DEVICE) && !filter_frame_netdev(BPF_CORE_READ(xdp, rxq, dev)))
		return false;
	if (CFG.filter && !(locate_xdp(w, xdp) && fill_head(&w->packet, CFG.need) &&
			    filter_packet(&w->packet)))
		return false;
	if (CFG.filter_xdp_expression && !filter_xdp_expression((u64)xdp))
		return false;
	return (!CFG.filter_l2 && !CFG.filter_l3) || filter_xdp_tunnel(xdp);
}
