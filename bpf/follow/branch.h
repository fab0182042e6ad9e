// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Following a packet. It has one number from the first match to the free of its
// data, whatever becomes of it; each sk_buff that carries it, or a part of it, is
// a branch with a number of its own that knows the one it came from. Branches are
// found by the sk_buff's address, and where that is a new one by the address of the
// data (skb->head), which clones share and which XDP passes on.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/scratch.h"
#include "match/netdev.h"

// Who has a head: what shares it is of the same packet. Where functions tell of clones
// and no XDP programs are traced, only the heads that XDP holds are noted.
struct head_owner {
	u64 id, part, parent;
	// When XDP got the data, from an sk_buff or from a driver (bpf_ktime_get_ns); 0 is not.
	u64 held;
	// The sk_buff that has them; 0 is not known.
	u64 skb;
	u8 origin;
	// XDP has let them pass, so that an sk_buff comes next and not XDP again.
	u8 passed;
	u8 pad[6];
};

enum {
	// Nanoseconds that XDP may take from one sk_buff to the next. Afterwards nobody has
	// noticed the end of the data.
	LONGEST_HOLD = 1000000000,
};

// The size of these maps is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct branch);
} branches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct head_owner);
} heads SEC(".maps");

// Fragments that wait for one another, by the address of their queue.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct head_owner);
} queues SEC(".maps");

struct id_counts {
	u64 packets, parts;
};

// One for each level of nesting, so that no two programs count at the same time. Packets are
// counted apart from parts: a count that user space does not see is a packet that it has missed.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NESTING);
	__type(key, u32);
	__type(value, struct id_counts);
} id_counters SEC(".maps");

enum {
	// Numbers of deeper levels begin above those that are likely to be reached.
	LEVEL_SHIFT = 48,
};

// Whether XDP has ever held a head: only then is it looked for.
u32 heads_held = 0;

// The nth number of this CPU, which no other CPU and level has. CPUs take turns, so that it
// stays small. internal/enrich/sources.go takes it apart.
static __always_inline u64 make_id(u64 n, u32 level)
{
	return (n * CFG.cpus + bpf_get_smp_processor_id() + 1) + ((u64)level << LEVEL_SHIFT);
}

// A number that no other packet has.
static __noinline u64 next_packet_id(u32 level)
{
	struct id_counts *n = bpf_map_lookup_elem(&id_counters, &level);

	return n ? make_id(n->packets++, level) : 0;
}

// A number that no other branch has.
static __noinline u64 next_part_id(u32 level)
{
	struct id_counts *n = bpf_map_lookup_elem(&id_counters, &level);

	return n ? make_id(n->parts++, level) : 0;
}

static __always_inline void count_branch(bool added)
{
	u32 zero = 0;
	struct counters *n = bpf_map_lookup_elem(&counts, &zero);

	if (n)
		__sync_fetch_and_add(added ? &n->branches_added : &n->branches_removed, 1);
}

static __always_inline void remove_branch(u64 skb)
{
	if (!bpf_map_delete_elem(&branches, &skb))
		count_branch(false);
}

// Puts a branch into the table, in place of what its address stood for.
static __noinline struct branch *store_branch(u64 skb, const struct branch *b)
{
	struct branch *known = bpf_map_lookup_elem(&branches, &skb);

	if (known) {
		*known = *b;
		return known;
	}
	if (!bpf_map_update_elem(&branches, &skb, b, BPF_NOEXIST))
		count_branch(true);
	return bpf_map_lookup_elem(&branches, &skb);
}

// What a new branch comes from; with 0 it is the first of a packet.
struct ancestor {
	u64 id, part;
	u8 origin;
};

static __always_inline u64 head_of(u64 skb)
{
	return (u64)BPF_CORE_READ((const struct sk_buff *)skb, head);
}

// Notes whose head it is, where packets are known by that. Clones leave it to the first
// that had it.
static __noinline int note_head(u64 head, u64 skb, const struct branch *b)
{
	struct head_owner fresh = { .id = b->id, .part = b->part, .skb = skb };
	struct head_owner *o;

	if (!CFG.find_clones && !CFG.xdp)
		return 0;
	o = bpf_map_lookup_elem(&heads, &head);
	if (!o || o->id != b->id)
		bpf_map_update_elem(&heads, &head, &fresh, BPF_ANY);
	else if (!o->skb)
		o->skb = skb;
	return 0;
}

// Makes the branch of an sk_buff.
static __noinline struct branch *add_branch(u64 skb, u64 head, const struct ancestor *from)
{
	struct branch b = { .head = head };
	struct branch *added = NULL;
	u32 level;

	if (get_scratch(&level)) {
		b.part = next_part_id(level);
		b.id = from->id ? from->id : next_packet_id(level);
		b.parent = from->part;
		b.origin = from->origin;
		added = store_branch(skb, &b);
	}
	put_scratch();
	if (added)
		note_head(head, skb, added);
	return added;
}

// The branch of an sk_buff that is being freed; NULL where it has none.
static __noinline struct branch *freed_branch(u64 skb)
{
	struct branch *b = bpf_map_lookup_elem(&branches, &skb);

	return b && b->head == head_of(skb) ? b : NULL;
}

// Whether a branch's data have not been freed since. Where functions don't tell of the
// end of each sk_buff, that tells of it.
static __always_inline bool has_data(const struct branch *b)
{
	u64 head = b->head;
	struct head_owner *o = bpf_map_lookup_elem(&heads, &head);

	return o && o->id == b->id;
}

// The branch of a living sk_buff; NULL where it has none.
static __noinline struct branch *live_branch(u64 skb)
{
	struct branch *b = bpf_map_lookup_elem(&branches, &skb);
	u64 head;

	if (!b || b->ended)
		return NULL;
	head = head_of(skb);
	if (head == b->head)
		return !CFG.find_clones || has_data(b) ? b : NULL;
	// Its end went by unseen: this is another one.
	if (!b->replacing_head)
		return NULL;
	b->head = head;
	b->replacing_head = 0;
	note_head(head, skb, b);
	return b;
}

static __always_inline bool is_held(const struct head_owner *o)
{
	return o->held && bpf_ktime_get_ns() - o->held < LONGEST_HOLD;
}

// Who had the data of an sk_buff that is not known: one that XDP took them from, or
// one that it is a clone of. Functions that clone tell of it, so that there the latter
// would be older data at the same address.
static __noinline bool find_ancestor(struct ancestor *a, u64 skb, u64 head)
{
	struct head_owner *o = bpf_map_lookup_elem(&heads, &head);

	if (!o)
		return false;
	a->id = o->id;
	a->part = o->part;
	if (is_held(o)) {
		o->held = 0;
		a->origin = ORIGIN_XDP;
		return true;
	}
	a->origin = ORIGIN_CLONE;
	return CFG.find_clones && BPF_CORE_READ_BITFIELD_PROBED((const struct sk_buff *)skb, cloned);
}

// The branch of an sk_buff that is followed already; NULL where it has none.
static __always_inline struct branch *followed_branch(u64 skb)
{
	struct branch *b = live_branch(skb);
	struct ancestor a;
	u64 head;

	if (b || (!heads_held && !CFG.find_clones))
		return b;
	head = head_of(skb);
	return find_ancestor(&a, skb, head) ? add_branch(skb, head, &a) : NULL;
}

// Notes the device that a packet is at, for when the sk_buff does not say it any more.
static __noinline int note_device(struct branch *b, u64 skb)
{
	const struct net_device *dev;

	if (!CFG.last_device)
		return 0;
	dev = device_in(peek(struct sk_buff, skb, dev));
	if (!dev || b->dev == (u64)dev || !is_netns(device_netns(dev)))
		return 0;
	b->dev = (u64)dev;
	b->ifindex = BPF_CORE_READ(dev, ifindex);
	return 0;
}

// Begins to follow an sk_buff that matched.
static __noinline struct branch *start_following(u64 skb)
{
	struct ancestor none = {};
	struct branch *b = add_branch(skb, head_of(skb), &none);

	if (b)
		note_device(b, skb);
	return b;
}

// The data at that address are freed, unless XDP goes on with them.
static __noinline int free_head(u64 head)
{
	struct head_owner *o = bpf_map_lookup_elem(&heads, &head);

	if (o && !is_held(o))
		bpf_map_delete_elem(&heads, &head);
	return 0;
}

// Whether nobody else has the data of an sk_buff that lets go of them
// (skb_release_data in net/core/skbuff.c). Two CPUs that let go at the same time
// may both see the other's hold.
static __always_inline bool last_holder(const struct sk_buff *skb, u64 head)
{
	u64 shared = head + BPF_CORE_READ(skb, end);
	u32 holders = 0, mine = 1;

	if (!BPF_CORE_READ_BITFIELD_PROBED(skb, cloned))
		return true;
	if (BPF_CORE_READ_BITFIELD_PROBED(skb, nohdr))
		mine += 1 << DATAREF_SHIFT;
	read_kernel(&holders, sizeof(holders),
		    shared + bpf_core_field_offset(struct skb_shared_info, dataref));
	return holders == mine;
}

// Programs on functions that run on this CPU: one, or none. While one runs, the kernel
// runs no other on the CPU, not even in an interrupt, so that the ends of packets go
// by unseen there.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} busy SEC(".maps");

static __always_inline void be_busy(int more)
{
	u32 zero = 0;
	u32 *n = bpf_map_lookup_elem(&busy, &zero);

	if (n)
		*n += more;
}

static __always_inline bool is_busy(void)
{
	u32 zero = 0;
	u32 *n = bpf_map_lookup_elem(&busy, &zero);

	return n && *n;
}

// Ends a packet of which nothing more will be heard.
static __noinline int end_packet(u64 skb)
{
	u64 head = head_of(skb);

	if (!bpf_map_lookup_elem(&branches, &skb) && !bpf_map_lookup_elem(&heads, &head))
		return 0;
	if (last_holder((const void *)skb, head))
		free_head(head);
	remove_branch(skb);
	return 0;
}
