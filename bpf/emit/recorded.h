// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The parts of an entry record that the record of the return repeats: they are kept with the call, since the
// packet may be gone by then.
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

// Bytes of the parts that a return tells again, but for the lineage.
#define RECORDED_SIZE                                               \
	((CFG.meta ? sizeof(struct record_meta) : 0) +          \
	 (CFG.tuple ? sizeof(struct record_tuple) : 0) +        \
	 (CFG.tunnel ? sizeof(struct record_tunnel) : 0) +      \
	 (CFG.cb ? sizeof(struct record_cb) : 0))

// Whether a return tells anything of its entry.
#define REPEATS_ENTRY (RECORDED_SIZE || CFG.ids || CFG.netfilter || CFG.conntrack)

// The parts of a record that a return tells again, as far as they were asked for.
struct entry_parts {
	const void *first;
	const void *hook, *conntrack;
};

// Keeps them: the first ones are one behind the other.
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

// Where what is told of the call that begins here is kept for its return; NULL where
// nothing is.
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

// Keeps them for the call's return.
static __always_inline void keep_recorded(const struct context *c, const struct entry_parts *p)
{
	struct recorded *t = recorded_of(c);

	if (t)
		keep_parts(t, c, p);
}

// Keeps them for the program's verdict.
static __always_inline void keep_run(const struct context *c, const struct entry_parts *p)
{
	c->run->call.recorded = 1;
	keep_parts(&c->run->parts, c, p);
}
