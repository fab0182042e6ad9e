// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Functions that look something up for a packet. The arguments are kept from the entry to the return, where
// compiled expressions read the key and the result through them.
#pragma once

#include "core/compat.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/registers.h"
#include "follow/callstack.h"

enum {
	// Number of arguments that are kept, those in registers first, then those on the stack.
	MAX_ARGUMENTS = 12,
};

// The arguments of a call, as compiled expressions expect them.
struct arguments {
	u64 values[MAX_ARGUMENTS];
	u64 result;
};

// Its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct recorded_key);
	__type(value, struct arguments);
} lookup_args SEC(".maps");

struct arguments no_arguments = {};

enum lookup_flag {
	// The function looks something up.
	LOOKUP_CALL = 1,
	// The call is emitted only at its return.
	LOOKUP_RETURN_ONLY = 2,
};

// Flags of the functions that this program is attached to (enum lookup_flag). The body is replaced before
// loading.
static __noinline u64 lookup_flags(void)
{
	u64 flags;

	asm volatile("%0 = 3" : "=r"(flags));
	return flags;
}

// Writes the key and result of a look-up, at most CFG.lookup_size bytes. The body is replaced by compiled
// expressions before loading.
static __noinline u32 fill_lookup(const u64 *values, u8 *to, u64 function)
{
	opaque(function);
	*to = *values == function;
	return 0;
}

static __always_inline void keep_registers(struct arguments *a, struct registers *regs)
{
	a->values[0] = context_word(regs, ARGUMENT_1);
	a->values[1] = context_word(regs, ARGUMENT_2);
	a->values[2] = context_word(regs, ARGUMENT_3);
	a->values[3] = context_word(regs, ARGUMENT_4);
	a->values[4] = context_word(regs, ARGUMENT_5);
#if ARGUMENT_REGISTERS > 5
	a->values[5] = context_word(regs, ARGUMENT_6);
#endif
#if ARGUMENT_REGISTERS > 6
	a->values[6] = context_word(regs, ARGUMENT_7);
	a->values[7] = context_word(regs, ARGUMENT_8);
#endif
}

// Keeps the arguments of a call at its entry.
static __always_inline void keep_arguments(const struct context *c)
{
	const struct recorded_key *key = &c->callstack->key;
	struct arguments *a = bpf_map_lookup_elem(&lookup_args, key);

	if (!a) {
		bpf_map_update_elem(&lookup_args, key, &no_arguments, 0);
		a = bpf_map_lookup_elem(&lookup_args, key);
	}
	if (!a)
		return;
	keep_registers(a, c->program);
	read_kernel(&a->values[ARGUMENT_REGISTERS], (MAX_ARGUMENTS - ARGUMENT_REGISTERS) * sizeof(u64),
		    context_word(c->program, STACK_POINTER) + STACK_ARGUMENTS);
}
