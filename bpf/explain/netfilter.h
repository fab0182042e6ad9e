// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Of a call that has a struct nf_hook_state: where in netfilter it is, and which hook
// function of those there.
#pragma once

#include "core/compat.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/registers.h"
#include "packet/scratch.h"

enum {
	// Hook functions of one hook that are looked through.
	MAX_HOOKS = 32,
	// The hooks of a family in its namespace; there is another one for devices.
	NF_HOOKS = 5,
	NF_ARP_HOOKS = 3,
	NF_NETDEV_INGRESS = 0,
	NF_NETDEV_EGRESS = 1,
};

// Registers of the functions that this program is for: the struct nf_hook_state's in
// bits 0 to 7, the one of what the function works on in bits 8 to 15, in bits 16 to 23
// what that is, and in bit 24 whether they are hook functions. The body is replaced
// before loading.
static __noinline u64 hook_params(void)
{
	u64 params;

	asm volatile("%0 = 0x1010103 ll" : "=r"(params));
	return params;
}

// The state lies on a stack: what is in it is kept, as that of a drop may be gone.
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

// The entry of a family's hook in an array of pointers to entries.
#define entries_at(net, member, hook, most)                                   \
	({                                                                    \
		const struct nf_hook_entries *found = NULL;                   \
		if (bpf_core_field_exists((net)->nf.member) && hook < most)   \
			read_kernel(&found, sizeof(found),                    \
				    (u64)&(net)->nf.member + hook * sizeof(found)); \
		found;                                                        \
	})

// The hook functions of a family's hook.
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

// Behind the entries lie as many pointers to what they were made of.
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

// Tells of a call; of none where it has no state.
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
