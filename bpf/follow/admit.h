// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Whether an event is emitted for a packet: it matches, or is followed already.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/packet.h"
#include "match/match.h"
#include "follow/branch.h"
#include "follow/first.h"

// Whether an event is emitted for the packet. Begins to follow a packet that matches, if packets get ids.
static __always_inline bool admit(void *program, u8 kind, struct sk_buff *skb,
				  const struct branch **branch, struct work *w, u32 prefiltered)
{
	if (CFG.ids) {
		if (!running)
			return false;
		*branch = followed_branch((u64)skb);
		if (*branch)
			note_device((void *)*branch, (u64)skb);
		if (CFG.follow_matched && *branch)
			return true;
	}
	if (!filter_skb(w, program, kind, skb, *branch, prefiltered))
		return false;
	if (CFG.ids && !*branch)
		*branch = start_with_tuple((u64)skb);
	return true;
}
