// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The entry of a BPF program that another one goes on with (a tail call). That is behind
// the place of the trampoline, so that a breakpoint of the CPU is where tail calls land.
// Who enters the program in the usual way comes by there, too.
#pragma once

enum {
	// Bytes of the stack from where a program begins to what its trampoline keeps.
	FURTHEST_RUN = 256,
};

// The address of what places are measured from, as a number. Whoever writes it writes
// the same.
u64 places_from = 0;

// Whether the program was entered by its trampoline, the first time that this is asked: a
// program can go on with itself.
static __noinline bool entered_before(u64 stack, u64 id)
{
	volatile u64 *from = &places_from;
	struct run *run;
	u64 place;

	*from = (u64)&running;
	place = stack - *from;
	for (u32 i = 0; i < FURTHEST_RUN / sizeof(u64); i++) {
		place += sizeof(u64);
		run = bpf_map_lookup_elem(&runs, &place);
		if (!run || run->call.addr != id || run->landed)
			continue;
		run->landed = 1;
		return true;
	}
	return false;
}

static __always_inline int land_in_program(struct registers *regs, struct sk_buff *skb)
{
	struct context c = { .program = regs, .skb = skb, .kind = RECORD_PROGRAM, .flags = BY_TAIL_CALL };
	struct work w;

	if (!running || !skb || !admit(&c, &w))
		return 0;
	c.addr = traced_program();
	if (!entered_before(context_word(regs, STACK_POINTER), c.addr))
		emit(&c, &w);
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
	if (!entered_before(context_word(regs, STACK_POINTER), c.addr))
		emit_xdp(&c, &w);
	return 0;
}
