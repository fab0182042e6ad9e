// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Programs on functions that decide about packets: see explain/decision.h. They emit no events.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "explain/decision.h"
#include "entry/return.h"

// Handles the entry of a function for a packet; returns whether the return is of interest.
static __noinline bool enter_decision(struct registers *regs, const struct sk_buff *skb, const struct decision_function *f,
				      u64 addr)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	u64 anchor = entry_anchor(regs);
	struct decision_call *d;

	if (!calls)
		return false;
	drop_ended_decisions(calls, anchor);
	if (!skb || !is_decision_wanted(skb))
		return false;
	d = add_decision_call(calls, anchor, return_address(regs));
	d->call.addr = addr;
	d->call.skb = (u64)skb;
	d->outer = f->outer;
	d->function = *f;
	keep_call_arguments(d, regs);
	note_decisions(calls->depth - 1, f->at_entry, 0);
	if (f->at_return[0] || f->outer)
		return true;
	calls->depth--;
	return false;
}

static __noinline int leave_decision(struct registers *regs)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct decision_call *d;

	if (!running || !calls || !calls->depth)
		return 0;
	d = end_decision_call(calls, return_anchor(regs), returning_function(regs));
	if (!d)
		return 0;
	d->args.result = context_word(regs, RETURN_VALUE);
	note_decisions(calls->depth, d->function.at_return, d->call.time);
	return 0;
}

// The packet is an argument.
SEC("kprobe/decision")
int kprobe_decision(struct registers *regs)
{
	u64 addr;
	struct decision_function *f;

	if (is_return(regs))
		return leave_decision(regs);
	addr = probed_function(regs);
	f = bpf_map_lookup_elem(&decision_functions, &addr);
	if (!running || !f)
		return entered(false);
	return entered(enter_decision(regs, (void *)context_word(regs, CHOSEN_WORD), f, addr));
}

// The packet is read from an argument, or is that of a call further out on the stack.
static __always_inline const struct sk_buff *indirect_skb(struct registers *regs, const struct decision_function *f)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct decision_call *d;
	u64 skb = 0;

	if (!calls)
		return NULL;
	if (f->within) {
		d = active_decision(calls, regs, f->within);
		return d ? (void *)d->call.skb : NULL;
	}
	if (calls->depth >= MAX_DECISION_CALLS)
		calls->depth = 0;
	d = &calls->list[calls->depth & (MAX_DECISION_CALLS - 1)];
	keep_call_arguments(d, regs);
	read_decision_skb(&d->args, &skb, f->at_entry[0] ? f->at_entry[0] : f->at_return[0]);
	return (void *)skb;
}

SEC("kprobe/decision_indirect")
int kprobe_decision_indirect(struct registers *regs)
{
	u64 addr;
	struct decision_function *f;

	if (is_return(regs))
		return leave_decision(regs);
	addr = probed_function(regs);
	f = bpf_map_lookup_elem(&decision_functions, &addr);
	if (!running || !f)
		return entered(false);
	return entered(enter_decision(regs, indirect_skb(regs, f), f, addr));
}

SEC("kprobe/decision_return")
int kprobe_decision_return(struct registers *regs)
{
	return leave_decision(regs);
}
