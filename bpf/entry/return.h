// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The return of a function, whichever it is: of most calls nobody told the entry.
#pragma once

static __always_inline u64 returning_function(struct registers *regs)
{
	return HAVE_FUNC_IP ? bpf_get_func_ip(regs) : 0;
}

static __always_inline int leave_function(struct registers *regs)
{
	u64 anchor = return_anchor(regs);
	struct calls *s;
	struct work w;

	if (!running)
		return 0;
	s = calls_at(anchor, &w);
	if (!s || !s->depth || !end_call(s, anchor, returning_function(regs)))
		return 0;
	s->told.index = s->depth & (MOST_CALLS - 1);
	emit_return(&s->list[s->told.index & (MOST_CALLS - 1)], &s->told, context_word(regs, RETURN_VALUE));
	return 0;
}

SEC("kprobe/return")
int kprobe_return(struct registers *regs)
{
	return leave_function(regs);
}
