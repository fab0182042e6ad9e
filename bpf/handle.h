// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The one handler behind every entry.
#pragma once

static __always_inline void handle(const struct context *c, struct work *w)
{
	if (running)
		emit(c, w);
}

// The same for the entry of a function, whose call is kept where that is of use, and
// says whether it is. Its time begins when all is told.
static __always_inline bool handle_call(struct context *c, struct work *w, u64 anchor, bool keep)
{
	if (!running)
		return false;
	if (keep)
		begin_call(c, w, anchor);
	emit(c, w);
	if (CFG.returns && c->calls)
		innermost(c->calls)->time = bpf_ktime_get_ns();
	return c->calls;
}
