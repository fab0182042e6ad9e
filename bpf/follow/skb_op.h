// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The operations that kernel functions perform on followed packets: copying, splitting, merging,
// decapsulating, freeing. User space assigns one of these to each such function.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/scratch.h"
#include "packet/xdp.h"
#include "follow/branch.h"
#include "follow/frame.h"

enum skb_op_kind {
	OP_NONE,
	// The packet is a copy of the operand, and becomes a branch of it.
	OP_COPY,
	// The same, but if the operand is not followed, the packet keeps its own branch, if any.
	OP_SPLIT,
	// The packet is merged into the operand.
	OP_MERGE,
	// The packet is a fragment that is added to the reassembly queue `operand`.
	OP_QUEUE,
	// The packet is the reassembled one of the queue `operand`.
	OP_REASSEMBLE,
	// The queue `operand` is discarded.
	OP_DROP_QUEUE,
	// The packet is decapsulated or encapsulated in place.
	OP_TUNNEL,
	// The packet leaves its device, perhaps for another network namespace.
	OP_LEAVE_DEVICE,
	// skb->head is about to be replaced.
	OP_REPLACE_HEAD,
	// The sk_buff is freed; if a driver frees it, its data may go to XDP.
	OP_XDP_LEND,
	// XDP takes over the data of the xdp_buff `operand`.
	OP_XDP_TAKE,
	// XDP frees the data at address `operand`.
	OP_XDP_FREE,
	// The sk_buff itself is passed to XDP as a frame.
	OP_XDP_LEND_SKB,
	// The data of the xdp_buff `operand` are freed.
	OP_XDP_RETURN,
	// The sk_buff begins to be freed. At this and all following operations except OP_RELEASE_DATA, a
	// packet that is not followed yet does not begin to be followed.
	OP_BEGIN_FREE,
	// The sk_buff releases its data.
	OP_RELEASE_DATA,
	// The sk_buff ends.
	OP_END,
	// Another sk_buff took over the data of this one, if `operand` is true.
	OP_STEAL_DATA,
	// The data are freed.
	OP_FREE_DATA,
	// The sk_buff is freed.
	OP_FREE,
};

// An operation as user space describes it. Arguments count from 1; 0 is none.
struct skb_op {
	u8 kind;
	// The origin of the branch; 0 if the caller decides.
	u8 origin;
	// The argument with the packet, and the operation's operand.
	u8 skb, operand;
	// The argument with the packet of an event, if one is emitted, and its drop reason.
	u8 shown, reason;
	u8 pad[2];
};

// By the function's address. Its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct skb_op);
} skb_ops SEC(".maps");

// The origin of a copy by the calling function.
static __always_inline u8 origin_by_caller(u64 caller)
{
	u8 origin = ORIGIN_COPY;

	for (u32 i = 0; i < MAX_CALLERS && i < CFG.caller_count; i++)
		if (caller - CFG.callers[i].begin < CFG.callers[i].size)
			origin = CFG.callers[i].origin;
	return origin;
}

// Adds the branch of a copy. A clone will get the head of the original; any other copy has its own by now.
static __noinline int make_copy(u64 skb, u64 operand, const struct skb_op *r, u64 caller)
{
	struct branch *of = live_branch(operand);
	struct ancestor from = { .origin = r->origin };

	if (!from.origin)
		from.origin = origin_by_caller(caller);
	if (from.origin == ORIGIN_SAME)
		return 0;
	if (of) {
		from.id = of->id;
		from.part = of->part;
		add_branch(skb, from.origin == ORIGIN_CLONE ? of->head : head_of(skb), &from);
	} else if (r->kind == OP_COPY) {
		remove_branch(skb);
	}
	return 0;
}

// Gives a branch of the same sk_buff a new part id.
static __noinline int relabel(struct branch *b, u64 id, u64 parent, u8 origin)
{
	u32 level;

	if (get_scratch(&level)) {
		b->id = id;
		b->parent = parent;
		b->part = next_part_id(level);
		b->origin = origin;
	}
	put_scratch();
	return 0;
}

// Makes the packet a part of the packet with this id.
static __always_inline void join_branch(u64 skb, struct branch *b, u64 id, u64 part)
{
	struct ancestor from = { .id = id, .part = part, .origin = ORIGIN_MERGE };

	if (!b)
		add_branch(skb, head_of(skb), &from);
	else if (b->part != part && (b->origin != ORIGIN_MERGE || b->parent != part))
		relabel(b, id, part, ORIGIN_MERGE);
}

static __noinline int merge_branches(u64 skb, u64 into)
{
	struct branch *b = live_branch(skb), *to = live_branch(into);

	if (b && to)
		join_branch(skb, b, to->id, to->part);
	else if (b)
		join_branch(into, to, b->id, b->part);
	else if (to)
		join_branch(skb, b, to->id, to->part);
	return 0;
}

static __noinline int queue_fragment(u64 skb, u64 q)
{
	struct head_owner *first = bpf_map_lookup_elem(&queues, &q);
	struct branch *b = live_branch(skb);
	struct head_owner o = {};

	if (first) {
		join_branch(skb, b, first->id, first->part);
	} else if (b) {
		o.id = b->id;
		o.part = b->part;
		bpf_map_update_elem(&queues, &q, &o, BPF_ANY);
	}
	return 0;
}

static __always_inline void drop_queue(u64 q)
{
	bpf_map_delete_elem(&queues, &q);
}

static __always_inline void tunnel_branch(u64 skb, u8 origin)
{
	struct branch *b = live_branch(skb);

	if (b)
		relabel(b, b->id, b->part, origin);
}

static __always_inline void expect_new_head(u64 skb)
{
	struct branch *b = live_branch(skb);

	if (b)
		b->replacing_head = 1;
}

// Ends the branch of an sk_buff that releases its data. If it did so before, that was another sk_buff at
// the same address whose end was missed: the kernel frees some in bulk (kfree_skb_list_reason, 6.3).
static __noinline int end_branch(u64 skb)
{
	struct branch *b = bpf_map_lookup_elem(&branches, &skb);

	if (!b)
		return 0;
	if (b->ended)
		remove_branch(skb);
	else if (live_branch(skb))
		b->ended = 1;
	return 0;
}

// Another sk_buff took the data over; this one is freed next, without releasing any.
static __always_inline void steal_data(u64 skb)
{
	struct branch *b = live_branch(skb);

	if (b)
		b->stolen = 1;
}

// Ends the branch of an sk_buff whose data were taken over.
static __always_inline void begin_free(u64 skb)
{
	struct branch *b = live_branch(skb);

	if (b && b->stolen)
		remove_branch(skb);
}

static __noinline int release_data(u64 skb, u64 caller)
{
	// A function that replaces the data releases the old ones, and the sk_buff stays in use.
	if (origin_by_caller(caller) != ORIGIN_SAME)
		end_branch(skb);
	return 0;
}

// The data of the sk_buff that a driver freed last. If XDP takes data over next, it may be these: the driver
// keeps a reference on them.
struct loan {
	u64 head;
	struct head_owner owner;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct loan);
} loans SEC(".maps");

// Records the data of an sk_buff that a driver frees, in place of the previous loan.
static __noinline int lend_to_xdp(u64 skb, u64 caller)
{
	struct loan *l = this_cpu_value(loans);
	struct branch *b;

	if (!l || origin_by_caller(caller) != ORIGIN_XDP)
		return 0;
	b = live_branch(skb);
	l->head = b ? b->head : 0;
	l->owner.id = b ? b->id : 0;
	l->owner.part = b ? b->part : 0;
	l->owner.parent = b ? b->parent : 0;
	l->owner.origin = b ? b->origin : 0;
	return 0;
}

// Makes XDP the owner of the data that it takes over, if they are those that were lent last.
static __noinline int take_for_xdp(u64 xdp)
{
	u64 head = (u64)BPF_CORE_READ((const struct xdp_buff *)xdp, data_hard_start);
	struct loan *l = this_cpu_value(loans);

	if (!l || !l->head || l->head != head)
		return 0;
	l->head = 0;
	l->owner.held = bpf_ktime_get_ns();
	bpf_map_update_elem(&heads, &head, &l->owner, BPF_ANY);
	heads_held = 1;
	return 0;
}

static __always_inline void release_head(u64 head)
{
	bpf_map_delete_elem(&heads, &head);
}

static __noinline int return_frame(u64 xdp)
{
	release_head(xdp_head((const void *)xdp));
	return 0;
}

// Forgets the device of a packet, which has left it.
static __noinline int leave_device(u64 skb)
{
	struct branch *b = live_branch(skb);

	if (b)
		b->dev = 0;
	return 0;
}

// The part of the operation that comes before the event.
static __always_inline void apply_before(const struct skb_op *r, u64 skb, u64 operand, u64 caller)
{
	switch (r->kind) {
	case OP_COPY:
	case OP_SPLIT: make_copy(skb, operand, r, caller); return;
	case OP_MERGE: merge_branches(skb, operand); return;
	case OP_QUEUE: queue_fragment(skb, operand); return;
	case OP_REASSEMBLE: queue_fragment(skb, operand); drop_queue(operand); return;
	}
}

// The part of the operation that comes after the event.
static __always_inline void apply_after(const struct skb_op *r, u64 skb, u64 operand, u64 caller)
{
	switch (r->kind) {
	case OP_DROP_QUEUE: drop_queue(operand); return;
	case OP_TUNNEL: tunnel_branch(skb, r->origin); return;
	case OP_LEAVE_DEVICE: leave_device(skb); return;
	case OP_REPLACE_HEAD: expect_new_head(skb); return;
	case OP_XDP_LEND: lend_to_xdp(skb, caller); return;
	case OP_XDP_LEND_SKB: lend_skb(skb); return;
	case OP_XDP_RETURN: return_frame(operand); return;
	case OP_XDP_TAKE: take_for_xdp(operand); return;
	case OP_BEGIN_FREE: begin_free(skb); return;
	case OP_RELEASE_DATA: release_data(skb, caller); return;
	case OP_END: end_branch(skb); return;
	case OP_STEAL_DATA:
		if (operand & 1)
			steal_data(skb);
		return;
	case OP_FREE_DATA: free_head(head_of(skb)); return;
	case OP_FREE: remove_branch(skb); return;
	case OP_XDP_FREE: release_head(operand); return;
	}
}

// The branch of the packet; once the data are freed, that of the freed sk_buff.
static __always_inline struct branch *branch_for(const struct skb_op *r, u64 skb)
{
	return r->kind < OP_FREE_DATA ? live_branch(skb) : freed_branch(skb);
}

// Whether a packet may begin to be followed here; not once it is freed, since its contents are undefined.
static __always_inline bool may_begin(const struct skb_op *r)
{
	return r->kind < OP_BEGIN_FREE || r->kind == OP_RELEASE_DATA;
}

// Keeps the type in the BTF of the object, from which the Go types are generated.
const enum skb_op_kind *skb_op_kind_used __attribute__((unused));
