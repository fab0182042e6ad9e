// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The table of followed packets. A packet keeps one id from its first match until its data are freed. Each
// sk_buff that carries it or a part of it is a branch, with its own part id and that of the branch it came
// from (parent). Branches are found by the address of the sk_buff, and for a new sk_buff by the address of
// its data (skb->head), which clones share and XDP passes on.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/scratch.h"
#include "match/netdev.h"

// The owner of a head; sk_buffs that share it belong to the same packet. If functions report clones and no
// XDP programs are traced, only heads that XDP holds are recorded.
struct head_owner {
	u64 id, part, parent;
	// The time at which XDP took the data over, from an sk_buff or a driver (bpf_ktime_get_ns); 0 if
	// it does not hold them.
	u64 held;
	// The sk_buff that has them; 0 if unknown.
	u64 skb;
	u8 origin;
	// XDP passed the frame to the stack, so that an sk_buff comes next.
	u8 passed;
	u8 pad[6];
};

enum {
	// Maximum time in ns for which XDP holds data without an sk_buff. Afterwards the data are
	// considered freed.
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

// Reassembly queues, by their address.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct head_owner);
} queues SEC(".maps");

struct id_counts {
	u64 packets, parts;
};

// Counters of ids, one pair per CPU and nesting level, so that no two programs increment the same one. Packets and
// parts are counted separately: a gap in the packet ids that user space sees is a packet whose events were
// lost.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NESTING);
	__type(key, u32);
	__type(value, struct id_counts);
} id_counters SEC(".maps");

enum {
	// Ids of nesting level n begin at n << LEVEL_SHIFT, which ids of lower levels do not reach in
	// practice.
	LEVEL_SHIFT = 48,
};

// Whether XDP ever held a head; heads are looked up only then.
u32 heads_held = 0;

// The nth id of this CPU and level. Ids of different CPUs are interleaved, which keeps them small.
// internal/enrich/sources.go decodes them.
static __always_inline u64 make_id(u64 n, u32 level)
{
	return (n * CFG.cpus + bpf_get_smp_processor_id() + 1) + ((u64)level << LEVEL_SHIFT);
}

// Returns a new packet id.
static __noinline u64 next_packet_id(u32 level)
{
	struct id_counts *n = bpf_map_lookup_elem(&id_counters, &level);

	return n ? make_id(n->packets++, level) : 0;
}

// Returns a new part id.
static __noinline u64 next_part_id(u32 level)
{
	struct id_counts *n = bpf_map_lookup_elem(&id_counters, &level);

	return n ? make_id(n->parts++, level) : 0;
}

static __always_inline void count_branch(bool added)
{
	struct counters *n = this_cpu_value(counts);

	if (n)
		__sync_fetch_and_add(added ? &n->branches_added : &n->branches_removed, 1);
}

static __always_inline void remove_branch(u64 skb)
{
	if (!bpf_map_delete_elem(&branches, &skb))
		count_branch(false);
}

// Stores a branch, in place of the previous one of this address.
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

// The branch from which a new one comes; id 0 for the first of a packet.
struct ancestor {
	u64 id, part;
	u8 origin;
};

static __always_inline u64 head_of(u64 skb)
{
	return (u64)BPF_CORE_READ((const struct sk_buff *)skb, head);
}

// Records the owner of a head, if packets are recognized by their head. A clone of the owner does not replace
// it.
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

// Adds the branch of an sk_buff.
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

// The branch of an sk_buff that is being freed, or NULL.
static __noinline struct branch *freed_branch(u64 skb)
{
	struct branch *b = bpf_map_lookup_elem(&branches, &skb);

	return b && b->head == head_of(skb) ? b : NULL;
}

// Whether the data of a branch have not been freed: free_head removes the owner. If functions do not report
// the end of each sk_buff, this is how the end is noticed.
static __always_inline bool has_data(const struct branch *b)
{
	u64 head = b->head;
	struct head_owner *o = bpf_map_lookup_elem(&heads, &head);

	return o && o->id == b->id;
}

// The branch of an sk_buff in use, or NULL.
static __noinline struct branch *live_branch(u64 skb)
{
	struct branch *b = bpf_map_lookup_elem(&branches, &skb);
	u64 head;

	if (!b || b->ended)
		return NULL;
	head = head_of(skb);
	if (head == b->head)
		return !CFG.find_clones || has_data(b) ? b : NULL;
	// Its end was missed: this is another sk_buff at the same address.
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

// Finds the branch from which an unknown sk_buff comes: one whose data XDP took over, or one that it is a
// clone of. If functions report clones, the latter is not used: the owner would be that of older
// data at the same address.
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

// The branch of an sk_buff that is followed already, or NULL.
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

// Records the device of a packet, for when the sk_buff has none any more.
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

// Ends the ownership of freed data, unless XDP still holds them.
static __noinline int free_head(u64 head)
{
	struct head_owner *o = bpf_map_lookup_elem(&heads, &head);

	if (o && !is_held(o))
		bpf_map_delete_elem(&heads, &head);
	return 0;
}

// Whether the sk_buff that releases its data is the last to hold them (skb_release_data in
// net/core/skbuff.c). Two CPUs that release at the same time may each see the other's reference.
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

// The number of function programs running on this CPU: 0 or 1. While one runs, the kernel runs no other on
// this CPU, not even in an interrupt, so the ends of packets are missed there.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} busy SEC(".maps");

static __always_inline void be_busy(int more)
{
	u32 *n = this_cpu_value(busy);

	if (n)
		*n += more;
}

static __always_inline bool is_busy(void)
{
	u32 *n = this_cpu_value(busy);

	return n && *n;
}

// Ends an sk_buff that will not be seen again.
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
