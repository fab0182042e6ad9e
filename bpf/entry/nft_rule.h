// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Programs on the functions that evaluate nftables expressions that can set a verdict: see explain/nft_rule.h.
// Their arguments are the expression, the registers and the struct nft_pktinfo. They emit no events.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "follow/callstack.h"
#include "explain/decision.h"
#include "explain/nft_rule.h"
#include "entry/return.h"

#define expression_data(regs) \
	((void *)(context_word(regs, ARGUMENT_1) + bpf_core_field_offset(struct nft_expr, data)))

// Handles the entry. Returns the traversal of the call of nft_do_chain around it, or NULL if that is not recorded.
static __noinline struct nft_traversal *enter_nft_expression(struct registers *regs)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct nft_traversal *t;

	if (!CFG.nft_do_chain.size || !running || !calls || !calls->depth)
		return NULL;
	t = nft_traversal_of((u32)find_nft_call(context_word(regs, ARGUMENT_3), 0, entry_anchor(regs)));
	if (t)
		note_nft_chain(t, context_word(regs, ARGUMENT_2));
	return t;
}

static __noinline int leave_nft_expression(struct registers *regs)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct nft_traversal *t;

	if (!CFG.nft_do_chain.size || !running || !calls || !calls->depth)
		return 0;
	t = nft_traversal_of((u32)find_nft_call(0, 0, return_anchor(regs)));
	if (!t || !t->pending)
		return 0;
	if (is_nft_drop(nft_code(t->regs)))
		t->expr = t->pending;
	t->pending = 0;
	return 0;
}

// A constant is a verdict if its destination is register 0, and it ends the evaluation. Its return is not handled.
SEC("kprobe/decision_nft_immediate")
int kprobe_decision_nft_immediate(struct registers *regs)
{
	struct nft_traversal *t = is_return(regs) ? NULL : enter_nft_expression(regs);
	const struct nft_immediate_expr *constant = expression_data(regs);

	if (t && is_nft_drop(BPF_CORE_READ(constant, data.verdict.code)) && !BPF_CORE_READ(constant, dreg))
		t->expr = context_word(regs, ARGUMENT_1);
	return entered(false);
}

// The result of a look-up is a verdict if it is in a verdict map.
SEC("kprobe/decision_nft_lookup")
int kprobe_decision_nft_lookup(struct registers *regs)
{
	struct nft_traversal *t;

	if (is_return(regs))
		return leave_nft_expression(regs);
	t = enter_nft_expression(regs);
	if (!t || !is_verdict_map(expression_data(regs)))
		return entered(false);
	t->pending = context_word(regs, ARGUMENT_1);
	return entered(true);
}

// Any other expression that can set a verdict.
SEC("kprobe/decision_nft_other")
int kprobe_decision_nft_other(struct registers *regs)
{
	struct nft_traversal *t;

	if (is_return(regs))
		return leave_nft_expression(regs);
	t = enter_nft_expression(regs);
	if (!t)
		return entered(false);
	t->pending = context_word(regs, ARGUMENT_1);
	return entered(true);
}

SEC("kprobe/decision_nft_return")
int kprobe_decision_nft_return(struct registers *regs)
{
	return leave_nft_expression(regs);
}

// On nft_register_expr: a module registers a type of expressions, whose functions are not probed.
SEC("kprobe/decision_nft_register")
int kprobe_decision_nft_register(struct registers *regs)
{
	if (!is_return(regs))
		nft_unprobed = 1;
	return entered(false);
}
