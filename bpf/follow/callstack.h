// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The active calls: for each kernel stack, the traced functions that were entered on it for a matching
// packet, innermost last. A stack is identified by its address, which separates tasks and the per-CPU
// interrupt stacks; contexts that share a stack are separated by the preemption count. Only one context
// runs on a stack at a time, so no locking is needed.
#pragma once

#include "core/compare.h"
#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "packet/packet.h"

#define KEEP_CALLS (CFG.returns || CFG.no_skb_funcs || CFG.by_stack)
// Whether returns are probed, so that calls end there.
#define SEES_RETURNS (CFG.returns || CFG.session)

// Whether the function looks something up; the returns of such functions are always probed.
#define IS_LOOKUP(call) (CFG.lookup_size && (call)->lookup)
// Whether the return of this call is probed, and whether any returns are.
#define SEES_RETURN(call) (SEES_RETURNS || IS_LOOKUP(call))
#define SEES_SOME_RETURNS (SEES_RETURNS || CFG.lookup_size || CFG.maps)
// Whether the return of this call is emitted.
#define EMITS_RETURN(call) (CFG.returns || IS_LOOKUP(call))

enum {
	// Calls recorded per stack, a power of two.
	MAX_CALLS = 64,
	// Calls that are checked to find one that is still active.
	MAX_LOOKS = 8,
	// Calls at one stack position, made by tail calls.
	MAX_TAILS = 4,
	// Stack frames that are searched for the frame of a call.
	MAX_STEPS = 24,
	// Return addresses that are requested from the kernel's unwinder.
	MAX_UNWOUND = 64,
};

struct call {
	// The position on the stack: see entry_anchor. Inner calls have a lower one.
	u64 anchor;
	// The return address.
	u64 caller;
	u64 addr;
	// 0 if the call is for a packet that does not match: see note_entry.
	u64 skb;
	// The ids of the packet and its part; 0 if packets are not followed.
	u64 id, part;
	u64 time;
	// Bits CALL_RECORDED and CALL_MAP.
	u64 recorded;
	// The number of outer calls that were recorded.
	u64 recorded_around;
	// Bits of enum lookup_flag.
	u64 lookup;
};

// Bits of call.recorded. The sum of the lower halves is the number of recorded calls.
#define CALL_RECORDED 1ULL
// The function looks something up in a BPF map; the call is emitted at its return.
#define CALL_MAP (1ULL << 32)

struct stack_key {
	u64 stack;
	u64 context;
};

// The key of a call's recorded parts.
struct recorded_key {
	struct stack_key stack;
	u64 index;
};

// The packet for which an sk_buff is being allocated on this stack; id 0 is none.
struct alloc {
	u64 id, part;
};

struct callstack {
	struct alloc alloc;
	// The key of the innermost call; kept here because BPF stacks are small.
	struct recorded_key key;
	u64 depth;
	struct call list[MAX_CALLS];
};

// Its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct stack_key);
	__type(value, struct callstack);
} callstacks SEC(".maps");

// A stack without calls, for initialization; never written.
struct callstack empty_callstack = {};

// The record parts of a call's entry that its return repeats, since the packet may be gone by then.
enum {
	MAX_RECORDED = sizeof(struct record_meta) + sizeof(struct record_tuple) +
		    sizeof(struct record_tunnel) + sizeof(struct record_cb),
};

struct recorded {
	u8 bytes[MAX_RECORDED];
	struct record_lineage lineage;
	struct record_hook hook;
	struct record_conntrack conntrack;
	// Of an XDP frame: see struct record_head.
	u64 head;
};

// Its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct recorded_key);
	__type(value, struct recorded);
} recorded_parts SEC(".maps");

struct recorded nothing_recorded = {};

// The position of a call on its stack, the same at entry and return: the stack pointer at the entry, or
// the caller's frame.
#ifdef FRAME_POINTER
static __always_inline u64 entry_anchor(struct registers *regs)
{
	return context_word(regs, FRAME_POINTER);
}

static __always_inline u64 return_anchor(struct registers *regs)
{
	return context_word(regs, FRAME_POINTER);
}
#else
static __always_inline u64 entry_anchor(struct registers *regs)
{
	return context_word(regs, STACK_POINTER);
}

// On amd64 from 6.14 to 6.18, the stack pointer at returns of kprobe-multi links is lower than that, since
// it includes what the kernel itself pushed.
static __always_inline u64 return_anchor(struct registers *regs)
{
	return context_word(regs, STACK_POINTER) - RETURN_POPS;
}
#endif

static __always_inline void find_stack(struct stack_key *key, u64 anchor)
{
	u64 count = 0;

	current_preempt_count(&count);
	key->stack = anchor & ~((u64)CFG.stack_size - 1);
	key->context = count & (SOFTIRQ_SERVING | INTERRUPTS);
}

static __always_inline struct call *innermost(struct callstack *s)
{
	return &s->list[(s->depth - 1) & (MAX_CALLS - 1)];
}

static __always_inline void count_unreturned(u64 calls)
{
	struct counters *n;

	n = this_cpu_value(counts);
	if (n && (CFG.returns || CFG.lookup_size || CFG.maps))
		__sync_fetch_and_add(&n->unreturned, calls);
}

static __always_inline void drop_innermost(struct callstack *s)
{
	if (innermost(s)->recorded)
		count_unreturned(1);
	s->depth--;
}

static __always_inline bool is_trampoline(u64 address)
{
	u64 found = 0;

	for (u32 i = 0; i < MAX_TRAMPOLINES; i++)
		found |= is_equal(CFG.trampolines[i], address);
	return address && found;
}

// Whether a call has ended when a function is entered at the anchor. A call at the same position either ended
// or entered this function by a tail call. If its return is probed, it is the latter, since the return would
// have ended it.
static __always_inline bool has_ended(const struct call *call, u64 anchor)
{
	return SEES_RETURN(call) ? call->anchor < anchor : call->anchor <= anchor;
}

// The number of calls whose position is the anchor or further out (higher); the innermost call must not be
// one of them. A branchless binary search, since the verifier would follow each branch.
static __always_inline u64 calls_around(const struct callstack *s, u64 anchor)
{
	u64 around = 0;

	for (u32 half = MAX_CALLS / 2; half; half /= 2) {
		u64 next = around + half;
		u64 is_there = (next - s->depth - 1) >> 63;
		u64 is_around = ~(s->list[(next - 1) & (MAX_CALLS - 1)].anchor - anchor) >> 63;

		around += half * (is_there & is_around);
		opaque(around);
	}
	return around;
}

// Drops the calls beyond the first `kept`, whose returns were not seen.
static __always_inline void drop_calls(struct callstack *s, u64 kept)
{
	struct call *last = innermost(s), *first = &s->list[kept & (MAX_CALLS - 1)];
	u32 unseen = last->recorded_around + (u32)last->recorded - first->recorded_around;

	s->depth = kept;
	if (unseen)
		count_unreturned(unseen);
}

static __noinline int drop_ended(struct callstack *s, u64 anchor)
{
	if (s->depth && innermost(s)->anchor < anchor)
		drop_calls(s, calls_around(s, anchor));
	for (u32 i = 0; i < MAX_TAILS && !SEES_RETURNS; i++) {
		if (!s->depth || !has_ended(innermost(s), anchor))
			break;
		drop_innermost(s);
	}
	return 0;
}

// The calls of the anchor's stack, or NULL. The key uses memory of w that is free at this time.
static __always_inline struct callstack *callstack_at(u64 anchor, struct work *w)
{
	struct stack_key *key = (void *)w->span.bytes;

	find_stack(key, anchor);
	return bpf_map_lookup_elem(&callstacks, key);
}

// The same, added if there are none.
static __always_inline struct callstack *callstack_for(u64 anchor, struct work *w)
{
	struct stack_key *key = (void *)w->span.bytes;
	struct callstack *s = callstack_at(anchor, w);

	if (s)
		return s;
	bpf_map_update_elem(&callstacks, key, &empty_callstack, 0);
	s = bpf_map_lookup_elem(&callstacks, key);
	if (s)
		s->key.stack = *key;
	return s;
}

// The caller of a function whose return address is a trampoline, because it was tail-called by a function
// with a return probe.
static __always_inline u64 true_caller(struct callstack *s, u64 anchor, u64 caller)
{
	if (SEES_SOME_RETURNS && s->depth && innermost(s)->anchor == anchor && is_trampoline(caller))
		return innermost(s)->caller;
	return caller;
}

// Whether the call is the one that returns. If the kernel does not report the function, only the position is
// compared.
static __always_inline bool is_returning(const struct call *call, u64 anchor, u64 function)
{
	if (!HAVE_FUNC_IP)
		return call->skb && call->anchor == anchor &&
		       (SEES_RETURN(call) || (CFG.maps && call->recorded & CALL_MAP));
	return call->addr == function && call->anchor >= anchor;
}

// Ends the returning call, and the calls inside it, whose returns were not seen. Returns whether it was found;
// it is then at list[depth], behind the calls that are still active.
static __noinline bool end_call(struct callstack *s, u64 anchor, u64 function)
{
	u64 depth = s->depth, unseen = 0;

	for (u32 i = 0; i < MAX_CALLS; i++) {
		struct call *call;

		if (!depth)
			return false;
		depth--;
		call = &s->list[depth & (MAX_CALLS - 1)];
		if (is_returning(call, anchor, function))
			break;
		unseen += call->recorded;
	}
	if (unseen)
		count_unreturned((u32)unseen);
	s->depth = depth;
	return true;
}

// Whether a call is still active at the entry of a function that returns to `caller`. A function at the
// same position was tail-called by it.
#ifdef FRAME_POINTER
static __noinline bool is_active(const struct call *call, u64 anchor, u64 caller)
{
	u64 frame[2] = { anchor, caller };
	u64 at = anchor;

	for (u32 i = 0; i < MAX_STEPS; i++) {
		if (frame[0] == call->anchor)
			return frame[1] == call->caller || is_trampoline(frame[1]);
		if (frame[0] > call->anchor || (i && frame[0] <= at))
			return false;
		at = frame[0];
		if (read_kernel(frame, sizeof(frame), at))
			return false;
	}
	return false;
}
#else
static __noinline bool is_active(const struct call *call, u64 anchor, u64 caller)
{
	u64 address = 0;

	if (call->anchor <= anchor)
		return call->anchor == anchor && call->caller == caller;
	if (read_kernel(&address, sizeof(address), call->anchor + RETURN_ADDRESS))
		return false;
	return address == call->caller || is_trampoline(address);
}
#endif

#ifdef FRAME_POINTER
// is_active is exact here, since it follows the frames.
#define is_unwound(regs, call, anchor) ((void)(regs), true)
#else
struct unwound {
	u64 addresses[MAX_UNWOUND];
};

// One is enough: while a function program runs, no other does on this CPU.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct unwound);
} unwounds SEC(".maps");

// Whether the kernel's own unwinder finds the call from here. The return address in the call's stack slot
// may be left over from an earlier call, in an unused part of the frame of a function that owns the slot
// now.
static __noinline bool is_unwound(struct registers *regs, const struct call *call, u64 anchor)
{
	struct unwound *u;
	long size;

	if (SEES_RETURN(call) || !call->skb || call->anchor == anchor)
		return true;
	u = this_cpu_value(unwounds);
	if (!u)
		return false;
	size = bpf_get_stack(regs, u->addresses, sizeof(u->addresses), 0);
	for (u32 i = 0; i < MAX_UNWOUND; i++) {
		if ((long)(i * sizeof(u64)) >= size)
			return false;
		if (u->addresses[i] == call->caller)
			return true;
	}
	return false;
}
#endif

// Drops calls that have ended, until the innermost one is active at this function's entry; false if none is.
static __noinline bool find_active(struct registers *regs, struct callstack *s)
{
	u64 anchor = entry_anchor(regs), caller = return_address(regs), found = 0;

	for (u32 i = 0; i < MAX_LOOKS && s->depth; i++) {
		found = is_active(innermost(s), anchor, caller) && is_unwound(regs, innermost(s), anchor);
		opaque(found);
		if (found)
			break;
		drop_innermost(s);
	}
	return found;
}

// Adds a call as the innermost; false if there are too many.
static __always_inline bool add_call(struct callstack *s, u64 anchor, u64 caller)
{
	struct call *call, *around;
	u64 recorded;

	if (s->depth >= MAX_CALLS)
		return false;
	around = innermost(s);
	recorded = s->depth ? around->recorded_around + (u32)around->recorded : 0;
	s->key.index = s->depth++;
	call = innermost(s);
	call->recorded_around = recorded;
	call->anchor = anchor;
	call->caller = caller;
	call->addr = 0;
	call->skb = 0;
	call->id = 0;
	call->time = 0;
	call->recorded = 0;
	call->lookup = 0;
	return true;
}

// Records the call of a function with a matching packet, unless there are too many.
static __always_inline void begin_call(struct context *c, struct work *w, u64 anchor)
{
	struct callstack *s = callstack_for(anchor, w);
	struct call *call;

	if (!s)
		return;
	drop_ended(s, anchor);
	c->caller = true_caller(s, anchor, c->caller);
	if (!add_call(s, anchor, c->caller)) {
		count_unreturned(1);
		return;
	}
	call = innermost(s);
	call->addr = c->addr;
	call->skb = (u64)c->skb;
	call->lookup = c->lookup;
	if (CFG.by_stack && c->branch) {
		call->id = c->branch->id;
		call->part = c->branch->part;
	}
	c->callstack = s;
}

// Handles the entry of a function with a packet that does not match, and drops the calls that have ended.
// Functions that it calls do not run for the packet of an outer call (for example if several packets are
// handled in a row), so its own call is added, which hides the outer one.
static __noinline int note_entry(struct registers *regs, struct callstack *s)
{
	u64 anchor = entry_anchor(regs);

	drop_ended(s, anchor);
	if (find_active(regs, s) && innermost(s)->skb)
		add_call(s, anchor, true_caller(s, anchor, return_address(regs)));
	return 0;
}
