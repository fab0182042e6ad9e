// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The entry of a BPF program by a tail call. Tail calls jump behind the trampoline call at the start of
// the program, so the entry is a hardware breakpoint there. Normal entries hit it, too.
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
	// The distance in bytes from the stack pointer of a program to the arguments that its trampoline
	// keeps.
	MAX_RUN_DISTANCE = 256,
};

// The address of the variable to which run keys are relative, as a number. All writers store the same value.
u64 key_base = 0;

// The run to which a program with this stack pointer belongs: its own, or that of the program that was
// entered first. NULL if that is not traced.
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

// The number of tail calls so far, if it can be read and is needed. To continue behind a breakpoint, an
// arm64 CPU single-steps one instruction; if an interrupt comes first, it stops there and hits the
// breakpoint again.
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

// Whether this entry was emitted already: by the fentry program, or at the previous hit of the same
// breakpoint. A program can tail-call itself, so the number of tail calls is compared, too.
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
