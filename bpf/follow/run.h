// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The active runs of BPF programs for matching packets. The trampoline that calls the tracing programs
// keeps the arguments of the traced program on the stack, at an address that is the same at entry and exit
// and is not reused meanwhile. So that address identifies a run, even if programs are nested or the packet
// changes.
#pragma once

#include "core/compat.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "follow/callstack.h"

struct run {
	// Only addr (the program id), skb, time and recorded are used.
	struct call call;
	struct recorded parts;
	// The id of the program whose breakpoint was hit last, and the number of tail calls at that time.
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

// An empty run, for initialization; never written.
struct run no_run = {};

// The key of a run: the address of the arguments, relative to a fixed variable. The verifier rejects other
// arithmetic on context pointers, but allows differences.
static __always_inline u64 run_key(void *arguments)
{
	u64 key = (u64)arguments;

	asm volatile("%0 -= %1" : "+r"(key) : "r"(&running));
	return key;
}

// Reads an argument of a traced program as a number; the verifier would give it the type in the program's
// prototype.
static __always_inline u64 program_word(void *arguments, u32 n)
{
	u64 word = 0;

	read_kernel(&word, sizeof(word), (u8 *)arguments + n * sizeof(word));
	return word;
}

// Removes the run with this key if there is one. Its verdict was not seen.
static __always_inline void drop_run(u64 key)
{
	struct run *run = bpf_map_lookup_elem(&runs, &key);
	struct counters *n;

	if (!run)
		return;
	n = this_cpu_value(counts);
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
