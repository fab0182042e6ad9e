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
#define TOLD_SIZE                                               \
	((CFG.meta ? sizeof(struct record_meta) : 0) +          \
	 (CFG.tuple ? sizeof(struct record_tuple) : 0) +        \
	 (CFG.tunnel ? sizeof(struct record_tunnel) : 0) +      \
	 (CFG.cb ? sizeof(struct record_cb) : 0))

// Whether a return tells anything of its entry.
#define TELLS_ENTRY (TOLD_SIZE || CFG.track || CFG.netfilter || CFG.conntrack)

// The parts of a record that a return tells again, as far as they were asked for.
struct entry_parts {
	const void *first;
	const void *hook, *conntrack;
};

// Keeps them: the first ones are one behind the other.
static __always_inline void keep_parts(struct told *t, const struct context *c, const struct entry_parts *p)
{
	if (TOLD_SIZE)
		read_kernel(t->bytes, TOLD_SIZE, p->first);
	if (CFG.netfilter)
		read_kernel(&t->hook, sizeof(t->hook), p->hook);
	if (CFG.conntrack)
		read_kernel(&t->conntrack, sizeof(t->conntrack), p->conntrack);
	if (CFG.track)
		fill_lineage(&t->lineage, c->branch);
}

// Where what is told of the call that begins here is kept for its return; NULL where
// nothing is.
static __always_inline struct told *told_of(const struct context *c)
{
	const struct told_key *key = &c->calls->told;
	struct told *t;

	innermost(c->calls)->told |= CALL_TOLD;
	if (!TELLS_ENTRY)
		return NULL;
	t = bpf_map_lookup_elem(&tolds, key);
	if (t)
		return t;
	bpf_map_update_elem(&tolds, key, &nothing_told, 0);
	return bpf_map_lookup_elem(&tolds, key);
}

// Keeps them for the call's return.
static __always_inline void keep_told(const struct context *c, const struct entry_parts *p)
{
	struct told *t = told_of(c);

	if (t)
		keep_parts(t, c, p);
}

// Keeps them for the program's verdict.
static __always_inline void keep_run(const struct context *c, const struct entry_parts *p)
{
	c->run->call.told = 1;
	keep_parts(&c->run->parts, c, p);
}
