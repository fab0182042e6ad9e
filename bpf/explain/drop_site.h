// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Details of a drop that its tracepoint does not report, and where they come from: the exact reason of a
// queueing discipline, from the qdisc_drop tracepoint (7.2), and the function that freed a packet in an
// interrupt, from a probe there, since net_tx_action frees such packets later.
#pragma once

#include "core/config.h"
#include "core/kernel.h"
#include "core/maps.h"

enum {
	MAX_QUEUED_FREES = 1024,
	// Return addresses that are searched for the caller of dev_kfree_skb_any_reason, from
	// dev_kfree_skb_irq_reason on.
	QUEUE_FRAMES = 6,
	// Return addresses that are searched for the caller of kfree_skb, including those of the BPF
	// functions and of bpf_trace_run.
	SPLIT_FRAMES = 14,
};

struct qdisc_detail {
	u64 skb;
	u32 reason;
	u32 pad;
};

// The reason of the qdisc_drop tracepoint for the next drop on this CPU.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct qdisc_detail);
} qdisc_details SEC(".maps");

// The callers that queued packets to be freed, by the sk_buff's address.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_QUEUED_FREES);
	__type(key, u64);
	__type(value, u64);
} queued_frees SEC(".maps");

// The caller of kfree_skb, if the location is in kfree_skb itself.
static __noinline u64 outside_kfree_skb(void *program, u64 location)
{
	u64 frames[SPLIT_FRAMES] = {};

	if (!is_within(location, &CFG.split_kfree_skb) || bpf_get_stack(program, frames, sizeof(frames), 0) < 0)
		return location;
	for (u32 i = 0; i + 1 < SPLIT_FRAMES; i++)
		if (frames[i] == location && frames[i + 1])
			return frames[i + 1];
	return location;
}

// The exact reason of a queueing discipline if qdisc_drop reported one for this packet, else `reason`.
static __noinline u32 exact_reason(const struct sk_buff *skb, u32 reason)
{
	struct qdisc_detail *detail;

	if (!CFG.qdisc_drop || reason != CFG.qdisc_drop)
		return reason;
	detail = this_cpu_value(qdisc_details);
	if (!detail || detail->skb != (u64)skb)
		return reason;
	return detail->reason;
}

// Clears the packet's exact reason, since another packet may get the sk_buff's address.
static __noinline int forget_exact_reason(u64 skb)
{
	struct qdisc_detail *detail;

	detail = this_cpu_value(qdisc_details);
	if (detail && detail->skb == skb)
		detail->skb = 0;
	return 0;
}

// The function that queued the packet to be freed, if the drop is in net_tx_action, else `location`.
static __noinline u64 queued_location(const struct sk_buff *skb, u64 location)
{
	u64 key = (u64)skb, *caller;

	if (!CFG.net_tx_action.size || (location != CFG.net_tx_action.begin && !is_within(location, &CFG.net_tx_action)))
		return location;
	caller = bpf_map_lookup_elem(&queued_frees, &key);
	if (!caller)
		return location;
	location = *caller;
	bpf_map_delete_elem(&queued_frees, &key);
	return location;
}
