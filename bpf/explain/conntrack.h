// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The conntrack state of a packet.
#pragma once

#include "core/compare.h"
#include "core/compat.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/scratch.h"
#include "explain/last_hook.h"
#include "explain/netfilter.h"

enum {
	// The low bits of skb->_nfct: the packet's state in its connection (enum ip_conntrack_info).
	NFCT_INFO = 7,
	// A bit of nf_conn.status. Before it is set, the timeout is relative.
	IPS_CONFIRMED = 1 << 3,
	// Bits of nf_conn.status: addresses or ports are translated.
	IPS_NAT = 1 << 4 | 1 << 5,
	// NF_IP_PRI_CONNTRACK and NF_IP6_PRI_CONNTRACK.
	CONNTRACK_PRIORITY = -200,
};

// The fields of a tuple are in network order: ports, or what the protocol has in their place.
static __always_inline void fill_direction(struct record_direction *to,
					   const struct nf_conntrack_tuple *from)
{
	read_kernel(to->source, sizeof(to->source), &from->src.u3);
	read_kernel(to->dest, sizeof(to->dest), &from->dst.u3);
	to->source_port = bpf_ntohs(BPF_CORE_READ(from, src.u.all));
	to->dest_port = bpf_ntohs(BPF_CORE_READ(from, dst.u.all));
	to->family = BPF_CORE_READ(from, src.l3num);
	to->protocol = BPF_CORE_READ(from, dst.protonum);
}

// Jiffies until the entry times out.
static __always_inline s32 ticks_left(const struct nf_conn *ct, u64 status)
{
	u32 timeout = BPF_CORE_READ(ct, timeout);

	return status & IPS_CONFIRMED ? timeout - (u32)bpf_jiffies64() : timeout;
}

static __always_inline void fill_entry(struct record_conntrack *r, const struct nf_conn *ct)
{
	r->has |= CONNTRACK_ENTRY;
	r->status = BPF_CORE_READ(ct, status);
	r->left = ticks_left(ct, r->status);
	fill_direction(&r->original, &ct->tuplehash[0].tuple);
	fill_direction(&r->reply, &ct->tuplehash[1].tuple);
	r->tcp_state = BPF_CORE_READ(ct, proto.tcp.state);
	if (bpf_core_field_exists(ct->mark)) {
		r->has |= CONNTRACK_MARK;
		r->mark = BPF_CORE_READ(ct, mark);
	}
	if (bpf_core_field_exists(ct->zone)) {
		r->has |= CONNTRACK_ZONE;
		r->zone = BPF_CORE_READ(ct, zone.id);
	}
}

// 1 if a hook operation is that of conntrack: by its priority, and its type, since chains of nftables can
// have the same priority.
static __always_inline u64 is_conntrack_hook(const struct nf_hook_ops *ops)
{
	u64 found = is_zero((u32)(BPF_CORE_READ(ops, priority) - CONNTRACK_PRIORITY));

	if (bpf_core_field_exists(ops->hook_ops_type))
		found &= is_zero((u32)BPF_CORE_READ(ops, hook_ops_type));
	return found;
}

// Whether conntrack has a hook function at this hook; if the call is at the same hook, it must be in front of
// the called function. Few branches, since the verifier would follow each.
static __noinline bool tracks_at(const struct hook_call *call, u32 hook, const struct nf_hook_entries *entries)
{
	const struct nf_hook_ops *ops = NULL;
	struct hook_entry entry;
	u64 list, tracked = 0, passed = 0, same;
	u32 count;

	if (!entries)
		return false;
	count = BPF_CORE_READ(entries, num_hook_entries);
	list = (u64)&entries->hooks;
	same = is_zero(hook ^ call->hook);
	for (u32 i = 0; i < MAX_HOOKS && i < count; i++) {
		read_kernel(&entry, sizeof(entry), list + i * sizeof(entry));
		read_kernel(&ops, sizeof(ops), list + count * sizeof(entry) + i * sizeof(ops));
		passed |= same & is_equal(entry.function, call->function) & is_equal(entry.priv, call->priv);
		tracked |= is_conntrack_hook(ops) & ~passed;
		opaque(tracked);
		opaque(passed);
	}
	return tracked;
}

// Whether the packet has passed conntrack before the call. A packet without a connection is invalid then.
static __always_inline bool is_behind_tracking(const struct hook_call *call)
{
	u32 hook = call->hook == NF_INET_LOCAL_OUT ? NF_INET_LOCAL_OUT : NF_INET_PRE_ROUTING;

	if (!call->net || (call->family != NFPROTO_IPV4 && call->family != NFPROTO_IPV6))
		return false;
	if (call->hook > NF_INET_POST_ROUTING || (hook == call->hook && !call->is_hook))
		return false;
	return tracks_at(call, hook, hook_entries(call, hook));
}

// Finds the packet's connection: the current one, or that at the last hook call of a dropped packet. Sets
// call->invalid if the packet has passed conntrack and has none.
static __noinline int find_connection(struct hook_call *call, const struct sk_buff *skb)
{
	u64 word = nfct_of(skb);

	if (word)
		call->nfct = word;
	call->invalid = !call->nfct && is_behind_tracking(call);
	return 0;
}

// Fills in the connection that find_connection found.
static __noinline int fill_conntrack(struct record_conntrack *r, const struct hook_call *call)
{
	u64 word = call->nfct;

	__builtin_memset(r, 0, sizeof(*r));
	if (!word) {
		r->has = call->invalid ? CONNTRACK_INVALID : 0;
		return 0;
	}
	r->has = CONNTRACK_INFO;
	r->info = word & NFCT_INFO;
	word &= ~(u64)NFCT_INFO;
	if (word && bpf_core_type_exists(struct nf_conn))
		fill_entry(r, (void *)word);
	return 0;
}
