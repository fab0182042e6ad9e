// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The tuple that a followed packet had when it first matched. The record of its drop includes it, since the
// packet may have other addresses by then. The key is the packet id.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/scratch.h"
#include "packet/tuple.h"
#include "follow/branch.h"
#include "follow/datagram.h"

// Its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct record_first);
} firsts SEC(".maps");

static __always_inline int keep_first(u64 skb, u64 id, u64 part)
{
	u32 level;
	struct scratch *scratch = get_scratch(&level);

	if (scratch) {
		if (!CFG.direct)
			copy_skb(scratch, (const struct sk_buff *)skb);
		parse_tuple(skb, level);
		scratch->first.by = FIRST_FOLLOWED;
		scratch->first.tuple = scratch->tuple;
		bpf_map_update_elem(&firsts, &id, &scratch->first, BPF_ANY);
		if (CFG.variants && scratch->tuple.has & TUPLE_FRAGMENT)
			keep_datagram(scratch, id, part);
	}
	put_scratch();
	return 0;
}

// Begins to follow an sk_buff that matched, and keeps its tuple.
static __always_inline struct branch *start_with_tuple(u64 skb)
{
	struct branch *b = start_following(skb);

	if (CFG.first && b)
		keep_first(skb, b->id, b->part);
	return b;
}

// The branch of an sk_buff that matched by another tuple, `first`.
static __always_inline struct branch *branch_with_tuple(u64 skb, const struct record_first *first)
{
	struct branch *b = followed_branch(skb);
	u64 id;

	if (b)
		return b;
	b = start_following(skb);
	if (!CFG.first || !b)
		return b;
	id = b->id;
	bpf_map_update_elem(&firsts, &id, first, BPF_ANY);
	return b;
}
