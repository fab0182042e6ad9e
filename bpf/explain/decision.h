// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Decisions: the values of calls that decide about a packet before it is dropped (the table is in
// internal/explain). They are read at the entry or at the return of the call, and kept per CPU in one slot for
// each decision, together with the packet. The drop tracepoint adds the slots with its packet to the record.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "packet/scratch.h"
#include "match/match.h"
#include "follow/branch.h"
#include "follow/callstack.h"
#include "explain/last_hook.h"
#include "explain/lookup.h"
#include "explain/why.h"

enum decision_limit {
	// The largest number of decisions of a function at its entry, and at its return.
	MAX_FUNCTION_DECISIONS = 3,
	// The largest number of slots, and of decisions in all functions.
	MAX_DECISIONS = 160,
	// The largest number of recorded calls of a CPU, a power of two.
	MAX_DECISION_CALLS = 8,
	// Added to the address of a function in the key of the map decision_functions for its decision that reads
	// the packet from an argument.
	INDIRECT_KEY = 1,
	// Upper bound of the difference between the anchors at the entry and at the return: see return_anchor.
	MAX_ANCHOR_SHIFT = 256,
	// Counters that are compared: at least those of struct linux_xfrm_mib.
	MAX_COUNTERS = 40,
};

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

// The last values of a decision on this CPU, with the packet and the time in ns. skb is 0 if the slot is empty.
//
// Programs on functions fill the slots. The kernel runs no such program while another one runs on the CPU, so they do
// not interrupt each other. But one of them may interrupt the program on the drop tracepoint, which reads the slots, and
// the other way round. So skb is set before the values, and a reader checks it again after it has copied them.
struct decision_slot {
	u64 skb, head, time;
	u32 ident;
	u32 pad;
	struct record_why_entry entry;
};

// The number of slots is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct decision_slot);
} decision_slots SEC(".maps");

// Bits of decision_setting.flags.
enum decision_flag {
	// A call replaces the values of the calls inside it.
	DECISION_OUTERMOST = 1,
	// The packet ends, although the kernel reports no drop.
	DECISION_DIES = 2,
	// The packet may have other memory or headers when it is dropped.
	DECISION_REWRITES = 4,
};

// Keep the types in the BTF of the object, from which the Go types are generated.
const enum decision_flag *decision_flag_used __attribute__((unused));
const enum decision_limit *decision_limit_used __attribute__((unused));

// A decision of the table in one function: the size of its values, and its slot, which all functions with this
// decision share. For a decision with counters, their index in counter_snapshots, from 1, and their number; else 0.
struct decision_setting {
	u32 size;
	u16 slot;
	u16 flags;
	u16 snapshot;
	u16 counters;
};

// By number - 1; set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_DECISIONS);
	__type(key, u32);
	__type(value, struct decision_setting);
} decision_params SEC(".maps");

// The counters of a decision on this CPU, at the entry of its last call and at the drop. base is their address, 0 if
// they could not be read. Counters that the kernel does not have are 0.
struct counter_snapshot {
	u64 base;
	u64 before[MAX_COUNTERS];
	u64 now[MAX_COUNTERS];
};

// The number of snapshots is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counter_snapshot);
} counter_snapshots SEC(".maps");

// The first value of a decision with counters: the number of the one that grew. It follows the bitmap.
struct moved_counter {
	u64 known;
	u64 number;
};

const struct moved_counter *moved_counter_used __attribute__((unused));

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

// The following functions are replaced before loading by the compiled expressions of all decisions of the
// program.

// Whether the condition of a decision holds, so that its values are kept.
static __noinline u64 keep_decision(const struct arguments *a, u64 number)
{
	opaque(number);
	return a->result == number;
}

// Writes the values of a decision, at most MAX_WHY_VALUES bytes.
static __noinline u32 read_decision(const struct arguments *a, u8 *to, u64 number)
{
	opaque(number);
	*to = a->result == number;
	return 0;
}

// Writes the packet of a decision that reads it from an argument.
static __noinline u32 read_decision_skb(const struct arguments *a, u64 *to, u64 number)
{
	opaque(number);
	*to = a->result == number;
	return 0;
}

// Writes the address of the counters of a decision on this CPU.
static __noinline u32 read_decision_counters(const struct arguments *a, u64 *to, u64 number)
{
	opaque(number);
	*to = a->result == number;
	return 0;
}

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

// Whether the packet filter may match. All filters are applied at the drop, so this only saves work. If there is a
// prefilter, it suffices: the verifier then does not have to check the full filter in each of these programs.
static __noinline bool is_decision_wanted(const struct sk_buff *skb)
{
	struct work w;

	if (!CFG.filter)
		return true;
	if (CFG.prefilter)
		return prefilter((u64)skb) != PREFILTER_REJECT;
	return !read_span(&w.span, skb) && filter_frame(&w, skb);
}

static __always_inline void keep_call_arguments(struct decision_call *d, struct registers *regs, const struct decision_function *f)
{
	keep_registers(&d->args, regs);
	d->cpu = bpf_get_smp_processor_id();
	if (f->stack)
		read_kernel(&d->args.values[ARGUMENT_REGISTERS], (MAX_ARGUMENTS - ARGUMENT_REGISTERS) * sizeof(u64),
		    context_word(regs, STACK_POINTER) + STACK_ARGUMENTS);
}

static __always_inline struct counter_snapshot *snapshot_of(const struct decision_setting *params)
{
	u32 index = params->snapshot - 1;

	return bpf_map_lookup_elem(&counter_snapshots, &index);
}

// Copies counters; returns false if they can't be read.
static __always_inline bool copy_counters(u64 *to, u64 base, u32 counters)
{
	u32 size = counters * sizeof(u64);

	opaque(size);
	return base && size <= MAX_COUNTERS * sizeof(u64) && !read_kernel(to, size, base);
}

// Keeps the counters at the entry of a call.
static __noinline int keep_counters(const struct arguments *a, const struct decision_setting *params, u64 number)
{
	struct counter_snapshot *s = snapshot_of(params);
	u64 base = 0;

	if (!s)
		return 0;
	read_decision_counters(a, &base, number);
	s->base = copy_counters(s->before, base, params->counters) ? base : 0;
	return 0;
}

// Writes the number of the counter that grew by one since the entry to the values of the slot. Returns false if none
// did, or more than one.
static __noinline bool note_moved(struct decision_slot *slot, const struct decision_setting *params)
{
	struct moved_counter *moved = (void *)slot->entry.values;
	struct counter_snapshot *s = snapshot_of(params);
	u64 total = 0, number = 0, grown;

	if (!s || !copy_counters(s->now, s->base, params->counters))
		return false;
	for (u32 i = 0; i < MAX_COUNTERS; i++) {
		grown = s->now[i] - s->before[i];
		total += grown;
		number += grown * i;
	}
	moved->number = number;
	return total == 1;
}

// The packet and the function of the last decision with DECISION_DIES, and its index in decision_params. The kernel
// consumes the packet next; if it does not, the entry counts as old after the same time as the slot.
struct death {
	u64 skb, head, ident, time, addr;
	u64 param;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct death);
} deaths SEC(".maps");

static __always_inline void note_death(const struct decision_slot *slot, u64 addr, u32 param)
{
	struct death *last = this_cpu_value(deaths);

	if (!last)
		return;
	last->skb = slot->skb;
	last->head = slot->head;
	last->ident = slot->ident;
	last->time = slot->time;
	last->addr = addr;
	last->param = param;
}

// Whether the packet ends: a decision with counters does so only if one of them grew.
static __always_inline bool is_dead(const struct death *last)
{
	u32 param = last->param, index;
	struct decision_setting *params = bpf_map_lookup_elem(&decision_params, &param);
	struct decision_slot *slot;

	if (!params)
		return false;
	if (!params->snapshot)
		return true;
	index = params->slot;
	slot = bpf_map_lookup_elem(&decision_slots, &index);
	return slot && slot->skb == last->skb && note_moved(slot, params);
}

// The function of the decision by which the packet, which is being consumed, ends; 0 if there is none.
static __noinline u64 take_death(u64 skb)
{
	struct death *last = this_cpu_value(deaths);
	u64 head, addr;

	if (!last || last->skb != skb || !skb)
		return 0;
	addr = last->addr;
	head = head_of(skb);
	if (last->head != head || last->ident != packet_ident((void *)skb, head) ||
	    bpf_ktime_get_ns() - last->time >= LAST_HOOK_AGE || !is_dead(last))
		addr = 0;
	if (reread(last->skb) != skb)
		return 0;
	last->skb = 0;
	return addr;
}

// Keeps the values of a decision of the call at `index` if its condition holds. Without DECISION_OUTERMOST, it
// does not replace the values of a call inside this one, which were kept after `since`, the time of this call. The
// function is global (not static), so the verifier checks the expressions once.
__noinline int note_decision(u64 index, u64 number, u64 since)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	u32 param = number - 1, slot_index;
	struct decision_setting *params = bpf_map_lookup_elem(&decision_params, &param);
	struct decision_slot *slot;
	struct decision_call *d;

	if (!CFG.decisions || !calls || !params)
		return 0;
	d = &calls->list[index & (MAX_DECISION_CALLS - 1)];
	if (!keep_decision(&d->args, number))
		return 0;
	slot_index = params->slot;
	slot = bpf_map_lookup_elem(&decision_slots, &slot_index);
	if (!slot)
		return 0;
	if (!(params->flags & DECISION_OUTERMOST) && since && slot->skb == d->call.skb && slot->time >= since)
		return 0;
	slot->skb = d->call.skb;
	slot->head = head_of(slot->skb);
	slot->time = bpf_ktime_get_ns();
	slot->ident = packet_ident((void *)slot->skb, slot->head);
	slot->entry.number = param;
	slot->entry.kind = WHY_DECISION;
	slot->entry.size = params->size;
	read_decision(&d->args, slot->entry.values, number);
	if (params->snapshot)
		keep_counters(&d->args, params, number);
	if (params->flags & DECISION_DIES)
		note_death(slot, d->call.addr, param);
	return 0;
}

static __always_inline void note_decisions(u64 index, const u16 *numbers, u64 since)
{
	for (u32 i = 0; i < MAX_FUNCTION_DECISIONS; i++) {
		u64 number = numbers[i];

		if (!number)
			break;
		note_decision(index, number, since);
	}
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

// Whether the values in a slot with the address of the dropped packet belong to it, as in explain/last_hook.h.
static __always_inline bool is_decided(const struct decision_slot *slot, const struct decision_setting *params,
				       const struct site_roots *drop)
{
	bool same = slot->head == drop->head && slot->ident == drop->ident;

	return (same || params->flags & DECISION_REWRITES) && drop->time - slot->time < LAST_HOOK_AGE;
}

// Appends the values of a slot to the part in the record buffer if they belong to the packet, and returns the new
// size of the part. The part begins at `from` in the buffer; its size so far is `at`. If an interrupting program has
// replaced the values meanwhile, they are left out. The function is global (not static), so the verifier checks it
// once, and not once per slot.
__noinline int add_decision(u32 level, u32 index, u32 from, u32 at)
{
	struct decision_slot *slot = bpf_map_lookup_elem(&decision_slots, &index);
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &level);
	struct record_buffer *s = bpf_map_lookup_elem(&record_buffers, &level);
	struct decision_setting *params;
	u32 number, end = at;

	if (!CFG.decisions || !slot || !scratch || !s || from > RECORD_BUFFER_SIZE - MAX_WHY || slot->skb != scratch->roots.skb)
		return at;
	number = slot->entry.number;
	params = bpf_map_lookup_elem(&decision_params, &number);
	if (!params || !is_decided(slot, params, &scratch->roots))
		return at;
	if (!params->snapshot || note_moved(slot, params))
		end = append_why(s->bytes + from, at, &slot->entry);
	if (reread(slot->skb) != scratch->roots.skb)
		return at;
	slot->skb = 0;
	return end;
}

// Appends the decisions about a dropped packet to the part, and returns its new size.
static __always_inline u32 add_decisions(u32 from, u32 at, struct scratch *scratch)
{
	struct site_roots *drop = &scratch->roots;

	drop->head = head_of(drop->skb);
	drop->ident = packet_ident((void *)drop->skb, drop->head);
	drop->time = bpf_ktime_get_ns();
	for (u32 i = 0; i < MAX_DECISIONS && i < CFG.decisions; i++)
		at = add_decision(scratch->level, i, from, at);
	return at;
}
