// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Decisions: the values of calls that decide about a packet before it is dropped (the table is in
// internal/explain). They are read at the entry or at the return of the call, and kept per CPU in one slot for
// each decision, together with the packet. The program on the drop tracepoint adds the slots with its packet to the
// record.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/scratch.h"
#include "match/match.h"
#include "follow/branch.h"
#include "explain/conntrack.h"
#include "explain/counter.h"
#include "explain/decision_call.h"
#include "explain/decision_slot.h"
#include "explain/last_hook.h"
#include "explain/lookup.h"
#include "explain/silent_drop.h"
#include "explain/variants.h"
#include "explain/why.h"

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

// Whether the packet filter may match the packet as it is. If there is a prefilter, it suffices: the verifier then does
// not have to check the full filter in each of these programs.
static __noinline bool may_match(const struct sk_buff *skb)
{
	struct work w;

	if (CFG.prefilter)
		return prefilter((u64)skb) != PREFILTER_REJECT;
	return !read_span(&w.span, skb) && filter_frame(&w, skb);
}

// Whether the drop of a packet that does not match now may be emitted: it is followed, or NAT has changed its addresses
// or ports, so that the filter may match those of its connection (explain/variants.h).
static __noinline bool may_match_changed(const struct sk_buff *skb)
{
	bool reply;
	u64 ct;

	if (CFG.follow_matched && followed_branch((u64)skb))
		return true;
	if (!CFG.variants)
		return false;
	ct = connection_of(skb, &reply);
	return ct && BPF_CORE_READ((const struct nf_conn *)ct, status) & IPS_NAT;
}

// Whether the values of a decision are kept. All filters are applied at the drop, so this only saves work.
static __noinline bool is_decision_wanted(const struct sk_buff *skb)
{
	return !CFG.filter || may_match(skb) || may_match_changed(skb);
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
	if (params->flags & DECISION_SILENT_DROP)
		note_silent_drop(slot, d->call.addr, param);
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
