// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The functions that allocate an sk_buff. If one is called while a followed packet is handled, the new
// sk_buff is a part of that packet. The entry finds the active call on the stack; the sk_buff is known at the
// return.
#pragma once

#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "follow/branch.h"
#include "follow/callstack.h"
#include "entry/return.h"

// Returns whether an sk_buff is being allocated for a packet. If these functions call one another, the
// innermost one, which returns first, adds the branch.
static __always_inline bool begin_alloc(struct registers *regs)
{
	u64 anchor = entry_anchor(regs);
	struct stack_key key;
	struct callstack *s;

	find_stack(&key, anchor);
	s = bpf_map_lookup_elem(&callstacks, &key);
	if (!running || !s)
		return false;
	s->alloc.id = 0;
	if (!s->depth || !find_active(regs, s))
		return false;
	s->alloc.id = innermost(s)->id;
	s->alloc.part = innermost(s)->part;
	return s->alloc.id;
}

static __noinline int end_alloc(struct registers *regs)
{
	u64 skb = context_word(regs, RETURN_VALUE);
	struct ancestor from = { .origin = ORIGIN_STACK };
	struct stack_key key;
	struct callstack *s;

	find_stack(&key, return_anchor(regs));
	s = bpf_map_lookup_elem(&callstacks, &key);
	if (!running || !s || !s->alloc.id)
		return 0;
	from.id = s->alloc.id;
	from.part = s->alloc.part;
	s->alloc.id = 0;
	if (skb)
		add_branch(skb, head_of(skb), &from);
	return 0;
}

SEC("kprobe/alloc")
int kprobe_alloc(struct registers *regs)
{
	bool allocating = false;

	be_busy(1);
	if (is_return(regs))
		end_alloc(regs);
	else
		allocating = begin_alloc(regs);
	be_busy(-1);
	return entered(allocating);
}

SEC("kprobe/alloc_return")
int kprobe_alloc_return(struct registers *regs)
{
	be_busy(1);
	end_alloc(regs);
	be_busy(-1);
	return 0;
}
