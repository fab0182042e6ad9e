// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The nftables rule that dropped a packet, found without nftrace. nft_do_chain evaluates the rules of a base chain
// and of the chains to which it jumps. Most expressions of a rule only match; the functions of those that can set a
// verdict are probed. For each active call of nft_do_chain, the address of the expression that set the verdict
// NF_DROP is recorded, and the chains that were entered. At the drop, the rule that contains the expression is
// searched for. If no expression set the verdict, the policy of the base chain dropped the packet.
//
// nft_do_chain frees the packet itself, or returns NF_DROP (seen on 5.10.223 and 6.1.176).
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "packet/scratch.h"
#include "explain/decision.h"
#include "explain/last_hook.h"

enum {
	// The number of chains that are recorded per call, the last ones; a power of two. Others are found in the
	// list of the table.
	MAX_NFT_CHAINS = 16,
	// A search ends after NFT_ROUNDS * NFT_STEPS steps, one for each rule and chain.
	NFT_ROUNDS = 1024,
	NFT_STEPS = 64,
	// Longer names are truncated.
	NFT_TABLE_NAME = 40,
	NFT_CHAIN_NAME = 88,

	NF_DROP = 0,
	NF_VERDICT_MASK = 0xff,
	NFT_CONTINUE = -1,
	NFT_BREAK = -2,
	NFT_RETURN = -5,
};

// The values of the rule in a record: see internal/plan.
struct nft_rule_values {
	// A bitmap of the known values, in the order of the members.
	u8 known[8];
	// The handle of the rule; 0 for the policy of the chain.
	u64 handle;
	// The policy of the chain, which is only known for a base chain; 1 for a base chain.
	u64 policy, base;
	// The family of the table (NFPROTO_*).
	u64 family;
	// The family of the hook in bits 8 to 15 and its number in bits 0 to 7; the priority of the base chain.
	u64 hook, priority;
	// The handle of the table: a table that replaces it has another one.
	u64 table_handle;
	// The names are truncated if their last byte is not 0.
	u8 table[NFT_TABLE_NAME];
	u8 chain[NFT_CHAIN_NAME];
};

_Static_assert(sizeof(struct nft_rule_values) <= MAX_WHY_VALUES, "the values fit into an entry");

// Bits of nft_rule_values.known.
enum {
	NFT_ALL_KNOWN = 0x1ff,
	NFT_POLICY_KNOWN = 1 << 1,
	NFT_TABLE_HANDLE_KNOWN = 1 << 6,
};

// An active call of nft_do_chain. It belongs to the decision_call with the same index and time.
struct nft_traversal {
	u64 time;
	// The expression that set the verdict NF_DROP.
	u64 expr;
	// An expression whose evaluation has not returned yet, or 0.
	u64 pending;
	// The struct nft_regs of the call; 0 if no probed expression was evaluated.
	u64 regs;
	// The number of chains that were entered by a jump or goto; the last MAX_NFT_CHAINS are in the list, which
	// is a ring. The first may be garbage, since the kernel does not initialize the registers.
	u64 entered;
	u64 chains[MAX_NFT_CHAINS];
};

struct nft_traversals {
	struct nft_traversal list[MAX_DECISION_CALLS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct nft_traversals);
} nft_traversals SEC(".maps");

// Set if a type of expressions was registered since the start: expressions that are not probed may drop packets.
u32 nft_unprobed = 0;

// The state of a search for the rule that has an expression. The chains are searched in this order: those that
// the call entered, last first; the base chain; those of the table.
struct nft_search {
	u64 expr;
	// The index of the call, and its base chain.
	u64 index, base;
	// Of the chains that the call entered: the number of the first in the list, and how many are left to search.
	// Whether the base chain is left to search.
	u64 first, left;
	bool base_left;
	// The next chain of the table's list, and the head of the list.
	u64 next, head;
	// The chain that is being searched, and the position of the next rule in it; 0 to continue with the next
	// chain. Before 5.17: the array of rules of the second generation, or 0 once that is being searched.
	u64 chain, at, second;
	// The rule that was found; 0 for none.
	u64 handle;
};

// One per CPU. A program that interrupts a search on this CPU and searches itself makes the interrupted one fail: see
// note_nft_rule.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct nft_search);
} nft_searches SEC(".maps");

// The index, plus 1, of the innermost active call of nft_do_chain, or 0. pkt and skb must be those of the call
// unless they are 0. The call must be on the stack of `anchor`, further out, unless anchor is 0. The function is
// global (not static), so the verifier checks it once.
__noinline int find_nft_call(u64 pkt, u64 skb, u64 anchor)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	u64 depth;

	if (!CFG.nft_do_chain.size || !calls)
		return 0;
	depth = calls->depth;
	for (u32 i = 0; i < MAX_DECISION_CALLS && depth; i++, depth--) {
		struct decision_call *d = &calls->list[(depth - 1) & (MAX_DECISION_CALLS - 1)];

		if (d->call.addr != CFG.nft_do_chain.begin || (pkt && d->args.values[0] != pkt) || (skb && d->call.skb != skb))
			continue;
		if (anchor && (!is_same_stack(d->call.anchor, anchor) || d->call.anchor < anchor))
			continue;
		return depth;
	}
	return 0;
}

// The traversal of a call, by the call's index plus 1; NULL if that is 0. It is reset if it is of an earlier call.
static __noinline struct nft_traversal *nft_traversal_of(u64 number)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct nft_traversals *all = this_cpu_value(nft_traversals);
	u64 index = (number - 1) & (MAX_DECISION_CALLS - 1);
	struct nft_traversal *t;

	if (!number || !calls || !all)
		return NULL;
	t = &all->list[index];
	if (t->time == calls->list[index].call.time)
		return t;
	t->time = calls->list[index].call.time;
	t->expr = 0;
	t->pending = 0;
	t->regs = 0;
	t->entered = 0;
	return t;
}

static __always_inline bool is_nft_drop(u32 code)
{
	return !((s32)code < 0) && (code & NF_VERDICT_MASK) == NF_DROP;
}

static __always_inline u32 nft_code(u64 regs)
{
	return BPF_CORE_READ((const struct nft_regs *)regs, verdict.code);
}

// Records the chain of the last jump, which is still in the registers. It is the chain of the expression, or one that
// returned to that chain.
static __always_inline void note_nft_chain(struct nft_traversal *t, u64 regs)
{
	u64 chain = (u64)BPF_CORE_READ((const struct nft_regs *)regs, verdict.chain);

	t->regs = regs;
	if (!chain || (t->entered && t->chains[(t->entered - 1) & (MAX_NFT_CHAINS - 1)] == chain))
		return;
	t->chains[t->entered & (MAX_NFT_CHAINS - 1)] = chain;
	t->entered++;
}

// Sets s->chain to the next chain to search; 0 if there is none.
static __always_inline void next_nft_chain(struct nft_search *s)
{
	struct nft_traversals *all = this_cpu_value(nft_traversals);
	const struct nft_chain *chain;
	struct nft_traversal *t;

	s->chain = 0;
	if (!all)
		return;
	if (s->left) {
		t = &all->list[s->index & (MAX_DECISION_CALLS - 1)];
		s->left--;
		s->chain = t->chains[(s->first + s->left) & (MAX_NFT_CHAINS - 1)];
	} else if (s->base_left) {
		s->base_left = false;
		s->chain = s->base;
	} else if (s->next && s->next != s->head) {
		chain = (void *)(s->next - bpf_core_field_offset(struct nft_chain, list));
		s->chain = (u64)chain;
		s->next = (u64)BPF_CORE_READ(chain, list.next);
	}
}

// The address of the first rule of a block of rules if the expression is in the block, else 0.
static __always_inline u64 in_blob(const struct nft_rule_blob *blob, u64 expr)
{
	u64 first = (u64)blob + bpf_core_field_offset(struct nft_rule_blob, data);

	return blob && expr - first < BPF_CORE_READ(blob, size) ? first : 0;
}

// Sets s->at to the first rule of s->chain.
static __always_inline void begin_nft_chain(struct nft_search *s)
{
	const struct nft_chain *chain = (void *)s->chain;
	const struct nft_chain___v5_17 *old = (void *)s->chain;

	if (!bpf_core_field_exists(chain->blob_gen_0)) {
		s->at = (u64)BPF_CORE_READ(old, rules_gen_0);
		s->second = (u64)BPF_CORE_READ(old, rules_gen_1);
		return;
	}
	s->at = in_blob(BPF_CORE_READ(chain, blob_gen_0), s->expr);
	if (!s->at)
		s->at = in_blob(BPF_CORE_READ(chain, blob_gen_1), s->expr);
}

// Checks the rule at s->at in a block, and goes to the next one.
static __always_inline void next_blob_rule(struct nft_search *s)
{
	u64 expressions = s->at + bpf_core_field_offset(struct nft_rule_dp, data), size;
	struct nft_rule_dp copy = {};

	if (read_kernel(&copy, sizeof(u64), s->at) || BPF_CORE_READ_BITFIELD(&copy, is_last)) {
		s->at = 0;
		return;
	}
	size = BPF_CORE_READ_BITFIELD(&copy, dlen);
	if (s->expr - expressions < size)
		s->handle = BPF_CORE_READ_BITFIELD(&copy, handle);
	s->at = expressions + size;
}

// Checks the rule at s->at in an array, and goes to the next one.
static __always_inline void next_listed_rule(struct nft_search *s)
{
	const struct nft_rule___v5_17 *rule = NULL;

	read_kernel(&rule, sizeof(rule), s->at);
	if (!rule) {
		s->at = s->second;
		s->second = 0;
		return;
	}
	if (s->expr - ((u64)rule + bpf_core_field_offset(struct nft_rule___v5_17, data)) < BPF_CORE_READ_BITFIELD_PROBED(rule, dlen))
		s->handle = BPF_CORE_READ_BITFIELD_PROBED(rule, handle);
	s->at += sizeof(rule);
}

// Checks NFT_STEPS rules or chains; returns whether the search is finished.
__noinline int search_nft_rules(u32 round)
{
	struct nft_search *s = this_cpu_value(nft_searches);

	opaque(round);
	if (!CFG.nft_do_chain.size || !s)
		return round | 1;
	for (u32 i = 0; i < NFT_STEPS; i++) {
		if (s->at) {
			if (bpf_core_field_exists(((struct nft_chain *)0)->blob_gen_0))
				next_blob_rule(s);
			else
				next_listed_rule(s);
			if (s->handle)
				return 1;
			continue;
		}
		next_nft_chain(s);
		if (!s->chain)
			return 1;
		begin_nft_chain(s);
	}
	return 0;
}

// Finds the rule that contains the expression of a call, by the call's index plus 1.
__noinline int find_nft_rule(u64 number)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct nft_search *s = this_cpu_value(nft_searches);
	u64 index = (number - 1) & (MAX_DECISION_CALLS - 1);
	struct nft_traversal *t = nft_traversal_of(number);
	const struct nft_table *table;
	const struct nft_chain *base;

	if (!CFG.nft_do_chain.size || !calls || !s || !t)
		return 0;
	base = (void *)calls->list[index].args.values[1];
	s->expr = t->expr;
	s->index = index;
	s->base = (u64)base;
	s->left = t->entered < MAX_NFT_CHAINS ? t->entered : MAX_NFT_CHAINS;
	s->first = t->entered - s->left;
	s->base_left = true;
	table = BPF_CORE_READ(base, table);
	s->head = (u64)table + bpf_core_field_offset(struct nft_table, chains);
	s->next = (u64)BPF_CORE_READ(table, chains.next);
	s->chain = 0;
	s->at = 0;
	s->second = 0;
	s->handle = 0;
	for (u32 i = 0; i < NFT_ROUNDS; i++)
		if (search_nft_rules(i))
			break;
	return 0;
}

// What set the verdict of a call that drops its packet.
enum nft_decider {
	NFT_BY_UNKNOWN,
	NFT_BY_RULE,
	NFT_BY_POLICY,
};

// What set the verdict of a call that is about to free the packet, or that has returned NF_DROP, in which case its
// registers no longer exist.
static __noinline u32 nft_decider(const struct nft_traversal *t, u64 base_chain, u64 returned)
{
	const struct nft_base_chain *base = (void *)(base_chain - bpf_core_field_offset(struct nft_base_chain, chain));
	bool has_code = t->regs && !returned;
	u32 code = has_code ? nft_code(t->regs) : NFT_CONTINUE;

	if (t->expr)
		return !has_code || is_nft_drop(code) ? NFT_BY_RULE : NFT_BY_UNKNOWN;
	if (t->pending || (!has_code && nft_unprobed))
		return NFT_BY_UNKNOWN;
	if (code != (u32)NFT_CONTINUE && code != (u32)NFT_BREAK && code != (u32)NFT_RETURN)
		return NFT_BY_UNKNOWN;
	return BPF_CORE_READ(base, policy) == NF_DROP ? NFT_BY_POLICY : NFT_BY_UNKNOWN;
}

// Copies a name. If it is longer than size - 1, its last byte is not 0.
static __always_inline void fill_nft_name(u8 *to, u32 size, const char *name)
{
	if (bpf_probe_read_kernel_str(to, size, name) == size)
		read_kernel(to + size - 1, 1, name + size - 1);
}

// Fills in the values of a rule, or of the policy of a base chain if handle is 0.
__noinline int fill_nft_rule(u64 chain_address, u64 base_chain, u64 handle, u64 pkt)
{
	u32 index = CFG.nft_slot;
	struct decision_slot *slot = bpf_map_lookup_elem(&decision_slots, &index);
	const struct nft_base_chain *base = (void *)(base_chain - bpf_core_field_offset(struct nft_base_chain, chain));
	const struct nft_chain *chain = (void *)chain_address;
	const struct nft_table *table;
	const struct nf_hook_state *state;
	struct nft_rule_values *v;
	u32 known = NFT_ALL_KNOWN;

	if (!CFG.nft_do_chain.size || !slot)
		return 0;
	v = (void *)slot->entry.values;
	table = BPF_CORE_READ(chain, table);
	state = nft_hook_state((void *)pkt);
	v->handle = handle;
	v->base = chain_address == base_chain;
	if (!v->base)
		known &= ~NFT_POLICY_KNOWN;
	v->policy = BPF_CORE_READ(base, policy);
	v->priority = (__s64)BPF_CORE_READ(base, ops.priority);
	if (bpf_core_field_exists(table->handle))
		v->table_handle = BPF_CORE_READ(table, handle);
	else
		known &= ~NFT_TABLE_HANDLE_KNOWN;
	v->known[0] = known;
	v->known[1] = known >> 8;
	v->family = BPF_CORE_READ_BITFIELD_PROBED(table, family);
	v->hook = BPF_CORE_READ(state, pf) << 8 | BPF_CORE_READ(state, hook);
	fill_nft_name(v->table, sizeof(v->table), BPF_CORE_READ(table, name));
	fill_nft_name(v->chain, sizeof(v->chain), BPF_CORE_READ(chain, name));
	return 0;
}

// Keeps the rule or the policy that drops the packet of a call. If neither is found, no values are kept, so the cause
// is unknown. So it is if an interrupting program has used the search or the slot meanwhile; the slot is valid once
// its head is set.
__noinline int note_nft_rule(u64 number, u64 returned)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct nft_search *s = this_cpu_value(nft_searches);
	u32 index = (number - 1) & (MAX_DECISION_CALLS - 1), slot_index = CFG.nft_slot, by;
	struct decision_slot *slot = bpf_map_lookup_elem(&decision_slots, &slot_index);
	struct nft_traversal *t = nft_traversal_of(number);
	u64 skb, pkt, base, chain, handle = 0;
	struct decision_call *d;

	if (!CFG.nft_do_chain.size || !calls || !s || !slot || !t)
		return 0;
	d = &calls->list[index];
	skb = d->call.skb;
	pkt = d->args.values[0];
	base = d->args.values[1];
	chain = base;
	slot->skb = skb;
	slot->head = 0;
	by = nft_decider(t, base, returned);
	if (by == NFT_BY_RULE) {
		find_nft_rule(number);
		chain = reread(s->chain);
		handle = reread(s->handle);
		if (reread(s->expr) != t->expr)
			by = NFT_BY_UNKNOWN;
	}
	if (by == NFT_BY_UNKNOWN || (by == NFT_BY_RULE && !handle))
		return 0;
	fill_nft_rule(chain, base, handle, pkt);
	slot->entry.number = CFG.nft_placement;
	slot->entry.kind = WHY_DECISION;
	slot->entry.size = sizeof(struct nft_rule_values);
	slot->time = bpf_ktime_get_ns();
	slot->ident = packet_ident((void *)skb, head_of(skb));
	if (reread(slot->skb) == skb)
		slot->head = head_of(skb);
	return 0;
}

// Keeps the rule or the policy that drops a packet at a location in nft_do_chain. The code that fills the record does
// not call it, since it has little stack left.
static __noinline int note_nft_drop(u64 skb, u64 location)
{
	u64 number;

	if (!CFG.nft_do_chain.size || !running || !is_within(location, &CFG.nft_do_chain))
		return 0;
	number = (u32)find_nft_call(0, skb, 0);
	return number ? note_nft_rule(number, 0) : 0;
}

// Keeps the rule or the policy that dropped the packet of a call that has returned, if it is a call of nft_do_chain.
static __noinline int note_nft_return(u64 number)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct decision_call *d;

	if (!CFG.nft_do_chain.size || !calls || !number)
		return 0;
	d = &calls->list[(number - 1) & (MAX_DECISION_CALLS - 1)];
	if (d->call.addr == CFG.nft_do_chain.begin && is_nft_drop(d->args.result))
		note_nft_rule(number, 1);
	return 0;
}

// Keeps the type in the BTF of the object, from which the Go types are generated.
const struct nft_rule_values *nft_rule_values_used __attribute__((unused));
