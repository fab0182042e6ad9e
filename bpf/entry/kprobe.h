// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The entry of a function: a program that is copied for each register that carries
// the skb. The same programs are loaded for single kprobes and for kprobe-multi links.
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

// Has the arguments go along among which the drop reason is, in functions that take one.
static __always_inline void pass_arguments(struct context *c, struct registers *regs)
{
	c->reason = context_word(regs, ARGUMENT_2);
	c->location = (u32)context_word(regs, ARGUMENT_3) | context_word(regs, ARGUMENT_4) << 32;
	c->parts = PART_ARGUMENTS;
}

static __always_inline void note_unwanted(struct registers *regs, struct work *w)
{
	struct calls *s;

	if (!CFG.others && !CFG.by_stack)
		return;
	s = calls_at(entry_anchor(regs), w);
	if (s && s->depth)
		note_entry(regs, s);
}

// Tells of a wanted packet, and says whether the call is kept. The context is made here,
// since packets that are not wanted are most.
static __always_inline bool show_wanted(struct registers *regs, struct sk_buff *skb,
					const struct branch *branch, struct work *w)
{
	struct context c = { .program = regs, .skb = skb, .branch = branch, .kind = RECORD_FUNCTION };

	c.addr = probed_function(regs);
	if (CFG.caller || (CFG.stack && !CALLER_UNWOUND) || KEEP_CALLS)
		c.caller = return_address(regs);
	pass_arguments(&c, regs);
	return handle_call(&c, w, entry_anchor(regs), KEEP_CALLS, CFG.lookup_size ? lookup_facts() : 0);
}

// Says whether the call is kept.
static __always_inline bool show_function(struct registers *regs, struct sk_buff *skb, u32 sight)
{
	const struct branch *branch = NULL;
	struct work w;

	if (!skb)
		return false;
	if (admit(regs, RECORD_FUNCTION, skb, &branch, &w, sight))
		return show_wanted(regs, skb, branch, &w);
	note_unwanted(regs, &w);
	return false;
}

// A function of its own, so that the program itself has next to nothing to set up.
static __noinline int enter_function(struct registers *regs, u32 sight)
{
	struct sk_buff *skb = (void *)context_word(regs, CHOSEN_WORD);
	bool kept;

	if (CFG.track)
		be_busy(1);
	kept = show_function(regs, skb, sight);
	if (CFG.track)
		be_busy(-1);
	return entered(kept);
}

SEC("kprobe/skb")
int kprobe_skb(struct registers *regs)
{
	u32 sight = UNSURE;

	if (is_return(regs))
		return leave_function(regs);
	if (CFG.glance_first)
		sight = glance(context_word(regs, CHOSEN_WORD));
	return sight == SURELY_NOT ? entered(false) : enter_function(regs, sight);
}
