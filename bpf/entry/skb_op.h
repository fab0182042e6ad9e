// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The entry of functions that perform an operation on followed packets: it does what kprobe_skb does for
// others, and applies the operation.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "packet/packet.h"
#include "match/match.h"
#include "match/packet_filter.h"
#include "follow/branch.h"
#include "follow/callstack.h"
#include "follow/first.h"
#include "follow/skb_op.h"
#include "entry/handle.h"
#include "entry/kprobe.h"
#include "entry/return.h"

static __always_inline u64 argument(struct registers *regs, u8 number)
{
	switch (number) {
	case 1: return context_word(regs, ARGUMENT_1);
	case 2: return context_word(regs, ARGUMENT_2);
	case 3: return context_word(regs, ARGUMENT_3);
	case 4: return context_word(regs, ARGUMENT_4);
	case 5: return context_word(regs, ARGUMENT_5);
	}
	return 0;
}

// Whether an event is emitted for the packet. Once its data are freed, the filters cannot be applied, so
// it has to be followed already.
static __always_inline bool admit_skb_op(struct registers *regs, const struct skb_op *r,
				       const struct branch *b, u64 skb, struct work *w)
{
	if (r->kind == OP_FREE)
		return b;
	return (CFG.follow_matched && b) || filter_skb(w, regs, RECORD_FUNCTION, (void *)skb, b, PREFILTER_UNKNOWN);
}

// Emits the event of the function, and returns whether the call is recorded. A function of its own, so
// that its stack is released before the operation is applied.
static __noinline bool emit_skb_op(struct registers *regs, const struct skb_op *r, u64 addr, u64 caller)
{
	u64 skb = argument(regs, r->shown);
	struct context c = { .program = regs, .skb = (void *)skb, .addr = addr, .caller = caller,
			     .kind = RECORD_FUNCTION };
	struct work w;

	if (!skb)
		return false;
	c.branch = branch_for(r, skb);
	if (c.branch && r->kind < OP_FREE_DATA)
		note_device((void *)c.branch, skb);
	if (!admit_skb_op(regs, r, c.branch, skb, &w)) {
		note_unmatched(regs, &w);
		return false;
	}
	if (!c.branch && may_begin(r))
		c.branch = start_with_tuple(skb);
	c.gone = r->kind == OP_FREE;
	if (r->reason) {
		c.reason = argument(regs, r->reason);
		c.parts = PART_REASON;
	}
	return handle_call(&c, &w, entry_anchor(regs), KEEP_CALLS, 0);
}

// Arguments are read when needed, since the stack has no space for them.
static __always_inline bool apply_skb_op(struct registers *regs)
{
	bool kept = false;
	u64 addr = probed_function(regs), caller = return_address(regs);
	const struct skb_op *r = bpf_map_lookup_elem(&skb_ops, &addr);

	if (!running || !r)
		return false;
	apply_before(r, argument(regs, r->skb), argument(regs, r->operand), caller);
	if (r->shown)
		kept = emit_skb_op(regs, r, addr, caller);
	apply_after(r, argument(regs, r->skb), argument(regs, r->operand), caller);
	return kept;
}

SEC("kprobe/op")
int kprobe_op(struct registers *regs)
{
	bool kept;

	if (is_return(regs))
		return leave_function(regs);
	be_busy(1);
	kept = apply_skb_op(regs);
	be_busy(-1);
	return entered(kept);
}
