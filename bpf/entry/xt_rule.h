// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Programs on the functions that evaluate the rules of iptables-legacy, ip6tables-legacy, arptables-legacy and ebtables:
// see explain/xt_rule.h. They are programs for decisions, too. They emit no events.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "explain/decision.h"
#include "explain/xt_rule.h"
#include "entry/decision.h"
#include "entry/return.h"

// Handles the call for a packet that matches; returns its number, from 1, or 0.
static __noinline int begin_xt_call(struct registers *regs, u64 skb)
{
	u64 addr = probed_function(regs);
	struct decision_function *f = bpf_map_lookup_elem(&decision_functions, &addr);
	struct decision_calls *calls;

	if (!running || !f || !enter_decision(regs, skb, f, addr))
		return 0;
	calls = this_cpu_value(decision_calls);
	return calls ? calls->depth : 0;
}

// Handles the call for a packet that does not match. Its return is of interest, too; it must not be taken for that of
// an earlier call at the same place, whose return was missed.
static __noinline int pass_xt_call(struct registers *regs)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);

	if (calls && calls->depth)
		drop_ended_decisions(calls, entry_anchor(regs) + 1);
	return 0;
}

SEC("kprobe/decision_xt")
int kprobe_decision_xt(struct registers *regs)
{
	u64 skb;

	if (is_return(regs))
		return note_xt_return((u32)leave_decision(regs), context_word(regs, RETURN_VALUE));
	skb = context_word(regs, CHOSEN_WORD);
	if (skb && is_decision_wanted((void *)skb))
		note_xt_call((u32)begin_xt_call(regs, skb));
	else
		pass_xt_call(regs);
	return entered(true);
}

SEC("kprobe/decision_xt_return")
int kprobe_decision_xt_return(struct registers *regs)
{
	return note_xt_return((u32)leave_decision(regs), context_word(regs, RETURN_VALUE));
}
