// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Sends the return of a function, or the verdict of a BPF program: the recorded parts of the entry, the
// result and the duration. A call whose entry was not emitted has no return either.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "follow/callstack.h"
#include "follow/run.h"
#include "explain/lookup.h"
#include "emit/emit.h"
#include "emit/recorded.h"

#define CALLER_SIZE (CFG.caller ? 2 * FRAME_SIZE : 0)
#define LINEAGE_SIZE (CFG.ids ? sizeof(struct record_lineage) : 0)
#define HOOK_SIZE (CFG.netfilter ? sizeof(struct record_hook) : 0)
#define CONNTRACK_SIZE (CFG.conntrack ? sizeof(struct record_conntrack) : 0)
#define RECORDED_HEAD_SIZE (CFG.xdp ? sizeof(struct record_head) : 0)
#define RETURN_SIZE(a) \
	(sizeof(struct record_core) + RECORDED_SIZE + LINEAGE_SIZE + sizeof(struct record_return) + \
	 HOOK_SIZE + ((a) ? CFG.lookup_size : 0) + CONNTRACK_SIZE + RECORDED_HEAD_SIZE + CALLER_SIZE)

static __always_inline u32 return_parts(const struct arguments *a)
{
	return (a ? PART_LOOKUP : 0) | (CFG.meta ? PART_META : 0) | (CFG.tuple ? PART_TUPLE : 0) |
	       (CFG.tunnel ? PART_TUNNEL : 0) | (CFG.cb ? PART_CB : 0) |
	       (CFG.ids ? PART_LINEAGE : 0) | PART_RETURN | (CFG.netfilter ? PART_HOOK : 0) |
	       (CFG.conntrack ? PART_CONNTRACK : 0) | (CFG.xdp ? PART_HEAD : 0) |
	       (CFG.caller ? PART_STACK : 0);
}

static __always_inline u8 return_kind(const struct call *call)
{
	return IS_LOOKUP(call) && call->lookup & LOOKUP_RETURN_ONLY ? RECORD_LOOKUP : RECORD_RETURN;
}

// `a` are the arguments of a look-up, else NULL.
static __always_inline void fill_return(u8 *at, u8 kind, u8 flags, const struct call *call, const struct recorded *t,
					const struct arguments *a, u64 value, u32 lost)
{
	struct context c = { .kind = kind, .flags = flags, .addr = call->addr, .skb = (void *)call->skb };
	struct record_core *core = (void *)at;
	struct record_return *r;
	u64 *caller;

	fill_core(core, &c, lost);
	core->parts = return_parts(a);
	at += sizeof(*core);
	if (RECORDED_SIZE)
		read_kernel(at, RECORDED_SIZE, t);
	at += RECORDED_SIZE;
	if (CFG.ids)
		read_kernel(at, LINEAGE_SIZE, (u64)t + __builtin_offsetof(struct recorded, lineage));
	at += LINEAGE_SIZE;
	r = (void *)at;
	r->value = value;
	r->duration = core->time - call->time;
	at += sizeof(*r);
	if (CFG.netfilter)
		read_kernel(at, HOOK_SIZE, &t->hook);
	at += HOOK_SIZE;
	if (a) {
		fill_lookup(a->values, at, call->addr);
		at += CFG.lookup_size;
	}
	if (CFG.conntrack)
		read_kernel(at, CONNTRACK_SIZE, &t->conntrack);
	at += CONNTRACK_SIZE;
	if (CFG.xdp)
		((struct record_head *)at)->address = t->head;
	if (CFG.caller) {
		caller = (void *)(at + RECORDED_HEAD_SIZE);
		caller[0] = call->addr;
		caller[1] = call->caller;
	}
}

static __always_inline bool send_return(u8 kind, u8 flags, const struct call *call, const struct recorded *t,
					const struct arguments *a, u64 value, u32 lost)
{
	void *record = a ? bpf_ringbuf_reserve(&events, RETURN_SIZE(true), 0) :
			   bpf_ringbuf_reserve(&events, RETURN_SIZE(false), 0);

	if (!record)
		return false;
	fill_return(record, kind, flags, call, t, a, value, lost);
	bpf_ringbuf_submit(record, wakeup(RETURN_SIZE(a)));
	return true;
}

// Returns the arguments of a look-up, with its result; NULL for other calls.
static __always_inline struct arguments *lookup_arguments(const struct call *call,
						   const struct recorded_key *key, u64 value)
{
	struct arguments *a;

	if (!IS_LOOKUP(call))
		return NULL;
	a = bpf_map_lookup_elem(&lookup_args, key);
	if (a)
		a->result = value;
	return a;
}

static __always_inline void emit_return(const struct call *call, const struct recorded_key *key,
					u64 value)
{
	const struct recorded *t = REPEATS_ENTRY ? bpf_map_lookup_elem(&recorded_parts, key) : NULL;
	struct arguments *a;
	struct counters *n;
	bool sent;

	if (!(call->recorded & CALL_RECORDED))
		return;
	if (!t) // evicted
		t = &nothing_recorded;
	n = count_matched();
	if (!n)
		return;
	a = lookup_arguments(call, key, value);
	sent = a ? send_return(return_kind(call), 0, call, t, a, value, n->lost) :
		   send_return(return_kind(call), 0, call, t, NULL, value, n->lost);
	if (!sent)
		__sync_fetch_and_add(&n->lost, 1);
}

// `flags` are bits of enum record_flag.
static __always_inline void emit_verdict(const struct run *run, u64 value, u8 flags)
{
	struct counters *n = count_matched();

	if (n && !send_return(RECORD_VERDICT, flags, &run->call, &run->parts, NULL, value, n->lost))
		__sync_fetch_and_add(&n->lost, 1);
}
