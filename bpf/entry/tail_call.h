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
#define CAN_LAND_AGAIN 1
#else
#define CAN_LAND_AGAIN 0
#endif

enum {
	// Bytes of the stack from where a program begins to what its trampoline keeps.
	FURTHEST_RUN = 256,
};

// The address of what places are measured from, as a number. Whoever writes it writes
// the same.
u64 places_from = 0;

// The run that a program is part of which begins with that stack: of itself, or of the one
// that was entered first. NULL where that is not traced.
static __noinline struct run *run_above(u64 stack)
{
	volatile u64 *from = &places_from;
	struct run *run;
	u64 place;

	*from = (u64)&running;
	place = stack - *from;
	for (u32 i = 0; i < FURTHEST_RUN / sizeof(u64); i++) {
		place += sizeof(u64);
		run = bpf_map_lookup_elem(&runs, &place);
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
static __always_inline bool is_told(struct run *run, u64 id, u64 count)
{
	bool entered = run->call.addr == id && !run->landed;
	bool again = CAN_LAND_AGAIN && run->landed == id && run->landed_count == count;

	run->landed = id;
	run->landed_count = count;
	return entered || again;
}

static __always_inline bool lands_again(struct registers *regs, u64 id)
{
	struct run *run = run_above(context_word(regs, STACK_POINTER));

	return run && is_told(run, id, tail_calls(regs));
}

static __always_inline int land_in_program(struct registers *regs, struct sk_buff *skb)
{
	struct context c = { .program = regs, .skb = skb, .kind = RECORD_PROGRAM, .flags = BY_TAIL_CALL };
	struct work w;

	if (!running || !skb || !admit(regs, RECORD_PROGRAM, skb, &c.branch, &w, UNSURE))
		return 0;
	c.addr = traced_program();
	if (!lands_again(regs, c.addr))
		emit(&c);
	return 0;
}

SEC("perf_event/program_tail_skb")
int program_tail_skb(struct registers *regs)
{
	return land_in_program(regs, (void *)context_word(regs, ARGUMENT_1));
}

SEC("perf_event/program_tail_netfilter")
int program_tail_netfilter(struct registers *regs)
{
	const struct bpf_nf_ctx *given = (void *)context_word(regs, ARGUMENT_1);

	return land_in_program(regs, BPF_CORE_READ(given, skb));
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
	if (!lands_again(regs, c.addr))
		emit_xdp(&c, &w);
	return 0;
}
