// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The one handler behind every entry.
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

// The same for the entry of a function, whose call is kept where that is of use, or where
// it looks something up (bits of enum lookup_flag), and says whether it is. Its time
// begins when all is told.
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
