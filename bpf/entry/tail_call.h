// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The entry of a BPF program that another one goes on with (a tail call). That is behind
// the place of the trampoline, so that a breakpoint of the CPU is where tail calls land.
// Who enters the program in the usual way comes by there, too.
#pragma once

#include "core/compat.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "packet/packet.h"
#include "match/packet_filter.h"
#include "follow/admit.h"
#include "follow/frame.h"
#include "follow/run.h"
#include "emit/emit.h"
#include "emit/xdp.h"
#include "entry/program.h"

#ifdef TAIL_COUNT
#define BREAKPOINT_REPEATS 1
#else
#define BREAKPOINT_REPEATS 0
#endif

enum {
	// Bytes of the stack from where a program begins to what its trampoline keeps.
	MAX_RUN_DISTANCE = 256,
};

// The address of what places are measured from, as a number. Whoever writes it writes
// the same.
u64 key_base = 0;

// The run that a program is part of which begins with that stack: of itself, or of the one
// that was entered first. NULL where that is not traced.
static __noinline struct run *run_of_stack(u64 stack)
{
	volatile u64 *from = &key_base;
	struct run *run;
	u64 key;

	*from = (u64)&running;
	key = stack - *from;
	for (u32 i = 0; i < MAX_RUN_DISTANCE / sizeof(u64); i++) {
		key += sizeof(u64);
		run = bpf_map_lookup_elem(&runs, &key);
		if (run)
			return run;
	}
	return NULL;
}

// The number of tail calls so far, where it can be had and is of use. To go on behind a
// breakpoint, an arm64 CPU is told to stop after one more instruction; an interrupt that
// comes first makes it stop there, and come to the breakpoint again.
static __always_inline u64 tail_calls(struct registers *regs)
{
	u64 count = 0;

#ifdef TAIL_COUNT
	read_kernel(&count, sizeof(count), context_word(regs, TAIL_COUNT));
#else
	opaque(regs);
#endif
	return count;
}

// Whether this entry is told by somebody else: by the trampoline, or by the same breakpoint
// a moment ago. A program can go on with itself.
static __always_inline bool is_recorded(struct run *run, u64 id, u64 count)
{
	bool entered = run->call.addr == id && !run->breakpoint_id;
	bool again = BREAKPOINT_REPEATS && run->breakpoint_id == id && run->breakpoint_tail_calls == count;

	run->breakpoint_id = id;
	run->breakpoint_tail_calls = count;
	return entered || again;
}

static __always_inline bool is_repeated_hit(struct registers *regs, u64 id)
{
	struct run *run = run_of_stack(context_word(regs, STACK_POINTER));

	return run && is_recorded(run, id, tail_calls(regs));
}

static __always_inline int enter_by_tail_call(struct registers *regs, struct sk_buff *skb)
{
	struct context c = { .program = regs, .skb = skb, .kind = RECORD_PROGRAM, .flags = BY_TAIL_CALL };
	struct work w;

	if (!running || !skb || !admit(regs, RECORD_PROGRAM, skb, &c.branch, &w, PREFILTER_UNKNOWN))
		return 0;
	c.addr = traced_program();
	if (!is_repeated_hit(regs, c.addr))
		emit(&c);
	return 0;
}

SEC("perf_event/program_tail_skb")
int program_tail_skb(struct registers *regs)
{
	return enter_by_tail_call(regs, (void *)context_word(regs, ARGUMENT_1));
}

SEC("perf_event/program_tail_netfilter")
int program_tail_netfilter(struct registers *regs)
{
	const struct bpf_nf_ctx *given = (void *)context_word(regs, ARGUMENT_1);

	return enter_by_tail_call(regs, BPF_CORE_READ(given, skb));
}

SEC("perf_event/program_tail_xdp")
int program_tail_xdp(struct registers *regs)
{
	struct context c = { .program = regs, .kind = RECORD_PROGRAM, .flags = BY_TAIL_CALL };
	struct branch frame;
	struct work w;

	if (!running)
		return 0;
	c.xdp = (void *)context_word(regs, ARGUMENT_1);
	c.branch = &frame;
	if (!c.xdp || !admit_xdp(&frame, &w, c.xdp))
		return 0;
	c.addr = traced_program();
	if (!is_repeated_hit(regs, c.addr))
		emit_xdp(&c, &w);
	return 0;
}
