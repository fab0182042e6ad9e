// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Programs that record what explains a later drop: see explain/last_hook.h and explain/drop_site.h. They
// emit no events.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "core/tracepoint.h"
#include "packet/scratch.h"
#include "follow/callstack.h"
#include "explain/drop_site.h"
#include "explain/last_hook.h"
#include "explain/netfilter.h"
#include "entry/return.h"

// Records the last call of each packet to a hook function of netfilter.
SEC("kprobe/hook")
int kprobe_hook(struct registers *regs)
{
	const struct sk_buff *skb = (void *)context_word(regs, CHOSEN_WORD);
	struct hook_call call;

	if (is_return(regs))
		return 0;
	if (running && skb) {
		find_call(&call, regs, probed_function(regs));
		note_hook(skb, &call);
	}
	return entered(false);
}

// The caller of dev_kfree_skb_any_reason; 0 if it is not found.
static __noinline u64 outer_caller(struct registers *regs)
{
	u64 frames[QUEUE_FRAMES] = {};
	bool passed = false;

	if (bpf_get_stack(regs, frames, sizeof(frames), 0) < 0)
		return 0;
	for (u32 i = 0; i < QUEUE_FRAMES; i++) {
		bool inside = is_within(frames[i], &CFG.free_any);

		if (passed && !inside)
			return frames[i];
		passed |= inside;
	}
	return 0;
}

// Records the caller of dev_kfree_skb_irq_reason, or of dev_kfree_skb_any_reason if that called it.
SEC("kprobe/queued_free")
int kprobe_queued_free(struct registers *regs)
{
	u64 skb = context_word(regs, CHOSEN_WORD), caller;

	if (is_return(regs))
		return 0;
	caller = return_address(regs);
	if (is_within(caller, &CFG.free_any))
		caller = outer_caller(regs);
	if (running && caller && !is_trampoline(caller))
		bpf_map_update_elem(&queued_frees, &skb, &caller, BPF_ANY);
	return entered(false);
}

// Records the exact reason of a queueing discipline.
SEC("raw_tp/qdisc_drop")
int tracepoint_qdisc_drop(struct tracepoint_arguments *a)
{
	struct qdisc_detail *detail = this_cpu_value(qdisc_details);

	if (!detail)
		return 0;
	detail->skb = context_word(a, CHOSEN_WORD);
	detail->reason = tracepoint_argument(a, tracepoint_params() >> 24);
	return 0;
}
