// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What every entry fills in for the one handler.
#pragma once

#include "core/event.h"
#include "core/kernel.h"
#include "core/registers.h"

// What is known of a followed sk_buff: see follow/branch.h.
struct branch {
	// skb->head as it was last seen.
	u64 head;
	u64 id, part, parent;
	u8 origin;
	// The head is about to be replaced: the new one is taken at the next sight.
	u8 replacing_head;
	// The sk_buff has let go of its data, or lost them to another: at the same address a
	// new one comes next.
	u8 ended, stolen;
	// The device that it was last seen at, with its index; 0 is none.
	u32 ifindex;
	u64 dev;
};

struct context {
	// The program's own context, which the helper for stacks asks for.
	void *program;
	struct sk_buff *skb;
	// What an XDP program is given, which has no skb; NULL for everything else.
	const struct xdp_buff *xdp;
	// Whose it is; NULL where packets are not followed, or this one is not.
	const struct branch *branch;
	// The function's address, or the tracepoint's number.
	u64 addr;
	u64 location;
	// Where a function returns to; 0 for a tracepoint, and where it was not asked for.
	u64 caller;
	// The calls of this stack, of which the innermost is the one that begins here; NULL
	// where it is not kept.
	struct callstack *callstack;
	// The run of a BPF program that begins here; NULL for everything else.
	struct run *run;
	// The tuple as which a dropped packet matched; NULL where it matched as it is.
	const struct record_first *first;
	// What is done with a BPF map; NULL for what has nothing to do with one.
	const struct map_call *map;
	u32 reason;
	// PART_DROP, PART_REASON.
	u32 parts;
	u8 kind;
	// Bits of enum lookup_flag.
	u8 lookup;
	// The packet's data are freed, and perhaps another packet's by now: there are no
	// headers to be told.
	u8 gone;
	// Of enum record_flag.
	u8 flags;
	// The function is told of as it returns.
	bool at_return;
};

// Reads word n of a program's context. The verifier allows loads at fixed
// offsets from the context's own pointer only, which the compiler would like to
// turn into one load through a computed pointer.
#define context_word(context, n)                                                   \
	({                                                                         \
		u64 word;                                                          \
		asm volatile("%0 = *(u64 *)(%1 + %2)"                              \
			     : "=r"(word)                                          \
			     : "r"(context), "i"((n) * sizeof(u64)));              \
		word;                                                              \
	})

// Stands for a word that user space chooses before loading: it makes of one program a copy
// for each place that the packet can be at, so that the place costs nothing.
enum { CHOSEN_WORD = 4095 };

// The words that carry arguments, from argument 1.
volatile const u8 ARGUMENT_WORDS[ARGUMENT_REGISTERS] = {
	ARGUMENT_1, ARGUMENT_2, ARGUMENT_3, ARGUMENT_4, ARGUMENT_5,
#if ARGUMENT_REGISTERS > 5
	ARGUMENT_6,
#endif
#if ARGUMENT_REGISTERS > 6
	ARGUMENT_7, ARGUMENT_8,
#endif
};

// The argument in a register, from 1; false for any other number.
static __always_inline bool register_argument(struct registers *regs, u64 number, u64 *value)
{
	switch (number) {
	case 1: *value = context_word(regs, ARGUMENT_1); return true;
	case 2: *value = context_word(regs, ARGUMENT_2); return true;
	case 3: *value = context_word(regs, ARGUMENT_3); return true;
	case 4: *value = context_word(regs, ARGUMENT_4); return true;
	case 5: *value = context_word(regs, ARGUMENT_5); return true;
#if ARGUMENT_REGISTERS > 5
	case 6: *value = context_word(regs, ARGUMENT_6); return true;
#endif
#if ARGUMENT_REGISTERS > 6
	case 7: *value = context_word(regs, ARGUMENT_7); return true;
	case 8: *value = context_word(regs, ARGUMENT_8); return true;
#endif
	}
	return false;
}

// Hides a value from the compiler, which otherwise fits a function to the calls
// that it sees, or adds to a pointer by means that the verifier does not allow.
#define opaque(value) asm volatile("" : "+r"(value))
