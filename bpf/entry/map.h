// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// A function of a BPF map, where a program calls it on behalf of a wanted packet. What
// is looked up is known, and told, when the function returns.
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

// A function of a map at the place of another's call has not been called by it: that
// one has returned unseen.
static __always_inline void drop_map_calls(struct calls *s, u64 anchor)
{
	for (u32 i = 0; i < MOST_LOOKS && s->depth; i++) {
		if (!(innermost(s)->told & CALL_MAP) || innermost(s)->anchor > anchor)
			break;
		drop_innermost(s);
	}
}

// The packet that a map's function is called for; NULL for none, and within another
// function of a map, which tells it all.
static __always_inline struct sk_buff *map_user(struct registers *regs, u64 anchor, struct work *w)
{
	struct calls *s = calls_at(anchor, w);

	if (!s)
		return NULL;
	drop_map_calls(s, anchor);
	if (!s->depth || !find_active(regs, s) || innermost(s)->told & CALL_MAP)
		return NULL;
	return (void *)innermost(s)->skb;
}

// Keeps what is looked up until the function returns, and says whether it could.
static __always_inline bool begin_lookup(struct context *c, struct work *w, u64 anchor)
{
	struct calls *s;

	begin_call(c, w, anchor);
	s = c->calls;
	if (!s)
		return false;
	bpf_map_update_elem(&lookups, &s->told, c->map, BPF_ANY);
	innermost(s)->told = CALL_MAP | CALL_TOLD;
	innermost(s)->time = bpf_ktime_get_ns();
	return true;
}

// Says whether the call is kept.
static __always_inline bool tell_map(struct registers *regs, u32 operation, u32 element)
{
	struct context c = { .program = regs, .kind = RECORD_FUNCTION };
	u64 map = context_word(regs, ARGUMENT_1), anchor = entry_anchor(regs);
	struct map_room *room;
	struct map_call *call;
	u32 zero = 0;

	if (!running || is_own_map(map))
		return false;
	room = bpf_map_lookup_elem(&map_rooms, &zero);
	if (!room)
		return false;
	c.caller = return_address(regs);
	c.skb = map_user(regs, anchor, &room->work);
	if (!c.skb)
		return false;
	call = &room->call;
	call->map = map;
	call->key = context_word(regs, ARGUMENT_2);
	call->value = operation == MAP_UPDATE ? context_word(regs, ARGUMENT_3) : 0;
	call->operation = operation;
	call->element = element;
	c.map = call;
	c.addr = probed_function(regs);
	if (operation == MAP_LOOKUP)
		return begin_lookup(&c, &room->work, anchor);
	if (CFG.track)
		c.branch = recall((u64)c.skb);
	return handle_call(&c, &room->work, anchor, CFG.returns, 0);
}

static __always_inline bool show_map(struct registers *regs, u32 operation, u32 element)
{
	bool kept;

	if (CFG.track)
		be_busy(1);
	kept = tell_map(regs, operation, element);
	if (CFG.track)
		be_busy(-1);
	return kept;
}

// A function of its own: what it takes of the stack does not add to what a return takes.
static __noinline bool show_lookup(struct registers *regs, u32 element)
{
	return show_map(regs, MAP_LOOKUP, element);
}

// Tells of a look-up as if the function was called now, and had the result.
static __always_inline void tell_lookup(struct registers *regs, struct calls *s, struct call *call)
{
	struct context c = { .program = regs, .kind = RECORD_FUNCTION, .at_return = true };
	struct map_call *m = bpf_map_lookup_elem(&lookups, &s->told);
	u64 result = context_word(regs, RETURN_VALUE);

	call->told = CALL_MAP; // not yet
	if (!m) // made room for another
		return;
	m->value = result && m->element ? found_in_element((void *)m->map, result) : result;
	c.map = m;
	c.addr = call->addr;
	c.caller = call->caller;
	c.skb = (void *)call->skb;
	c.calls = s;
	if (CFG.track)
		c.branch = recall((u64)c.skb);
	emit(&c);
}

// The call is under way until all is told.
static __always_inline void end_lookup(struct registers *regs)
{
	u64 anchor = return_anchor(regs), index;
	struct map_room *room;
	struct call *call;
	struct calls *s;
	u32 zero = 0;

	room = running ? bpf_map_lookup_elem(&map_rooms, &zero) : NULL;
	if (!room)
		return;
	s = calls_at(anchor, &room->work);
	if (!s || !s->depth || !end_call(s, anchor, returning_function(regs)))
		return;
	index = s->depth & (MOST_CALLS - 1);
	call = &s->list[index];
	s->told.index = index;
	s->depth = index + 1;
	if (call->told & CALL_MAP)
		tell_lookup(regs, s, call);
	s->depth = index;
	if (CFG.returns)
		emit_return(call, &s->told, context_word(regs, RETURN_VALUE));
}

static __noinline int leave_map(struct registers *regs)
{
	if (CFG.track)
		be_busy(1);
	end_lookup(regs);
	if (CFG.track)
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
	return is_return(regs) ? leave_map(regs) : entered(show_lookup(regs, 0));
}

SEC("kprobe/map_element")
int kprobe_map_element(struct registers *regs)
{
	return is_return(regs) ? leave_map(regs) : entered(show_lookup(regs, 1));
}

SEC("kprobe/map_update")
int kprobe_map_update(struct registers *regs)
{
	return is_return(regs) ? leave_function(regs) : entered(show_map(regs, MAP_UPDATE, 0));
}

SEC("kprobe/map_delete")
int kprobe_map_delete(struct registers *regs)
{
	return is_return(regs) ? leave_function(regs) : entered(show_map(regs, MAP_DELETE, 0));
}
