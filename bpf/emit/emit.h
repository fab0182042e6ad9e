// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Sends records: a record is reserved in the ring and filled in place.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "packet/packet.h"
#include "packet/scratch.h"
#include "packet/tunnel.h"
#include "packet/tuple.h"
#include "follow/branch.h"
#include "follow/callstack.h"
#include "explain/conntrack.h"
#include "explain/decision.h"
#include "explain/last_hook.h"
#include "explain/map_call.h"
#include "explain/netfilter.h"
#include "explain/variants.h"
#include "explain/why.h"
#include "emit/bytes.h"
#include "emit/meta.h"
#include "emit/recorded.h"

enum {
	// Return addresses per stack; the kernel records no more by default (kernel.perf_event_max_stack).
	MAX_FRAMES = 127,
	// Return addresses that are read to find the caller; at a tracepoint, those of the tracepoint's
	// own functions come first.
	CALLER_FRAMES = 12,
	FRAME_SIZE = 8,
};

_Static_assert(sizeof(struct record_core) + sizeof(struct record_meta) +
		       sizeof(struct record_tuple) + sizeof(struct record_tunnel) +
		       sizeof(struct record_cb) + sizeof(struct record_lineage) + MAX_SKB + MAX_SHARED +
		       MAX_VALUES + sizeof(struct record_hook) + sizeof(struct record_conntrack) +
		       sizeof(struct record_map) + sizeof(struct record_head) + sizeof(struct record_first) + MAX_PACKET + MAX_WHY +
		       MAX_FRAMES * FRAME_SIZE <= RECORD_BUFFER_SIZE,
	       "the largest record fits into a record_buffer");

// The size of struct record_map in a record of a map operation, else 0.
#define MAP_SIZE(c) (CFG.maps && (c)->map ? sizeof(struct record_map) : 0)

// The name of the current task, NUL-padded.
static __always_inline void fill_comm(u8 comm[16])
{
	const u64 *name;

	if (!CFG.direct) {
		bpf_get_current_comm(comm, 16);
		return;
	}
	name = (const u64 *)as(struct task_struct, bpf_get_current_task())->comm;
	((u64 *)comm)[0] = name[0];
	((u64 *)comm)[1] = name[1];
}

static __always_inline void fill_core(struct record_core *r, const struct context *c, u32 lost)
{
	u64 id = bpf_get_current_pid_tgid();

	r->time = bpf_ktime_get_ns();
	r->skb = (u64)c->skb;
	r->addr = c->addr;
	r->location = c->location;
	r->pid = id >> 32;
	r->tid = id;
	r->reason = c->reason;
	r->lost = lost;
	fill_comm(r->comm);
	r->cpu = bpf_get_smp_processor_id();
	r->kind = c->kind;
	r->parts = c->parts | CFG.record_parts | (MAP_SIZE(c) ? PART_MAP : 0);
	r->flags = c->flags;
}

static __always_inline void fill_cb(struct record_cb *r, const struct sk_buff *skb)
{
	u32 offset = offset_of(cb) + bpf_core_field_offset(struct qdisc_skb_cb, data);

	__builtin_memset(r, 0, sizeof(*r));
	read_kernel(r->words, sizeof(r->words), (const u8 *)skb + offset);
}

// Writes the values of the user's expressions on the skb, CFG.values_size bytes. The body is replaced by
// compiled expressions before loading.
static __noinline u32 fill_values(u64 skb, u8 *values)
{
	opaque(skb);
	*values = skb != 0;
	return 0;
}

// Fills the copies of the sk_buff and of its shared info, and the values of expressions.
static __always_inline void fill_dumps(u8 *at, const struct sk_buff *skb)
{
	u64 shared;

	if (CFG.skb_size)
		read_kernel(at, CFG.skb_size, skb);
	at += CFG.skb_size;
	if (CFG.shared_size) {
		shared = (u64)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end);
		read_kernel(at, CFG.shared_size, shared);
	}
	at += CFG.shared_size;
	if (CFG.values_size)
		fill_values((u64)skb, at);
}

// Fills the parts that a return repeats, and returns their end.
static __always_inline u8 *fill_recorded(u8 *at, const struct context *c, struct scratch *scratch)
{
	u64 headers = c->gone ? 0 : (u64)c->skb;

	if (!CFG.direct && (CFG.meta || CFG.tuple))
		copy_skb(scratch, c->skb);
	if (CFG.meta) {
		fill_packet_meta((void *)at, c, scratch);
		at += sizeof(struct record_meta);
	}
	if (CFG.tuple) {
		parse_tuple(headers, scratch->level);
		*(struct record_tuple *)at = scratch->tuple;
		at += sizeof(struct record_tuple);
	}
	if (CFG.tunnel) {
		parse_tunnel(headers, scratch->level);
		*(struct record_tunnel *)at = scratch->tunnel;
		at += sizeof(struct record_tunnel);
	}
	if (CFG.cb) {
		fill_cb((void *)at, c->skb);
		at += sizeof(struct record_cb);
	}
	return at;
}

static __always_inline void locate_hook(struct hook_call *call, const struct context *c)
{
	if (CFG.netfilter || CFG.conntrack)
		find_hook(call, c);
	if (CFG.conntrack)
		find_connection(call, c->skb);
}

// Keeps the parts for the record of the return, for a call whose entry is not emitted.
static __always_inline void record_silently(const struct context *c)
{
	struct recorded *t;
	struct scratch *scratch;
	u32 level;

	if (!c->callstack)
		return;
	t = recorded_of(c);
	scratch = get_scratch(&level);
	if (t && scratch) {
		fill_recorded(t->bytes, c, scratch);
		locate_hook(&scratch->call, c);
		if (CFG.netfilter)
			fill_hook(&t->hook, &scratch->call);
		if (CFG.conntrack)
			fill_conntrack(&t->conntrack, &scratch->call);
	}
	put_scratch();
	if (t && CFG.ids)
		fill_lineage(&t->lineage, c->branch);
}

// The size of the parts that fill_rest fills before the packet's bytes.
#define REST_SIZE                                                      \
	((CFG.conntrack ? sizeof(struct record_conntrack) : 0) +        \
	 (CFG.xdp ? sizeof(struct record_head) : 0))

// Fills the last parts of a record, but the packet's bytes. A function of its own, to save stack space in the caller.
static __noinline int fill_rest(u8 *at, const struct sk_buff *skb, const struct hook_call *call,
				const struct record_first *first)
{
	if (CFG.conntrack) {
		fill_conntrack((void *)at, call);
		at += sizeof(struct record_conntrack);
	}
	if (CFG.xdp) {
		((struct record_head *)at)->address = head_of((u64)skb);
		at += sizeof(struct record_head);
	}
	if (CFG.first)
		fill_first((void *)(at + CFG.packet_size), first);
	return 0;
}

// Keeps the parts that the return, or the program's verdict, repeats.
static __always_inline void keep_entry(const struct context *c, const struct entry_parts *p)
{
	if (EMITS_RETURN(c) && c->callstack)
		keep_recorded(c, p);
	if (CFG.programs && c->run)
		keep_run(c, p);
}

// Fills a record of CFG.record_size and MAP_SIZE bytes.
static __always_inline void fill_record(u8 *at, const struct context *c, u32 lost, struct scratch *scratch)
{
	struct entry_parts recorded = {};

	fill_core((void *)at, c, lost);
	recorded.first = at + sizeof(struct record_core);
	at = fill_recorded(at + sizeof(struct record_core), c, scratch);
	fill_dumps(at, c->skb);
	at += CFG.skb_size + CFG.shared_size + CFG.values_size;
	if (CFG.ids) {
		fill_lineage((void *)at, c->branch);
		at += sizeof(struct record_lineage);
	}
	locate_hook(&scratch->call, c);
	if (CFG.netfilter) {
		fill_hook((void *)at, &scratch->call);
		recorded.hook = at;
		at += sizeof(struct record_hook);
	}
	if (MAP_SIZE(c)) {
		fill_map((void *)at, c->map);
		at += sizeof(struct record_map);
	}
	fill_rest(at, c->skb, &scratch->call, CFG.first ? find_first(c, scratch) : NULL);
	recorded.conntrack = at;
	if (CFG.packet_size)
		fill_bytes((void *)(at + REST_SIZE), c->gone ? NULL : c->skb, scratch);
	keep_entry(c, &recorded);
}

// Appends return addresses to the record, and returns their size in bytes. Where the return address is in
// a register, the kernel's unwinder may not find it yet, and continues with the caller's caller. At its
// return, a function is no longer on the stack.
static __always_inline u32 fill_stack(u64 *frames, const struct context *c)
{
	u32 most = CFG.stack ? MAX_FRAMES * FRAME_SIZE : CALLER_FRAMES * FRAME_SIZE;
	bool caller_missing = (!CALLER_UNWOUND || c->at_return) && c->kind == RECORD_FUNCTION;
	u32 first = caller_missing ? 1 : 0;
	long size;

	if (!CFG.stack && c->kind == RECORD_FUNCTION) {
		frames[0] = c->addr;
		frames[1] = c->caller;
		return 2 * FRAME_SIZE;
	}
	size = bpf_get_stack(c->program, frames + first, most - first * FRAME_SIZE, 0);
	if (size < 0 || size > most)
		size = 0;
	if (!caller_missing)
		return size;
	frames[0] = c->addr;
	frames[1] = c->caller;
	return size + FRAME_SIZE < 2 * FRAME_SIZE ? 2 * FRAME_SIZE : size + FRAME_SIZE;
}

// Wakes the reader once when CFG.watermark is reached; it also polls.
static __always_inline u64 wakeup(u64 size)
{
	u64 waiting = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);

	return waiting >= CFG.watermark && waiting < CFG.watermark + 8 * size ?
		       BPF_RB_FORCE_WAKEUP :
		       BPF_RB_NO_WAKEUP;
}

// Sends a record of a fixed size.
static __always_inline bool send_fixed(const struct context *c, u32 lost, struct scratch *scratch)
{
	u32 size = CFG.record_size + MAP_SIZE(c);
	void *record = bpf_ringbuf_reserve(&events, size, 0);

	if (!record)
		return false;
	fill_record(record, c, lost, scratch);
	bpf_ringbuf_submit(record, wakeup(size));
	return true;
}

// Appends the part with the values that explain a drop to the record in the buffer of a level, and returns its
// size, or 0. The level is in the low half of level_at, the offset of the part in the high half. The function is
// global (not static), so the verifier checks it once.
__noinline int add_why(u64 skb, u64 sk, u64 location, u64 reason, u64 level_at)
{
	u32 level = level_at, at = level_at >> 32, size;
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &level);
	struct record_buffer *s = bpf_map_lookup_elem(&record_buffers, &level);

	if (!CFG.why || !scratch || !s || at > RECORD_BUFFER_SIZE - MAX_WHY)
		return 0;
	scratch->roots.skb = skb;
	scratch->roots.sk = sk;
	scratch->roots.cpu = bpf_get_smp_processor_id();
	// A packet that is consumed ends at no site.
	size = is_consumption(tracepoint_params()) ? sizeof(struct record_why) :
						     fill_sites(s->bytes + at, scratch, location, reason);
	if (CFG.decisions)
		size = add_decisions(at, size, scratch);
	if (size > MAX_WHY)
		return 0;
	((struct record_why *)(s->bytes + at))->size = size;
	((struct record_core *)s->bytes)->parts |= PART_WHY;
	return size;
}

// Appends that part to any record, and returns its size; 0 if the record is not of a drop.
static __always_inline u64 explain_drop(const struct context *c, u32 level, u64 at)
{
	u64 size;

	if (!CFG.why || c->kind != RECORD_TRACEPOINT || !(c->parts & PART_DROP))
		return 0;
	size = (u32)add_why((u64)c->skb, tracepoint_argument(c->program, tracepoint_params() >> 40), c->location,
		       c->parts & PART_REASON ? c->reason : NO_REASON, at << 32 | level);
	opaque(size);
	return size <= MAX_WHY ? size : 0;
}

// Sends a record with parts of variable size, which is built in a buffer first.
static __always_inline bool send_varying(const struct context *c, u32 lost, struct scratch *scratch,
					 u32 level)
{
	struct record_buffer *s = bpf_map_lookup_elem(&record_buffers, &level);
	u64 size = CFG.record_size + MAP_SIZE(c);

	if (!s)
		return false;
	fill_record(s->bytes, c, lost, scratch);
	size += explain_drop(c, level, size);
	if (CFG.stack || CFG.caller)
		size += fill_stack((void *)(s->bytes + size), c);
	if (size > RECORD_BUFFER_SIZE)
		return false;
	return !bpf_ringbuf_output(&events, s->bytes, size, wakeup(size));
}

static __always_inline bool send(const struct context *c, u32 lost)
{
	u32 level;
	struct scratch *scratch = get_scratch(&level);
	bool sent = false;

	if (scratch && (CFG.stack || CFG.caller || CFG.why))
		sent = send_varying(c, lost, scratch, level);
	else if (scratch)
		sent = send_fixed(c, lost, scratch);
	put_scratch();
	return sent;
}

// Whether the limit per second allows another event. CPUs that check it at the same time may exceed it
// slightly.
static __always_inline bool within_limit(void)
{
	u64 now = bpf_ktime_get_ns();

	if (now - second_began >= 1000000000) {
		second_began = now;
		second_matched = 0;
	}
	if (second_matched >= CFG.max_per_second)
		return false;
	__sync_fetch_and_add(&second_matched, 1);
	return true;
}

// Counts a matched event, and returns the counters; NULL if it is suppressed.
static __always_inline struct counters *count_matched(void)
{
	struct counters *n;

	n = this_cpu_value(counts);
	if (!n)
		return NULL;
	__sync_fetch_and_add(&n->matched, 1);
	if (!CFG.max_per_second || within_limit())
		return n;
	__sync_fetch_and_add(&n->suppressed, 1);
	return NULL;
}

// Whether the probe of this event only follows packets (CFG.only_drops).
static __always_inline bool is_muted(const struct context *c)
{
	return CFG.only_drops && c->kind <= RECORD_TRACEPOINT && !(c->parts & PART_DROP);
}

static __always_inline void emit(const struct context *c)
{
	struct counters *n;

	if (is_muted(c))
		return;
	n = count_matched();
	if (n && !send(c, n->lost))
		__sync_fetch_and_add(&n->lost, 1);
}
