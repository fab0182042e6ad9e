// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The raw tracepoints: see core/tracepoint.h.
#pragma once

#include "core/compare.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/tracepoint.h"
#include "packet/packet.h"
#include "packet/scratch.h"
#include "match/packet_filter.h"
#include "follow/admit.h"
#include "follow/branch.h"
#include "follow/callstack.h"
#include "follow/first.h"
#include "explain/benign.h"
#include "explain/decision.h"
#include "explain/drop_part.h"
#include "explain/drop_site.h"
#include "explain/nft_rule.h"
#include "explain/variants.h"
#include "entry/handle.h"

// Whether the reason that the kernel reports, or the exact one, passes the filter.
static __always_inline bool filter_reason(u32 reason, u32 exact)
{
	if (CFG.reason_in_count &&
	    !is_listed(reason, CFG.reasons_in, CFG.reason_in_count, MAX_REASONS) &&
	    !is_listed(exact, CFG.reasons_in, CFG.reason_in_count, MAX_REASONS))
		return false;
	return !CFG.reason_out_count ||
	       (!is_listed(reason, CFG.reasons_out, CFG.reason_out_count, MAX_REASONS) &&
		!is_listed(exact, CFG.reasons_out, CFG.reason_out_count, MAX_REASONS));
}

// Fills in the drop reason, and returns whether it passes the filter.
static __always_inline bool read_reason(struct context *c, struct tracepoint_arguments *a, u64 params)
{
	u32 given = tracepoint_argument(a, (u8)(params >> 24));

	c->reason = CFG.qdisc_drop ? exact_reason(c->skb, given) : given;
	return filter_reason(given, c->reason);
}

// Memory for the address of a program's context: the verifier rejects arithmetic on a context pointer, but
// forgets the type of a stored one.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} context_address SEC(".maps");

// The drop location is a return address. If that is a trampoline, the innermost call on this stack has the
// true one; the arguments of a raw tracepoint are on the stack.
static __always_inline u64 true_location(struct tracepoint_arguments *a, u64 location)
{
	struct stack_key key;
	struct callstack *s;
	volatile u64 *at;

	if ((!SEES_SOME_RETURNS && !CFG.decisions) || !is_trampoline(location))
		return location;
	at = this_cpu_value(context_address);
	if (!at)
		return location;
	*at = (u64)a;
	if (CFG.decisions)
		location = decision_location(*at, location);
	if (!SEES_SOME_RETURNS)
		return location;
	find_stack(&key, *at);
	s = bpf_map_lookup_elem(&callstacks, &key);
	return s && s->depth ? innermost(s)->caller : location;
}

// The kinds of hits of the drop tracepoint.
enum drop_class {
	// Not emitted: a hidden benign drop, or a frag_list member with CFG.hide_parts.
	DROP_HIDDEN,
	// A frag_list member: emitted, but not as a drop.
	DROP_PART,
	// A drop that is not benign.
	DROP_FAULT,
	// A benign drop that is emitted.
	DROP_BENIGN,
};

static __noinline u32 classify_drop(void *program, const struct sk_buff *skb, u64 location, u32 reason)
{
	struct benign_reason *b;

	if (!running)
		return DROP_HIDDEN;
	if (is_part_of_list(program, location))
		return CFG.hide_parts ? DROP_HIDDEN : DROP_PART;
	b = find_benign(skb, reason);
	if (!b)
		return DROP_FAULT;
	if (!CFG.hide_benign)
		return DROP_BENIGN;
	__sync_fetch_and_add(&b->hidden, 1);
	return DROP_HIDDEN;
}

static __always_inline bool is_drop(u64 params)
{
	return params >> 32 & 1;
}

// `deciding` is the function of the decision by which a consumed packet ends, or 0.
static __always_inline void handle_hit(struct context *c, struct tracepoint_arguments *a, u64 params, u64 deciding)
{
	u8 location = params >> 16, reason = params >> 24;
	u32 verdict = DROP_PART;

	c->addr = params & 0xffff;
	c->location = tracepoint_argument(a, location);
	if (CFG.split_kfree_skb.size)
		c->location = outside_kfree_skb(a, c->location);
	c->location = true_location(a, c->location);
	if (CFG.net_tx_action.size)
		c->location = queued_location(c->skb, c->location);
	if (is_drop(params))
		verdict = classify_drop(a, c->skb, c->location, c->reason);
	if (verdict == DROP_HIDDEN)
		return;
	c->flags = verdict == DROP_BENIGN ? BENIGN_DROP : 0;
	if (CFG.decisions && is_consumption(params)) {
		c->location = deciding;
		c->flags = SILENT_DROP;
		verdict = DROP_FAULT;
	}
	c->parts = (verdict == DROP_PART ? 0 : PART_DROP) | (reason != NO_ARGUMENT ? PART_REASON : 0);
	handle(c);
}

// Returns whether the packet matches. A function of its own, so that the program itself needs no stack
// frame.
static __noinline int enter_tracepoint(struct tracepoint_arguments *a, u32 prefiltered, u64 deciding)
{
	struct sk_buff *skb = (void *)context_word(a, CHOSEN_WORD);
	struct context c = { .program = a, .skb = skb, .kind = RECORD_TRACEPOINT };
	u64 params = tracepoint_params();
	struct work w;

	if (!skb || !read_reason(&c, a, params) ||
	    !admit(a, RECORD_TRACEPOINT, skb, &c.branch, &w, prefiltered))
		return 0;
	handle_hit(&c, a, params, deciding);
	return 1;
}

// Matches a dropped packet by its other tuples. The scratch holds the tuple that matched, so it is kept until
// the record is filled.
static __noinline int enter_variants(struct tracepoint_arguments *a)
{
	struct sk_buff *skb = (void *)context_word(a, CHOSEN_WORD);
	struct context c = { .program = a, .skb = skb, .kind = RECORD_TRACEPOINT };
	u64 params = tracepoint_params();
	struct scratch *scratch;
	u32 level;

	if (!running || !is_drop(params) || !skb || !read_reason(&c, a, params))
		return 0;
	scratch = get_scratch(&level);
	if (scratch && filter_variants(scratch, a, skb)) {
		if (CFG.ids)
			c.branch = branch_with_tuple((u64)skb, &scratch->first);
		if (scratch->first.by)
			c.first = &scratch->first;
		handle_hit(&c, a, params, 0);
	}
	put_scratch();
	return 0;
}

SEC("raw_tp/skb")
int tracepoint_skb(struct tracepoint_arguments *a)
{
	u32 prefiltered;
	u64 deciding = 0;

	if (CFG.decisions && is_consumption(tracepoint_params())) {
		deciding = take_silent_drop(context_word(a, CHOSEN_WORD));
		if (!deciding)
			return 0;
	}
	if (CFG.nft_do_chain.size && is_drop(tracepoint_params()))
		note_nft_drop(context_word(a, CHOSEN_WORD), tracepoint_argument(a, (u8)(tracepoint_params() >> 16)));
	prefiltered = CFG.prefilter_first ? prefilter(context_word(a, CHOSEN_WORD)) : PREFILTER_UNKNOWN;
	if (prefiltered != PREFILTER_REJECT && !enter_tracepoint(a, prefiltered, deciding) && CFG.variants && !deciding)
		enter_variants(a);
	if (CFG.qdisc_drop && is_drop(tracepoint_params()))
		forget_exact_reason(context_word(a, CHOSEN_WORD));
	return 0;
}

// An sk_buff ends. If functions report that, too, the tracepoint is needed only while a function program runs
// on this CPU, since the kernel then skips the programs of those functions.
SEC("raw_tp/end")
int tracepoint_end(struct tracepoint_arguments *a)
{
	if (CFG.find_clones || is_busy())
		end_packet(context_word(a, 0));
	return 0;
}

// Kernel memory is freed: the data of an sk_buff, an sk_buff, or one with the clone behind it (struct
// sk_buff_fclones).
SEC("raw_tp/free")
int tracepoint_free(struct tracepoint_arguments *a)
{
	u64 object = context_word(a, 1), clone = object + bpf_core_type_size(struct sk_buff);

	free_head(object);
	if (bpf_map_lookup_elem(&branches, &object))
		remove_branch(object);
	if (bpf_map_lookup_elem(&branches, &clone))
		remove_branch(clone);
	return 0;
}
