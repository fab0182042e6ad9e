// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// BPF programs under way for wanted packets. What the kernel has programs traced by, a
// trampoline, keeps their arguments on the stack: at the same place for the entry and for
// the verdict, which nobody else has meanwhile. So a run is known by that place, however
// programs are nested and whatever becomes of the packet.
#pragma once

#include "core/compat.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "follow/callstack.h"

struct run {
	// Of this there are addr (the program's id), skb, time and told.
	struct call call;
	struct recorded parts;
	// The program that was seen to begin by a breakpoint last, and after how many tail calls.
	u64 breakpoint_id;
	u64 breakpoint_tail_calls;
};

// Its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct run);
} runs SEC(".maps");

// A run of which nothing is known; never written.
struct run no_run = {};

// The place of a traced program's arguments. The verifier lets nobody count with a
// context, but measure its distance from something that stays where it is.
static __always_inline u64 run_key(void *arguments)
{
	u64 key = (u64)arguments;

	asm volatile("%0 -= %1" : "+r"(key) : "r"(&running));
	return key;
}

// Reads an argument of a traced program as the number that it is: the verifier would
// take it for what the program's types say.
static __always_inline u64 program_word(void *arguments, u32 n)
{
	u64 word = 0;

	read_kernel(&word, sizeof(word), (u8 *)arguments + n * sizeof(word));
	return word;
}

// Ends the run that was at the place, if it is there still: its verdict went by unseen.
static __always_inline void drop_run(u64 key)
{
	struct run *run = bpf_map_lookup_elem(&runs, &key);
	struct counters *n;
	u32 zero = 0;

	if (!run)
		return;
	n = bpf_map_lookup_elem(&counts, &zero);
	if (n && run->call.recorded)
		__sync_fetch_and_add(&n->unreturned, 1);
	bpf_map_delete_elem(&runs, &key);
}

static __always_inline struct run *begin_run(const struct context *c, u64 key)
{
	struct run *run;

	drop_run(key);
	bpf_map_update_elem(&runs, &key, &no_run, 0);
	run = bpf_map_lookup_elem(&runs, &key);
	if (!run)
		return NULL;
	run->call.addr = c->addr;
	run->call.skb = (u64)c->skb;
	return run;
}
