// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The entry and the verdict of BPF programs (fentry and fexit). The kernel requires separate copies for
// each traced program.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/tracepoint.h"
#include "packet/packet.h"
#include "match/packet_filter.h"
#include "follow/admit.h"
#include "follow/frame.h"
#include "follow/run.h"
#include "explain/driver_frame.h"
#include "emit/emit.h"
#include "emit/recorded.h"
#include "emit/return.h"
#include "emit/xdp.h"

enum {
	// Maximum number of arguments of a BPF function.
	MAX_KEPT = 5,
};

// The id of the traced program. The body is replaced before loading.
static __noinline u64 traced_program(void)
{
	u64 id;

	asm volatile("%0 = 0xffffffffffff ll" : "=r"(id));
	return id;
}

// The number of arguments that the kernel stores in front of the return value; needed before 5.17 (see
// HAVE_FUNC_RET). The body is replaced before loading.
static __noinline u64 kept_arguments(void)
{
	u64 n;

	asm volatile("%0 = 1 ll" : "=r"(n));
	return n;
}

// The duration of a run begins after its event was emitted.
static __always_inline void begin_time(struct run *run)
{
	if (run)
		run->call.time = bpf_ktime_get_ns();
}

static __always_inline void emit_program(struct context *c, u64 key)
{
	c->addr = traced_program();
	c->run = begin_run(c, key);
	emit(c);
	begin_time(c->run);
}

static __always_inline int enter_program(void *arguments, struct sk_buff *skb)
{
	struct context c = { .program = arguments, .skb = skb, .kind = RECORD_PROGRAM };
	u64 key = run_key(arguments);
	struct work w;

	if (!running)
		return 0;
	if (skb && admit(arguments, RECORD_PROGRAM, skb, &c.branch, &w, PREFILTER_UNKNOWN))
		emit_program(&c, key);
	else
		drop_run(key);
	return 0;
}

// The argument is the packet.
SEC("fentry/program_skb")
int program_skb(void *arguments)
{
	return enter_program(arguments, (void *)program_word(arguments, 0));
}

// The argument is a struct bpf_nf_ctx.
SEC("fentry/program_netfilter")
int program_netfilter(void *arguments)
{
	const struct bpf_nf_ctx *given = (void *)program_word(arguments, 0);

	return enter_program(arguments, BPF_CORE_READ(given, skb));
}

// The run of a frame is recorded even if its event is not emitted: without the verdict, the next frame in the
// same buffer would be taken for this one.
static __always_inline void emit_frame(struct context *c, struct work *w, u64 key)
{
	c->addr = traced_program();
	c->run = begin_run(c, key);
	if (c->run) {
		c->run->parts.head = c->branch->head;
		fill_lineage(&c->run->parts.lineage, c->branch);
	}
	emit_xdp(c, w);
	begin_time(c->run);
}

// The argument is a frame.
SEC("fentry/program_xdp")
int program_xdp(void *arguments)
{
	struct context c = { .program = arguments, .kind = RECORD_PROGRAM };
	u64 key = run_key(arguments);
	struct branch frame;
	struct work w;

	if (!running)
		return 0;
	c.xdp = (void *)program_word(arguments, 0);
	c.branch = &frame;
	if (c.xdp && admit_xdp(&frame, &w, c.xdp))
		emit_frame(&c, &w, key);
	else
		drop_run(key);
	return 0;
}

// The verdict is stored behind the arguments: behind the only one, or behind MAX_KEPT if the kernel does not
// trust the program's types.
static __always_inline u64 program_result(void *arguments)
{
	u64 value = 0;

	if (HAVE_FUNC_RET) {
		bpf_get_func_ret(arguments, &value);
		return value;
	}
	return program_word(arguments, kept_arguments() == 1 ? 1 : MAX_KEPT);
}

// The flags of a verdict: whether a frame without an sk_buff ends by it.
static __always_inline u8 verdict_flags(void *arguments, const struct run *run, u32 verdict)
{
	const struct xdp_buff *xdp;

	if (!CFG.why || !CFG.xdp || run->call.skb || verdict == XDP_PASS || verdict == XDP_TX)
		return 0;
	xdp = (void *)program_word(arguments, 0);
	if (!is_driver_frame(xdp))
		return 0;
	if (verdict != XDP_REDIRECT)
		return SILENT_DROP;
	note_redirect(run, xdp);
	return 0;
}

SEC("fexit/program_verdict")
int program_verdict(void *arguments)
{
	u64 key = run_key(arguments);
	struct run *run;
	u64 value;

	if (!running)
		return 0;
	if (CFG.why && CFG.xdp)
		forget_redirect();
	run = bpf_map_lookup_elem(&runs, &key);
	if (!run)
		return 0;
	value = program_result(arguments);
	if (run->call.recorded)
		emit_verdict(run, value, verdict_flags(arguments, run, value));
	if (CFG.xdp && CFG.ids && !run->call.skb)
		update_frame(run->parts.head, run->parts.lineage.id, value);
	bpf_map_delete_elem(&runs, &key);
	return 0;
}

// The redirection of a frame fails, after its program has returned. Its event is that of the verdict again, as a drop; the
// upper half of the value is the error.
SEC("raw_tp/xdp_redirect_err")
int tracepoint_xdp_redirect(struct tracepoint_arguments *a)
{
	u32 error = -context_word(a, 3);
	struct run *run;

	if (!running)
		return 0;
	run = take_redirect(context_word(a, 0), (void *)context_word(a, 1));
	if (run && run->call.recorded)
		emit_verdict(run, (u64)error << 32 | XDP_REDIRECT, SILENT_DROP);
	return 0;
}
