// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The netfilter hook of a function that has a struct nf_hook_state argument, and the priority of the hook
// function.
#pragma once

#include "core/compat.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/registers.h"
#include "packet/scratch.h"

enum {
	// Hook functions of one hook that are searched.
	MAX_HOOKS = 32,
	// The number of hooks of a family in a namespace; those of devices are separate.
	NF_HOOKS = 5,
	NF_ARP_HOOKS = 3,
	NF_NETDEV_INGRESS = 0,
	NF_NETDEV_EGRESS = 1,
};

// Describes the functions that this program is attached to: the position of the struct nf_hook_state argument
// in bits 0 to 7, and of the rule set in bits 8 to 15, both from 1, 0 for none; the kind of the rule set (enum
// hook_object) in bits 16 to 23. Bit 24 is set for hook functions. The body is replaced before loading.
static __noinline u64 hook_params(void)
{
	u64 params;

	asm volatile("%0 = 0x1010103 ll" : "=r"(params));
	return params;
}

// Copies the members of the state, which is on a stack and may be gone when a drop is reported.
static __always_inline void read_state(struct hook_call *call)
{
	const struct nf_hook_state *state = (void *)call->state;

	call->family = BPF_CORE_READ(state, pf);
	call->hook = BPF_CORE_READ(state, hook);
	call->net = (u64)BPF_CORE_READ(state, net);
	call->device = call->hook == NF_NETDEV_EGRESS ? (u64)BPF_CORE_READ(state, out) : (u64)BPF_CORE_READ(state, in);
}

static __noinline int find_call(struct hook_call *call, struct registers *regs, u64 function)
{
	u64 params = hook_params();

	__builtin_memset(call, 0, sizeof(*call));
	register_argument(regs, params & 0xff, &call->state);
	register_argument(regs, params >> 8 & 0xff, &call->object);
	call->object_kind = params >> 16;
	call->is_hook = params >> 24 & 1;
	call->priv = context_word(regs, ARGUMENT_1);
	call->function = function;
	if (call->state)
		read_state(call);
	return 0;
}

#define entries_of(from, member)                                              \
	(bpf_core_field_exists((from)->member) ? BPF_CORE_READ(from, member) : NULL)

// Returns element `hook` of a family's array of pointers to hook entries.
#define entries_at(net, member, hook, most)                                   \
	({                                                                    \
		const struct nf_hook_entries *found = NULL;                   \
		if (bpf_core_field_exists((net)->nf.member) && hook < most)   \
			read_kernel(&found, sizeof(found),                    \
				    (u64)&(net)->nf.member + hook * sizeof(found)); \
		found;                                                        \
	})

// Returns the hook functions of a hook.
static __noinline const struct nf_hook_entries *hook_entries(const struct hook_call *call, u32 hook)
{
	const struct net_device *dev = (void *)call->device;
	const struct net *net = (void *)call->net;

	switch (call->family) {
	case NFPROTO_IPV4:
		return entries_at(net, hooks_ipv4, hook, NF_HOOKS);
	case NFPROTO_IPV6:
		return entries_at(net, hooks_ipv6, hook, NF_HOOKS);
	case NFPROTO_BRIDGE:
		return entries_at(net, hooks_bridge, hook, NF_HOOKS);
	case NFPROTO_ARP:
		return entries_at(net, hooks_arp, hook, NF_ARP_HOOKS);
	case NFPROTO_NETDEV:
		if (hook == NF_NETDEV_EGRESS)
			return entries_of(dev, nf_hooks_egress);
		return entries_of(dev, nf_hooks_ingress);
	}
	return NULL;
}

// Fills in the priority. The array of entries is followed by an array of pointers to their nf_hook_ops.
static __always_inline void fill_priority(struct record_hook *r,
					  const struct nf_hook_entries *entries,
					  const struct hook_call *call)
{
	u64 list = (u64)&entries->hooks, size = sizeof(struct hook_entry);
	const struct nf_hook_ops *ops = NULL;
	struct hook_entry entry;
	u32 count = BPF_CORE_READ(entries, num_hook_entries);

	for (u32 i = 0; i < MAX_HOOKS; i++) {
		if (i >= count || read_kernel(&entry, sizeof(entry), list + i * size))
			return;
		if (entry.function != call->function || entry.priv != call->priv)
			continue;
		read_kernel(&ops, sizeof(ops), list + count * size + i * sizeof(ops));
		r->priority = BPF_CORE_READ(ops, priority);
		r->has |= HOOK_PRIORITY;
		return;
	}
}

#define fill_name(to, from) bpf_probe_read_kernel_str(to, sizeof(to), from)

static __always_inline void fill_nft(struct record_hook *r, const struct nft_chain *chain)
{
	const struct nft_table *table = BPF_CORE_READ(chain, table);
	const struct nft_base_chain *base;

	fill_name(r->chain, BPF_CORE_READ(chain, name));
	fill_name(r->table, BPF_CORE_READ(table, name));
	r->table_family = BPF_CORE_READ_BITFIELD_PROBED(table, family);
	base = (void *)((u64)chain - bpf_core_field_offset(struct nft_base_chain, chain));
	r->priority = BPF_CORE_READ(base, ops.priority);
	r->has |= HOOK_PRIORITY;
}

static __always_inline void fill_table(struct record_hook *r, const struct hook_call *call)
{
	r->object = call->object_kind;
	if (call->object_kind == HOOK_NFT && bpf_core_type_exists(struct nft_chain))
		fill_nft(r, (void *)call->object);
	else if (call->object_kind == HOOK_XTABLES && bpf_core_type_exists(struct xt_table))
		fill_name(r->table, ((struct xt_table *)call->object)->name);
	else if (call->object_kind == HOOK_EBTABLES && bpf_core_type_exists(struct ebt_table))
		fill_name(r->table, ((struct ebt_table *)call->object)->name);
	else
		r->object = HOOK_PLAIN;
}

// Fills in the hook of a call; leaves it empty if the call has no state.
static __noinline int fill_hook(struct record_hook *r, const struct hook_call *call)
{
	const struct nf_hook_entries *entries;

	__builtin_memset(r, 0, sizeof(*r));
	if (!call->state)
		return 0;
	r->has = HOOK_STATE;
	r->family = call->family;
	r->hook = call->hook;
	fill_table(r, call);
	if (r->has & HOOK_PRIORITY || !call->is_hook)
		return 0;
	entries = hook_entries(call, call->hook);
	if (entries)
		fill_priority(r, entries, call);
	return 0;
}
