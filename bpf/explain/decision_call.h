// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The functions that decide about packets, and their active calls on each CPU, innermost last: see explain/decision.h.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "follow/callstack.h"
#include "explain/lookup.h"

enum decision_call_limit {
	// The largest number of decisions of a function at its entry, and at its return.
	MAX_FUNCTION_DECISIONS = 3,
	// The largest number of recorded calls of a CPU, a power of two.
	MAX_DECISION_CALLS = 8,
	// Added to the address of a function in the key of the map decision_functions for its decision that reads
	// the packet from an argument.
	INDIRECT_KEY = 1,
	// Upper bound of the difference between the anchors at the entry and at the return: see return_anchor.
	MAX_ANCHOR_SHIFT = 256,
};

// Keeps the type in the BTF of the object, from which the Go type is generated.
const enum decision_call_limit *decision_call_limit_used __attribute__((unused));

// The decisions of a probed function, by their numbers, which begin with 1; 0 ends a list.
struct decision_function {
	u16 at_entry[MAX_FUNCTION_DECISIONS];
	u16 at_return[MAX_FUNCTION_DECISIONS];
	// Outer functions have one bit each: the bit of this function, and for a function that takes no packet the
	// bits of the functions inside one of which it must be called.
	u64 outer, within;
	// The function has arguments on the stack; the times of its calls are recorded, as decisions without
	// DECISION_OUTERMOST need.
	u8 stack, timed;
	// The argument that is the packet, from 1; 0 if there is none.
	u8 packet;
	u8 pad[5];
};

// By the address of the function, plus INDIRECT_KEY for an indirect decision; set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct decision_function);
} decision_functions SEC(".maps");

// An active call of a function that has a decision at its return, or inside which other functions have one.
struct decision_call {
	struct call call;
	u64 outer;
	struct decision_function function;
	struct arguments args;
	// After the arguments, where compiled expressions read it (see decisionRoots in internal/plan).
	u64 cpu;
};

// The active calls of a CPU, innermost last. If a task moves to another CPU, its calls stay in the list, but match
// no return.
struct decision_calls {
	u64 depth;
	struct decision_call list[MAX_DECISION_CALLS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct decision_calls);
} decision_calls SEC(".maps");

static __always_inline bool is_same_stack(u64 a, u64 b)
{
	return (a ^ b) < CFG.stack_size;
}

static __always_inline struct decision_call *innermost_decision(struct decision_calls *calls)
{
	return &calls->list[(calls->depth - 1) & (MAX_DECISION_CALLS - 1)];
}

// Removes the calls on this stack that have ended.
static __noinline int drop_ended_decisions(struct decision_calls *calls, u64 anchor)
{
	for (u32 i = 0; i < MAX_DECISION_CALLS && calls->depth; i++) {
		struct decision_call *d = innermost_decision(calls);

		if (!is_same_stack(d->call.anchor, anchor) || d->call.anchor >= anchor)
			break;
		calls->depth--;
	}
	return 0;
}

// Adds a call as the innermost one, and returns it. If the list is full, all others are removed.
static __noinline struct decision_call *add_decision_call(struct decision_calls *calls, u64 anchor, u64 caller)
{
	struct decision_call *d;

	if (calls->depth >= MAX_DECISION_CALLS)
		calls->depth = 0;
	calls->depth++;
	d = innermost_decision(calls);
	d->call.anchor = anchor;
	d->call.caller = caller;
	return d;
}

static __always_inline void keep_call_arguments(struct decision_call *d, struct registers *regs, const struct decision_function *f)
{
	keep_registers(&d->args, regs);
	d->cpu = bpf_get_smp_processor_id();
	if (f->stack)
		read_kernel(&d->args.values[ARGUMENT_REGISTERS], (MAX_ARGUMENTS - ARGUMENT_REGISTERS) * sizeof(u64),
		    context_word(regs, STACK_POINTER) + STACK_ARGUMENTS);
}

// The innermost active call on this stack of a function with one of the bits, or NULL.
static __noinline struct decision_call *active_decision(struct decision_calls *calls, struct registers *regs, u64 bits)
{
	u64 anchor = entry_anchor(regs), caller = return_address(regs), depth = calls->depth;

	for (u32 i = 0; i < MAX_DECISION_CALLS && depth; i++, depth--) {
		struct decision_call *d = &calls->list[(depth - 1) & (MAX_DECISION_CALLS - 1)];

		if (is_same_stack(d->call.anchor, anchor) && d->outer & bits && is_active(&d->call, anchor, caller))
			return d;
	}
	return NULL;
}

// Removes the returning call and the calls inside it. Returns the call, or NULL if its entry was not recorded.
static __noinline struct decision_call *end_decision_call(struct decision_calls *calls, u64 anchor, u64 function)
{
	u64 depth = calls->depth;

	for (u32 i = 0; i < MAX_DECISION_CALLS && depth; i++) {
		struct decision_call *d = &calls->list[--depth & (MAX_DECISION_CALLS - 1)];
		bool is_there = HAVE_FUNC_IP ? d->call.anchor - anchor < MAX_ANCHOR_SHIFT && d->call.addr == function :
					       d->call.anchor == anchor;

		if (is_there) {
			calls->depth = depth;
			return d;
		}
	}
	return NULL;
}

// The location of a drop. If a function with a return probe ends with a tail call to the function that frees the
// packet, the location is a trampoline; then it is replaced by the caller of the innermost call on the stack of `at`.
static __noinline u64 decision_location(u64 at, u64 location)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct decision_call *d;

	if (!calls || !calls->depth || !is_trampoline(location))
		return location;
	d = innermost_decision(calls);
	return is_same_stack(d->call.anchor, at) ? d->call.caller : location;
}
