// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What certain kernel functions do to the packets that are followed: they copy,
// cut, join, unpack and free them. User space knows the functions and gives each
// one of these roles.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/scratch.h"
#include "packet/xdp.h"
#include "follow/branch.h"
#include "follow/frame.h"

enum role_kind {
	ROLE_NONE,
	// The packet becomes a branch of `other`, which is what it is made of.
	ROLE_COPY,
	// The same, where the packet may live on as it is, if `other` is not followed.
	ROLE_CUT,
	// The packet becomes part of `other`.
	ROLE_MERGE,
	// The packet waits for its other fragments in the queue `other`; it is what they
	// were joined to; the queue is given up.
	ROLE_QUEUE,
	ROLE_JOIN,
	ROLE_UNQUEUE,
	// The packet goes on as what it carries, or as what carries it.
	ROLE_TURN,
	// The packet leaves its device, perhaps for another network namespace.
	ROLE_CROSS,
	// The head is about to be replaced.
	ROLE_SETTLE,
	// The packet's data may go to XDP; XDP takes those of the xdp_buff `other` over; it
	// has freed those at `other`.
	ROLE_LEND,
	ROLE_HOLD,
	ROLE_RELEASE,
	// The packet is given to XDP as it is; the data of the xdp_buff `other` are freed.
	ROLE_LEND_WHOLE,
	ROLE_RETURN,
	// From here on the packet is at its end: it may be known, and is no new one.
	ROLE_DIE,
	// The sk_buff lets go of its data; it ends; it has lost them if `other` is true.
	ROLE_LEAVE,
	ROLE_END,
	ROLE_STEAL,
	// The data are freed; the sk_buff is.
	ROLE_FREE_DATA,
	ROLE_FREE,
};

// What user space knows of a function. Arguments count from 1; 0 is none.
struct role {
	u8 kind;
	// How the branch comes to be; 0 where the caller tells.
	u8 origin;
	// The packet, and what its role has to do with.
	u8 skb, other;
	// The packet that an event tells of, if one is wanted, and its drop reason.
	u8 row, reason;
	u8 pad[2];
};

// By the function's address. Its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct role);
} roles SEC(".maps");

// What the function that the kernel is in, one step up, makes of a copy.
static __always_inline u8 origin_by_caller(u64 caller)
{
	u8 origin = ORIGIN_COPY;

	for (u32 i = 0; i < MOST_CALLERS && i < CFG.caller_count; i++)
		if (caller - CFG.callers[i].begin < CFG.callers[i].size)
			origin = CFG.callers[i].origin;
	return origin;
}

// A clone is about to get the other's head, any other copy has its own by now.
static __noinline int become_copy(u64 skb, u64 other, const struct role *r, u64 caller)
{
	struct branch *of = living_branch(other);
	struct ancestor from = { .origin = r->origin };

	if (!from.origin)
		from.origin = origin_by_caller(caller);
	if (from.origin == ORIGIN_SAME)
		return 0;
	if (of) {
		from.id = of->id;
		from.part = of->part;
		grow(skb, from.origin == ORIGIN_CLONE ? of->head : head_of(skb), &from);
	} else if (r->kind == ROLE_COPY) {
		forget(skb);
	}
	return 0;
}

// Makes a branch go on as another one of the same sk_buff.
static __noinline int become(struct branch *b, u64 id, u64 parent, u8 origin)
{
	u32 level;

	if (enter_room(&level)) {
		b->id = id;
		b->parent = parent;
		b->part = next_part(level);
		b->origin = origin;
	}
	leave_room();
	return 0;
}

// Makes the packet a part of what has that number already.
static __always_inline void join(u64 skb, struct branch *b, u64 id, u64 part)
{
	struct ancestor from = { .id = id, .part = part, .origin = ORIGIN_MERGE };

	if (!b)
		grow(skb, head_of(skb), &from);
	else if (b->part != part && (b->origin != ORIGIN_MERGE || b->parent != part))
		become(b, id, part, ORIGIN_MERGE);
}

static __noinline int merge(u64 skb, u64 into)
{
	struct branch *b = living_branch(skb), *to = living_branch(into);

	if (b && to)
		join(skb, b, to->id, to->part);
	else if (b)
		join(into, to, b->id, b->part);
	else if (to)
		join(skb, b, to->id, to->part);
	return 0;
}

static __noinline int queue(u64 skb, u64 q)
{
	struct owner *first = bpf_map_lookup_elem(&queues, &q);
	struct branch *b = living_branch(skb);
	struct owner o = {};

	if (first) {
		join(skb, b, first->id, first->part);
	} else if (b) {
		o.id = b->id;
		o.part = b->part;
		bpf_map_update_elem(&queues, &q, &o, BPF_ANY);
	}
	return 0;
}

static __always_inline void unqueue(u64 q)
{
	bpf_map_delete_elem(&queues, &q);
}

static __always_inline void turn(u64 skb, u8 origin)
{
	struct branch *b = living_branch(skb);

	if (b)
		become(b, b->id, b->part, origin);
}

static __always_inline void settle(u64 skb)
{
	struct branch *b = living_branch(skb);

	if (b)
		b->settling = 1;
}

// The sk_buff lets go of its data. A branch of its address that has done so before is another
// one's, whose end went by unseen: the kernel frees some in bulk (kfree_skb_list_reason, 6.3).
static __noinline int end_branch(u64 skb)
{
	struct branch *b = bpf_map_lookup_elem(&branches, &skb);

	if (!b)
		return 0;
	if (b->ended)
		forget(skb);
	else if (living_branch(skb))
		b->ended = 1;
	return 0;
}

// Another sk_buff has the data now; this one dies next, without letting go of any.
static __always_inline void steal(u64 skb)
{
	struct branch *b = living_branch(skb);

	if (b)
		b->stolen = 1;
}

static __always_inline void die(u64 skb)
{
	struct branch *b = living_branch(skb);

	if (b && b->stolen)
		forget(skb);
}

static __noinline int leave_data(u64 skb, u64 caller)
{
	// Who replaces the data lets go of the old ones, and lives on.
	if (origin_by_caller(caller) != ORIGIN_SAME)
		end_branch(skb);
	return 0;
}

// What a driver has lent to XDP last: it gives the sk_buff up first.
struct loan {
	u64 head;
	struct owner owner;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct loan);
} loans SEC(".maps");

// Whoever gives an sk_buff up ends the loan before.
static __noinline int lend(u64 skb, u64 caller)
{
	u32 zero = 0;
	struct loan *l = bpf_map_lookup_elem(&loans, &zero);
	struct branch *b;

	if (!l || origin_by_caller(caller) != ORIGIN_XDP)
		return 0;
	b = living_branch(skb);
	l->head = b ? b->head : 0;
	l->owner.id = b ? b->id : 0;
	l->owner.part = b ? b->part : 0;
	l->owner.parent = b ? b->parent : 0;
	l->owner.origin = b ? b->origin : 0;
	return 0;
}

static __noinline int hold(u64 xdp)
{
	u64 head = (u64)BPF_CORE_READ((const struct xdp_buff *)xdp, data_hard_start);
	u32 zero = 0;
	struct loan *l = bpf_map_lookup_elem(&loans, &zero);

	if (!l || !l->head || l->head != head)
		return 0;
	l->head = 0;
	l->owner.held = bpf_ktime_get_ns();
	bpf_map_update_elem(&heads, &head, &l->owner, BPF_ANY);
	heads_held = 1;
	return 0;
}

static __always_inline void release(u64 head)
{
	bpf_map_delete_elem(&heads, &head);
}

static __noinline int return_frame(u64 xdp)
{
	release(xdp_head((const void *)xdp));
	return 0;
}

// The device that a packet was last seen at is not where it is any more.
static __noinline int leave_device(u64 skb)
{
	struct branch *b = living_branch(skb);

	if (b)
		b->dev = 0;
	return 0;
}

// What has to be done before an event tells of the function.
static __always_inline void play_early(const struct role *r, u64 skb, u64 other, u64 caller)
{
	switch (r->kind) {
	case ROLE_COPY:
	case ROLE_CUT: become_copy(skb, other, r, caller); return;
	case ROLE_MERGE: merge(skb, other); return;
	case ROLE_QUEUE: queue(skb, other); return;
	case ROLE_JOIN: queue(skb, other); unqueue(other); return;
	}
}

// What has to be done behind it.
static __always_inline void play_late(const struct role *r, u64 skb, u64 other, u64 caller)
{
	switch (r->kind) {
	case ROLE_UNQUEUE: unqueue(other); return;
	case ROLE_TURN: turn(skb, r->origin); return;
	case ROLE_CROSS: leave_device(skb); return;
	case ROLE_SETTLE: settle(skb); return;
	case ROLE_LEND: lend(skb, caller); return;
	case ROLE_LEND_WHOLE: lend_whole(skb); return;
	case ROLE_RETURN: return_frame(other); return;
	case ROLE_HOLD: hold(other); return;
	case ROLE_DIE: die(skb); return;
	case ROLE_LEAVE: leave_data(skb, caller); return;
	case ROLE_END: end_branch(skb); return;
	case ROLE_STEAL:
		if (other & 1)
			steal(skb);
		return;
	case ROLE_FREE_DATA: free_head(head_of(skb)); return;
	case ROLE_FREE: forget(skb); return;
	case ROLE_RELEASE: release(other); return;
	}
}

// Who is known at this point: once the data are gone, those that have let go of them.
static __always_inline struct branch *branch_for(const struct role *r, u64 skb)
{
	return r->kind < ROLE_FREE_DATA ? living_branch(skb) : dying_branch(skb);
}

// Once a packet is freed, its contents are anything.
static __always_inline bool may_begin(const struct role *r)
{
	return r->kind < ROLE_DIE || r->kind == ROLE_LEAVE;
}

// The compiler keeps a type's description only where the type is used.
const enum role_kind *role_kind_used __attribute__((unused));
