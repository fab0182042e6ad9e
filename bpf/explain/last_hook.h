// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The last netfilter hook function called for a packet, which explains its drop: the drop tracepoint reports
// no hook, and the packet may have lost its connection by then (nf_reset_ct).
#pragma once

#include "core/compare.h"
#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/scratch.h"
#include "explain/netfilter.h"

enum {
	// Slots per CPU. The sk_buff's address selects one, so that a packet that is handled in an
	// interrupt usually does not overwrite that of the interrupted context.
	MAX_LAST_HOOKS = 4,
	// Time in ns after which a recorded call is ignored, since another packet may have the sk_buff's
	// address.
	LAST_HOOK_AGE = 100000000,
};

struct last_hook {
	u64 skb, head, time;
	// Bytes 2 to 5 of the IP header, which NAT does not change: length and id in IPv4, flow label and
	// length in IPv6.
	u32 ident;
	u32 pad;
	struct hook_call call;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_LAST_HOOKS);
	__type(key, u32);
	__type(value, struct last_hook);
} last_hooks SEC(".maps");

// The hook functions that are probed; its size and contents are set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, u8);
} hook_functions SEC(".maps");

static __always_inline struct last_hook *last_hook_slot(const struct sk_buff *skb)
{
	u32 index = ((u64)skb >> 8 ^ (u64)skb >> 11) & (MAX_LAST_HOOKS - 1);

	return bpf_map_lookup_elem(&last_hooks, &index);
}

static __always_inline u32 packet_ident(const struct sk_buff *skb, u64 head)
{
	u32 ident = 0;

	read_kernel(&ident, sizeof(ident), head + BPF_CORE_READ(skb, network_header) + 2);
	return ident;
}

static __always_inline u64 nfct_of(const struct sk_buff *skb)
{
	return bpf_core_field_exists(skb->_nfct) ? BPF_CORE_READ(skb, _nfct) : 0;
}

// Records a call as the last one of the packet.
static __noinline int note_hook(const struct sk_buff *skb, const struct hook_call *call)
{
	struct last_hook *last = last_hook_slot(skb);

	if (!last || !call->state)
		return 0;
	last->skb = (u64)skb;
	last->head = (u64)BPF_CORE_READ(skb, head);
	last->time = bpf_ktime_get_ns();
	last->ident = packet_ident(skb, last->head);
	last->call = *call;
	last->call.nfct = nfct_of(skb);
	return 0;
}

// Whether the call in a slot belongs to a packet, and not to an earlier one at the same address.
static __always_inline bool is_last_hook_of(const struct last_hook *last, const struct sk_buff *skb)
{
	u64 head = (u64)BPF_CORE_READ(skb, head);

	return last->head == head && last->ident == packet_ident(skb, head) && bpf_ktime_get_ns() - last->time <= LAST_HOOK_AGE;
}

// Copies the last call of a dropped packet, and clears its slot. Returns false if none is known, also if an interrupting
// program has replaced it meanwhile: see decision_slot in explain/decision.h.
static __noinline bool take_last_hook(struct hook_call *call, const struct sk_buff *skb)
{
	struct last_hook *last = last_hook_slot(skb);
	bool known;

	if (!last || last->skb != (u64)skb)
		return false;
	known = is_last_hook_of(last, skb);
	*call = last->call;
	if (reread(last->skb) != (u64)skb)
		return false;
	last->skb = 0;
	return known;
}

// Whether the last call is known: the next hook function is probed, or there is none. A function that is not
// probed may be the one that dropped the packet.
static __noinline bool is_last_seen(const struct hook_call *call)
{
	const struct nf_hook_entries *entries = hook_entries(call, call->hook);
	struct hook_entry entry;
	u64 list, passed = 0, next = 0, is_next;
	u32 count;

	if (!entries || !call->is_hook)
		return false;
	count = BPF_CORE_READ(entries, num_hook_entries);
	list = (u64)&entries->hooks;
	for (u32 i = 0; i < MAX_HOOKS && i < count; i++) {
		read_kernel(&entry, sizeof(entry), list + i * sizeof(entry));
		is_next = -(passed & is_equal(next, 0));
		next |= entry.function & is_next;
		passed |= is_equal(entry.function, call->function) & is_equal(entry.priv, call->priv);
		opaque(passed);
		opaque(next);
	}
	return passed && (!next || bpf_map_lookup_elem(&hook_functions, &next));
}

// Whether netfilter dropped the packet, judged by the reason, or on kernels without reasons by the location.
static __always_inline bool is_netfilter_drop(const struct context *c)
{
	if (c->parts & PART_REASON)
		return CFG.netfilter_drop && c->reason == CFG.netfilter_drop;
	return is_within(c->location, &CFG.hook_slow);
}

// Finds the last call of a dropped packet. If netfilter did not drop it, call->state is cleared, and only the
// connection remains.
static __noinline int find_last_hook(struct hook_call *call, const struct sk_buff *skb, u64 dropped_there)
{
	if (!take_last_hook(call, skb)) {
		__builtin_memset(call, 0, sizeof(*call));
		return 0;
	}
	if (!dropped_there)
		call->state = 0;
	else if (!is_last_seen(call)) {
		call->is_hook = 0;
		call->object_kind = HOOK_PLAIN;
	}
	return 0;
}

// Finds the hook call of a record: its own, or the last one of a dropped packet.
static __always_inline void find_hook(struct hook_call *call, const struct context *c)
{
	if (c->kind == RECORD_FUNCTION) {
		find_call(call, c->program, c->addr);
		note_hook(c->skb, call);
		return;
	}
	if (c->parts & PART_DROP)
		find_last_hook(call, c->skb, is_netfilter_drop(c));
	else
		__builtin_memset(call, 0, sizeof(*call));
}
