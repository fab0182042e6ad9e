// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Decisions by which a packet ends, although the kernel reports no drop: it consumes the packet next. The program on the
// tracepoint of consumed packets emits such a packet as a drop.
#pragma once

#include "core/compat.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "follow/branch.h"
#include "explain/counter.h"
#include "explain/decision_slot.h"
#include "explain/last_hook.h"

// The packet and the function of the last decision with DECISION_SILENT_DROP on this CPU, and its index in
// decision_params. If the kernel does not consume the packet, the entry counts as old after the same time as the slot.
struct silent_drop {
	u64 skb, head, ident, time, addr;
	u64 param;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct silent_drop);
} silent_drops SEC(".maps");

static __always_inline void note_silent_drop(const struct decision_slot *slot, u64 addr, u32 param)
{
	struct silent_drop *last = this_cpu_value(silent_drops);

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
static __always_inline bool is_silent_drop(const struct silent_drop *last)
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
static __noinline u64 take_silent_drop(u64 skb)
{
	struct silent_drop *last = this_cpu_value(silent_drops);
	u64 head, addr;

	if (!last || last->skb != skb || !skb)
		return 0;
	addr = last->addr;
	head = head_of(skb);
	if (last->head != head || last->ident != packet_ident((void *)skb, head) ||
	    bpf_ktime_get_ns() - last->time >= LAST_HOOK_AGE || !is_silent_drop(last))
		addr = 0;
	if (reread(last->skb) != skb)
		return 0;
	last->skb = 0;
	return addr;
}
