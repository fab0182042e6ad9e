// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What each kind of probe passes to the common handler.
#pragma once

#include "core/event.h"
#include "core/kernel.h"
#include "core/registers.h"

// A followed sk_buff: see follow/branch.h.
struct branch {
	// skb->head when it was last seen.
	u64 head;
	u64 id, part, parent;
	u8 origin;
	// The kernel is about to replace skb->head; the next value seen is accepted.
	u8 replacing_head;
	// The sk_buff released its data (ended), or another sk_buff took them over (stolen); the next
	// sk_buff at this address is a new one.
	u8 ended, stolen;
	// The device where it was last seen, and its index; 0 if unknown.
	u32 ifindex;
	u64 dev;
};

struct context {
	// The BPF program's context, for bpf_get_stack.
	void *program;
	struct sk_buff *skb;
	// The argument of an XDP program, which has no skb; else NULL.
	const struct xdp_buff *xdp;
	// The branch of the packet; NULL if it is not followed.
	const struct branch *branch;
	// The function's address, or the tracepoint's number.
	u64 addr;
	u64 location;
	// The return address of a function; 0 for a tracepoint, or if not needed.
	u64 caller;
	// The active calls of this stack, the innermost being this one; NULL if they are not recorded.
	struct callstack *callstack;
	// The run of a BPF program that begins; else NULL.
	struct run *run;
	// The tuple by which a dropped packet matched; NULL if it matched by its current one.
	const struct record_first *first;
	// The operation on a BPF map; else NULL.
	const struct map_call *map;
	u32 reason;
	// PART_DROP, PART_REASON.
	u32 parts;
	u8 kind;
	// Bits of enum lookup_flag.
	u8 lookup;
	// The packet's data have been freed and may be reused, so headers are not parsed.
	u8 gone;
	// Bits of enum record_flag.
	u8 flags;
	// The event of a function's entry is emitted at its return.
	bool at_return;
};

// Reads word n of a program's context. The verifier allows loads only at constant offsets from the context
// pointer; the compiler would merge them into one load with a computed pointer.
#define context_word(context, n)                                                   \
	({                                                                         \
		u64 word;                                                          \
		asm volatile("%0 = *(u64 *)(%1 + %2)"                              \
			     : "=r"(word)                                          \
			     : "r"(context), "i"((n) * sizeof(u64)));              \
		word;                                                              \
	})

// A placeholder for the index of the word that holds the packet. User space replaces it in each copy of a
// program before loading, so no instruction is needed to select it.
enum { CHOSEN_WORD = 4095 };

// The indexes of the words that hold the arguments, from argument 1.
volatile const u8 ARGUMENT_WORDS[ARGUMENT_REGISTERS] = {
	ARGUMENT_1, ARGUMENT_2, ARGUMENT_3, ARGUMENT_4, ARGUMENT_5,
#if ARGUMENT_REGISTERS > 5
	ARGUMENT_6,
#endif
#if ARGUMENT_REGISTERS > 6
	ARGUMENT_7, ARGUMENT_8,
#endif
};

// Reads an argument from its register, counting from 1; false if no register holds it.
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

// Hides a value from the optimizer, which otherwise specializes functions for their callers, or does
// pointer arithmetic that the verifier rejects.
#define opaque(value) asm volatile("" : "+r"(value))

// Reads memory that an interrupting program may have changed since it was read before.
#define reread(member)                              \
	({                                          \
		asm volatile("" ::: "memory");      \
		*(volatile typeof(member) *)&(member); \
	})
