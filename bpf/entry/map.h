// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The entry and return of functions of BPF maps that a program calls for a matching packet. Look-ups are
// emitted at their return, when the result is known.
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
#include "explain/map_call.h"
#include "emit/emit.h"
#include "emit/return.h"
#include "entry/handle.h"
#include "entry/return.h"
#include "entry/self_maps.h"

// Drops calls of map functions at this stack position or further in: they did not call this one, and have
// returned unseen.
static __always_inline void drop_map_calls(struct callstack *s, u64 anchor)
{
	for (u32 i = 0; i < MAX_LOOKS && s->depth; i++) {
		if (!(innermost(s)->recorded & CALL_MAP) || innermost(s)->anchor > anchor)
			break;
		drop_innermost(s);
	}
}

// The packet for which a map function is called; NULL if there is none, or if another map function called this
// one: then only the outer one is emitted.
static __always_inline struct sk_buff *map_caller_skb(struct registers *regs, u64 anchor, struct work *w)
{
	struct callstack *s = callstack_at(anchor, w);

	if (!s)
		return NULL;
	drop_map_calls(s, anchor);
	if (!s->depth || !find_active(regs, s) || innermost(s)->recorded & CALL_MAP)
		return NULL;
	return (void *)innermost(s)->skb;
}

// Records a look-up until the function returns; false if that fails.
static __always_inline bool begin_map_lookup(struct context *c, struct work *w, u64 anchor)
{
	struct callstack *s;

	begin_call(c, w, anchor);
	s = c->callstack;
	if (!s)
		return false;
	bpf_map_update_elem(&map_lookups, &s->key, c->map, BPF_ANY);
	innermost(s)->recorded = CALL_MAP | CALL_RECORDED;
	innermost(s)->time = bpf_ktime_get_ns();
	return true;
}

// Returns whether the call is recorded.
static __always_inline bool emit_map_call(struct registers *regs, u32 operation, u32 element)
{
	struct context c = { .program = regs, .kind = RECORD_FUNCTION };
	u64 map = context_word(regs, ARGUMENT_1), anchor = entry_anchor(regs);
	struct map_scratch *scratch;
	struct map_call *call;

	if (!running || is_self_map(map))
		return false;
	scratch = this_cpu_value(map_scratches);
	if (!scratch)
		return false;
	c.caller = return_address(regs);
	c.skb = map_caller_skb(regs, anchor, &scratch->work);
	if (!c.skb)
		return false;
	call = &scratch->call;
	call->map = map;
	call->key = context_word(regs, ARGUMENT_2);
	call->value = operation == MAP_UPDATE ? context_word(regs, ARGUMENT_3) : 0;
	call->operation = operation;
	call->element = element;
	c.map = call;
	c.addr = probed_function(regs);
	if (operation == MAP_LOOKUP)
		return begin_map_lookup(&c, &scratch->work, anchor);
	if (CFG.ids)
		c.branch = followed_branch((u64)c.skb);
	return handle_call(&c, &scratch->work, anchor, CFG.returns, 0);
}

static __always_inline bool enter_map(struct registers *regs, u32 operation, u32 element)
{
	bool kept;

	if (CFG.ids)
		be_busy(1);
	kept = emit_map_call(regs, operation, element);
	if (CFG.ids)
		be_busy(-1);
	return kept;
}

// A function of its own, so that its stack does not add to that of the return.
static __noinline bool enter_map_lookup(struct registers *regs, u32 element)
{
	return enter_map(regs, MAP_LOOKUP, element);
}

// Emits a look-up at its return, as an entry with a result.
static __always_inline void emit_map_lookup(struct registers *regs, struct callstack *s, struct call *call)
{
	struct context c = { .program = regs, .kind = RECORD_FUNCTION, .at_return = true };
	struct map_call *m = bpf_map_lookup_elem(&map_lookups, &s->key);
	u64 result = context_word(regs, RETURN_VALUE);

	call->recorded = CALL_MAP; // not emitted yet
	if (!m) // evicted
		return;
	m->value = result && m->element ? element_result((void *)m->map, result) : result;
	c.map = m;
	c.addr = call->addr;
	c.caller = call->caller;
	c.skb = (void *)call->skb;
	c.callstack = s;
	if (CFG.ids)
		c.branch = followed_branch((u64)c.skb);
	emit(&c);
}

// Ends a look-up. Its call stays active until its event was emitted.
static __always_inline void end_map_lookup(struct registers *regs)
{
	u64 anchor = return_anchor(regs), index;
	struct map_scratch *scratch;
	struct call *call;
	struct callstack *s;

	scratch = running ? this_cpu_value(map_scratches) : NULL;
	if (!scratch)
		return;
	s = callstack_at(anchor, &scratch->work);
	if (!s || !s->depth || !end_call(s, anchor, returning_function(regs)))
		return;
	index = s->depth & (MAX_CALLS - 1);
	call = &s->list[index];
	s->key.index = index;
	s->depth = index + 1;
	if (call->recorded & CALL_MAP)
		emit_map_lookup(regs, s, call);
	s->depth = index;
	if (CFG.returns)
		emit_return(call, &s->key, context_word(regs, RETURN_VALUE));
}

static __noinline int leave_map(struct registers *regs)
{
	if (CFG.ids)
		be_busy(1);
	end_map_lookup(regs);
	if (CFG.ids)
		be_busy(-1);
	return 0;
}

SEC("kprobe/map_return")
int kprobe_map_return(struct registers *regs)
{
	return leave_map(regs);
}

SEC("kprobe/map_lookup")
int kprobe_map_lookup(struct registers *regs)
{
	return is_return(regs) ? leave_map(regs) : entered(enter_map_lookup(regs, 0));
}

SEC("kprobe/map_element")
int kprobe_map_element(struct registers *regs)
{
	return is_return(regs) ? leave_map(regs) : entered(enter_map_lookup(regs, 1));
}

SEC("kprobe/map_update")
int kprobe_map_update(struct registers *regs)
{
	return is_return(regs) ? leave_function(regs) : entered(enter_map(regs, MAP_UPDATE, 0));
}

SEC("kprobe/map_delete")
int kprobe_map_delete(struct registers *regs)
{
	return is_return(regs) ? leave_function(regs) : entered(enter_map(regs, MAP_DELETE, 0));
}
