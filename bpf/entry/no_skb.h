// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The entry of a function without an skb argument. It is emitted if it runs for a matching packet: if a call
// for that packet is active further out on the stack.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "packet/packet.h"
#include "follow/branch.h"
#include "follow/callstack.h"
#include "explain/lookup.h"
#include "entry/handle.h"
#include "entry/return.h"
#include "entry/self_maps.h"

// The packet of the innermost active call, or NULL.
static __always_inline struct sk_buff *active_skb(struct registers *regs, struct work *w)
{
	struct callstack *s = callstack_at(entry_anchor(regs), w);

	if (!s || !s->depth || !find_active(regs, s))
		return NULL;
	return (void *)innermost(s)->skb;
}

// Returns whether the call is recorded.
static __always_inline bool emit_no_skb(struct registers *regs)
{
	struct context c = { .program = regs, .kind = RECORD_FUNCTION };
	struct work w;

	if (!running)
		return false;
	c.caller = return_address(regs);
	c.skb = active_skb(regs, &w);
	if (!c.skb)
		return false;
	if (CFG.ids)
		c.branch = followed_branch((u64)c.skb);
	c.addr = probed_function(regs);
	return handle_call(&c, &w, entry_anchor(regs), CFG.returns,
			   CFG.lookup_size ? lookup_flags() : 0);
}

static __always_inline int enter_no_skb(struct registers *regs)
{
	bool kept;

	if (CFG.ids)
		be_busy(1);
	kept = emit_no_skb(regs);
	if (CFG.ids)
		be_busy(-1);
	return entered(kept);
}

SEC("kprobe/no_skb")
int kprobe_no_skb(struct registers *regs)
{
	return is_return(regs) ? leave_function(regs) : enter_no_skb(regs);
}

// For functions whose first argument is a BPF map.
SEC("kprobe/no_skb_map")
int kprobe_no_skb_map(struct registers *regs)
{
	if (is_return(regs))
		return leave_function(regs);
	return is_self_map(context_word(regs, ARGUMENT_1)) ? entered(false) : enter_no_skb(regs);
}
