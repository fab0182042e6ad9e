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
#include "explain/nft_rule.h"
#include "entry/return.h"

// Handles the entry of a function for a packet that matches. Returns whether its return must be handled, too.
static __noinline bool enter_decision(struct registers *regs, u64 skb, const struct decision_function *f, u64 addr)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	u64 anchor = entry_anchor(regs);
	bool returns = f->at_return[0] || f->outer;
	struct decision_call *d;

	if (!calls)
		return false;
	drop_ended_decisions(calls, anchor);
	d = add_decision_call(calls, anchor, returns ? return_address(regs) : 0);
	d->call.time = f->timed ? bpf_ktime_get_ns() : 0;
	d->call.addr = addr;
	d->call.skb = skb;
	d->outer = f->outer;
	d->function = *f;
	keep_call_arguments(d, regs, f);
	note_decisions(calls->depth - 1, f->at_entry, 0);
	if (returns)
		return true;
	calls->depth--;
	return false;
}

// Handles the entry of a function for a packet that does not match. Removes a call at the same place on the stack,
// whose return was missed: otherwise the return of this call, or the functions that it calls, would be taken for those
// of the removed one. In a session, the program does not run at the return of this call.
static __always_inline bool pass_decision(struct registers *regs, const struct decision_function *f)
{
	struct decision_calls *calls;

	if (CFG.session && !f->outer)
		return false;
	calls = this_cpu_value(decision_calls);
	if (calls && calls->depth)
		drop_ended_decisions(calls, entry_anchor(regs) + 1);
	return false;
}

// Handles the return of a function. Returns the index of its call plus 1, or 0 if the entry was not recorded.
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
	return calls->depth + 1;
}

// On functions with the packet as an argument.
SEC("kprobe/decision")
int kprobe_decision(struct registers *regs)
{
	const struct decision_function *f;
	u64 addr, skb = 0;

	if (is_return(regs)) {
		leave_decision(regs);
		return 0;
	}
	addr = probed_function(regs);
	f = bpf_map_lookup_elem(&decision_functions, &addr);
	if (!running || !f)
		return entered(false);
	register_argument(regs, f->packet, &skb);
	return entered(skb && is_decision_wanted((void *)skb) ? enter_decision(regs, skb, f, addr) : pass_decision(regs, f));
}

// On functions that take no packet: the packet is that of a call further out on the stack.
SEC("kprobe/decision_inner")
int kprobe_decision_inner(struct registers *regs)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct decision_function *f;
	struct decision_call *outer;
	u64 addr;

	if (is_return(regs)) {
		leave_decision(regs);
		return 0;
	}
	if (!calls || !calls->depth)
		return entered(false);
	addr = probed_function(regs);
	f = bpf_map_lookup_elem(&decision_functions, &addr);
	outer = f ? active_decision(calls, regs, f->within) : NULL;
	if (!outer)
		return entered(f && pass_decision(regs, f));
	return entered(enter_decision(regs, outer->call.skb, f, addr));
}

// The packet, which is read from an argument. The arguments are written into an unused element of the list.
static __always_inline u64 indirect_skb(struct registers *regs, const struct decision_function *f)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct decision_call *d;
	u64 skb = 0;

	if (!calls)
		return 0;
	if (calls->depth >= MAX_DECISION_CALLS)
		calls->depth = 0;
	d = &calls->list[calls->depth & (MAX_DECISION_CALLS - 1)];
	keep_call_arguments(d, regs, f);
	read_decision_skb(&d->args, &skb, f->at_entry[0] ? f->at_entry[0] : f->at_return[0]);
	return skb;
}

SEC("kprobe/decision_indirect")
int kprobe_decision_indirect(struct registers *regs)
{
	struct decision_function *f;
	u64 addr, key, skb;

	if (is_return(regs))
		return note_nft_return((u32)leave_decision(regs));
	addr = probed_function(regs);
	key = addr + INDIRECT_KEY;
	f = bpf_map_lookup_elem(&decision_functions, &key);
	if (!f)
		return entered(false);
	skb = indirect_skb(regs, f);
	return entered(skb && is_decision_wanted((void *)skb) ? enter_decision(regs, skb, f, addr) : pass_decision(regs, f));
}

SEC("kprobe/decision_return")
int kprobe_decision_return(struct registers *regs)
{
	return note_nft_return((u32)leave_decision(regs));
}
