// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The parts of an entry's record that the record of the return repeats. They are kept with the call, since
// the packet may be gone by then.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "follow/callstack.h"
#include "follow/run.h"

static __always_inline void fill_lineage(struct record_lineage *l, const struct branch *b)
{
	__builtin_memset(l, 0, sizeof(*l));
	if (!b)
		return;
	l->id = b->id;
	l->part = b->part;
	l->parent = b->parent;
	l->origin = b->origin;
}

// The size of the parts that a return repeats, without the lineage.
#define RECORDED_SIZE                                               \
	((CFG.meta ? sizeof(struct record_meta) : 0) +          \
	 (CFG.tuple ? sizeof(struct record_tuple) : 0) +        \
	 (CFG.tunnel ? sizeof(struct record_tunnel) : 0) +      \
	 (CFG.cb ? sizeof(struct record_cb) : 0))

// Whether a return repeats any part of its entry.
#define REPEATS_ENTRY (RECORDED_SIZE || CFG.ids || CFG.netfilter || CFG.conntrack)

// The parts of a record that a return repeats, if requested.
struct entry_parts {
	const void *first;
	const void *hook, *conntrack;
};

// Keeps the parts; the first ones are contiguous.
static __always_inline void keep_parts(struct recorded *t, const struct context *c, const struct entry_parts *p)
{
	if (RECORDED_SIZE)
		read_kernel(t->bytes, RECORDED_SIZE, p->first);
	if (CFG.netfilter)
		read_kernel(&t->hook, sizeof(t->hook), p->hook);
	if (CFG.conntrack)
		read_kernel(&t->conntrack, sizeof(t->conntrack), p->conntrack);
	if (CFG.ids)
		fill_lineage(&t->lineage, c->branch);
}

// Returns the memory for the parts of the call that begins; NULL if none are kept.
static __always_inline struct recorded *recorded_of(const struct context *c)
{
	const struct recorded_key *key = &c->callstack->key;
	struct recorded *t;

	innermost(c->callstack)->recorded |= CALL_RECORDED;
	if (!REPEATS_ENTRY)
		return NULL;
	t = bpf_map_lookup_elem(&recorded_parts, key);
	if (t)
		return t;
	bpf_map_update_elem(&recorded_parts, key, &nothing_recorded, 0);
	return bpf_map_lookup_elem(&recorded_parts, key);
}

// Keeps the parts for the return of the call.
static __always_inline void keep_recorded(const struct context *c, const struct entry_parts *p)
{
	struct recorded *t = recorded_of(c);

	if (t)
		keep_parts(t, c, p);
}

// Keeps the parts for the verdict of the program.
static __always_inline void keep_run(const struct context *c, const struct entry_parts *p)
{
	c->run->call.recorded = 1;
	keep_parts(&c->run->parts, c, p);
}
