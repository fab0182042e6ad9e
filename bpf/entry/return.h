// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The return of a function. The entry of most calls was not recorded.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "follow/branch.h"
#include "follow/callstack.h"
#include "emit/return.h"

// Whether a program of a kprobe session runs at the return. The body is replaced before loading by a call of
// bpf_session_is_return, whose prototype depends on the kernel.
static __noinline u64 session_returns(struct registers *regs)
{
	opaque(regs);
	return (u64)regs;
}

static __always_inline bool is_return(struct registers *regs)
{
	return CFG.session && session_returns(regs);
}

// The return value of an entry program. In a session, the kernel calls the program at the return only if it
// is 0.
static __always_inline int entered(bool kept)
{
	return CFG.session && !kept;
}

static __always_inline u64 returning_function(struct registers *regs)
{
	return HAVE_FUNC_IP ? bpf_get_func_ip(regs) : 0;
}

static __always_inline void end_returning(struct registers *regs)
{
	u64 anchor = return_anchor(regs);
	struct stack_key key;
	struct callstack *s;

	if (!running)
		return;
	find_stack(&key, anchor);
	s = bpf_map_lookup_elem(&callstacks, &key);
	if (!s || !s->depth || !end_call(s, anchor, returning_function(regs)))
		return;
	s->key.index = s->depth & (MAX_CALLS - 1);
	emit_return(&s->list[s->key.index & (MAX_CALLS - 1)], &s->key, context_word(regs, RETURN_VALUE));
}

// A function of its own, so that its stack does not add to that of an entry.
static __noinline int leave_function(struct registers *regs)
{
	if (CFG.ids)
		be_busy(1);
	end_returning(regs);
	if (CFG.ids)
		be_busy(-1);
	return 0;
}

SEC("kprobe/return")
int kprobe_return(struct registers *regs)
{
	return leave_function(regs);
}
