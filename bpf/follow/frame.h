// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Follows frames of XDP programs, which have no sk_buff yet, or were made from one: see packet/xdp.h.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/packet.h"
#include "packet/scratch.h"
#include "packet/xdp.h"
#include "match/xdp_filter.h"
#include "follow/branch.h"

enum {
	// Verdicts of XDP programs (include/uapi/linux/bpf.h).
	XDP_PASS = 2,
	XDP_TX = 3,
	XDP_REDIRECT = 4,
};

// The sk_buff that the kernel passes to an XDP program as a frame, on this CPU.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} lent_skb SEC(".maps");

static __noinline int lend_skb(u64 skb)
{
	u64 *lent = this_cpu_value(lent_skb);

	if (lent)
		*lent = skb;
	return 0;
}

// Finds the branch of a frame by the sk_buff that has its buffer. `f` describes the frame; before the call,
// only head is set.
static __always_inline bool frame_by_skb(struct branch *f, u64 skb)
{
	struct branch *b = skb ? live_branch(skb) : NULL;

	if (!b || b->head != f->head)
		return false;
	*f = *b;
	return true;
}

// Returns the sk_buff that was lent, and clears it.
static __always_inline u64 take_lent(void)
{
	u64 *lent = this_cpu_value(lent_skb), skb;

	if (!lent)
		return 0;
	skb = *lent;
	*lent = 0;
	return skb;
}

static __always_inline void copy_owner(struct branch *f, const struct head_owner *o)
{
	f->id = o->id;
	f->part = o->part;
	f->parent = o->parent;
	f->origin = o->origin;
}

// Finds the branch of a frame. If XDP passed the data to the stack and no sk_buff with them was seen, they
// were copied, and this is another frame in the same buffer.
static __noinline bool followed_frame(struct branch *f)
{
	u64 head = f->head;
	struct head_owner *o = bpf_map_lookup_elem(&heads, &head);

	if (frame_by_skb(f, take_lent()))
		return true;
	if (!o)
		return false;
	if (!o->held)
		return frame_by_skb(f, o->skb);
	if (is_held(o) && !o->passed) {
		copy_owner(f, o);
		return true;
	}
	bpf_map_delete_elem(&heads, &head);
	return false;
}

// Begins to follow a frame that matched and has no known sk_buff.
static __noinline int start_frame(struct branch *f)
{
	struct head_owner o = { .held = bpf_ktime_get_ns() };
	u64 head = f->head;
	u32 level;

	if (get_scratch(&level)) {
		o.id = next_packet_id(level);
		o.part = next_part_id(level);
	}
	put_scratch();
	copy_owner(f, &o);
	bpf_map_update_elem(&heads, &head, &o, BPF_ANY);
	heads_held = 1;
	return 0;
}

// Whether an event is emitted for the frame. Begins to follow a frame that matches, if packets get ids.
static __always_inline bool admit_xdp(struct branch *f, struct work *w, const struct xdp_buff *xdp)
{
	bool known;

	__builtin_memset(f, 0, sizeof(*f));
	f->head = xdp_head(xdp);
	known = CFG.ids && followed_frame(f);
	if (CFG.follow_matched && known)
		return true;
	if (!filter_xdp(w, xdp))
		return false;
	if (CFG.ids && !known)
		start_frame(f);
	return true;
}

// Updates the owner of a frame without an sk_buff by the verdict of the program.
static __noinline int update_frame(u64 head, u64 id, u32 verdict)
{
	struct head_owner *o = bpf_map_lookup_elem(&heads, &head);

	if (!o || !o->held || o->id != id)
		return 0;
	if (verdict != XDP_PASS && verdict != XDP_TX && verdict != XDP_REDIRECT) {
		bpf_map_delete_elem(&heads, &head);
		return 0;
	}
	o->held = bpf_ktime_get_ns();
	o->passed = verdict == XDP_PASS;
	return 0;
}
