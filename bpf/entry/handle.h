// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The common handlers behind all entries.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/packet.h"
#include "follow/callstack.h"
#include "explain/lookup.h"
#include "emit/emit.h"

static __always_inline void handle(const struct context *c)
{
	if (running)
		emit(c);
}

// Handles the entry of a function, and returns whether its call is recorded: if `keep`, or if it looks
// something up (`lookup`, bits of enum lookup_flag). The duration begins after the event was emitted.
static __always_inline bool handle_call(struct context *c, struct work *w, u64 anchor, bool keep,
					u64 lookup)
{
	if (!running)
		return false;
	c->lookup = lookup;
	if (keep || lookup)
		begin_call(c, w, anchor);
	if (lookup && c->callstack)
		keep_arguments(c);
	if (lookup & LOOKUP_RETURN_ONLY)
		record_silently(c);
	else
		emit(c);
	if ((CFG.returns || lookup) && c->callstack)
		innermost(c->callstack)->time = bpf_ktime_get_ns();
	return c->callstack;
}
