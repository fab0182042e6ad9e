// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The arguments of a raw tracepoint. On most kernels a program cannot find out which tracepoint called it,
// so each tracepoint has its own copy of the program, in which tracepoint_params is replaced.
#pragma once

#include "core/context.h"
#include "core/kernel.h"

struct tracepoint_arguments {
	u64 args[12];
};

// The position of a missing argument.
enum { NO_ARGUMENT = 0xff };

// Returns the number of the tracepoint in bits 0 to 15, the argument positions of the drop location and
// the drop reason in bits 16 to 23 and 24 to 31, and of a socket in bits 40 to 47. Bit 32 is set if it
// reports drops, bit 33 if it reports consumed packets, of which only silent drops are emitted. The body is
// replaced before loading.
static __noinline u64 tracepoint_params(void)
{
	u64 params;

	asm volatile("%0 = 0xff00ffff0000 ll" : "=r"(params));
	return params;
}

// Whether the tracepoint reports consumed packets, of which some are silent drops.
static __always_inline bool is_consumption(u64 params)
{
	return params >> 33 & 1;
}

static __always_inline u64 tracepoint_argument(struct tracepoint_arguments *a, u8 position)
{
	switch (position) {
	case 0: return context_word(a, 0);
	case 1: return context_word(a, 1);
	case 2: return context_word(a, 2);
	case 3: return context_word(a, 3);
	case 4: return context_word(a, 4);
	case 5: return context_word(a, 5);
	}
	return 0;
}
