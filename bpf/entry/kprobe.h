// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The entry of a function with an skb argument. The program is copied for each register that can hold the
// skb, and used both for kprobes and kprobe-multi links.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/registers.h"
#include "packet/packet.h"
#include "match/packet_filter.h"
#include "follow/admit.h"
#include "follow/branch.h"
#include "follow/callstack.h"
#include "explain/lookup.h"
#include "entry/handle.h"
#include "entry/return.h"

// Fills in arguments 2 to 4, of which one may be the drop reason: see PART_ARGUMENTS.
static __always_inline void fill_arguments(struct context *c, struct registers *regs)
{
	c->reason = context_word(regs, ARGUMENT_2);
	c->location = (u32)context_word(regs, ARGUMENT_3) | context_word(regs, ARGUMENT_4) << 32;
	c->parts = PART_ARGUMENTS;
}

// Handles a packet that does not match, if calls for matching packets are searched on the stack.
static __always_inline void note_unmatched(struct registers *regs, struct work *w)
{
	struct callstack *s;

	if (!CFG.no_skb_funcs && !CFG.by_stack)
		return;
	s = callstack_at(entry_anchor(regs), w);
	if (s && s->depth)
		note_entry(regs, s);
}

// Emits the event of a matching packet, and returns whether the call is recorded. The context is filled in
// here, because most packets do not match.
static __always_inline bool emit_matched(struct registers *regs, struct sk_buff *skb,
					const struct branch *branch, struct work *w)
{
	struct context c = { .program = regs, .skb = skb, .branch = branch, .kind = RECORD_FUNCTION };

	c.addr = probed_function(regs);
	if (CFG.caller || (CFG.stack && !CALLER_UNWOUND) || KEEP_CALLS)
		c.caller = return_address(regs);
	fill_arguments(&c, regs);
	return handle_call(&c, w, entry_anchor(regs), KEEP_CALLS, CFG.lookup_size ? lookup_flags() : 0);
}

// Returns whether the call is recorded.
static __always_inline bool handle_function(struct registers *regs, struct sk_buff *skb, u32 prefiltered)
{
	const struct branch *branch = NULL;
	struct work w;

	if (!skb)
		return false;
	if (admit(regs, RECORD_FUNCTION, skb, &branch, &w, prefiltered))
		return emit_matched(regs, skb, branch, &w);
	note_unmatched(regs, &w);
	return false;
}

// A function of its own, so that the program itself needs no stack frame.
static __noinline int enter_function(struct registers *regs, u32 prefiltered)
{
	struct sk_buff *skb = (void *)context_word(regs, CHOSEN_WORD);
	bool kept;

	if (CFG.ids)
		be_busy(1);
	kept = handle_function(regs, skb, prefiltered);
	if (CFG.ids)
		be_busy(-1);
	return entered(kept);
}

SEC("kprobe/skb")
int kprobe_skb(struct registers *regs)
{
	u32 prefiltered = PREFILTER_UNKNOWN;

	if (is_return(regs))
		return leave_function(regs);
	if (CFG.prefilter_first)
		prefiltered = prefilter(context_word(regs, CHOSEN_WORD));
	return prefiltered == PREFILTER_REJECT ? entered(false) : enter_function(regs, prefiltered);
}
