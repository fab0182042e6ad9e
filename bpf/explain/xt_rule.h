// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The rule of iptables-legacy, ip6tables-legacy, arptables-legacy or ebtables that dropped a packet. ipt_do_table and
// its likes have a pointer to the rule only in a register, but they count packets and bytes for each rule that
// matches, per CPU. So the counters are added up before the call for a packet that matches the filter, and after it
// if it drops the packet. Only the rules that can drop packets are added: then the call has changed one counter, by one
// packet of this length. The sum of the counters multiplied with the positions of their rules in the table grows by
// the position of that rule. If the sums grow by anything else, the rule is unknown.
//
// The policy of a chain of iptables is a rule, too. That of ebtables has no counter: if the sums do not change, a
// policy dropped the packet, or one of the few matches and targets that can. User space knows which the table has.
//
// The sums are kept from one call to the next. Calls for packets that do not match are not added up: if one of
// them drops its packet, the sums of this CPU are taken again. If the kernel calls a function for another packet
// while it returns from one (in a softirq), the sums do not fit, and the rule is unknown.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/scratch.h"
#include "explain/decision.h"
#include "explain/last_hook.h"
#include "explain/nft_rule.h"

enum {
	// Tables whose sums are kept per CPU, 2 to the power of XT_TABLE_BITS.
	XT_TABLE_BITS = 6,
	// A table with more rules is not added up: XT_ROUNDS * XT_STEPS.
	XT_ROUNDS = 256,
	XT_STEPS = 64,
	// Adding up takes at most one part in XT_SHARE of the time, apart from a burst in ns.
	XT_SHARE = 4,
	XT_BURST = 200000000,

	// From include/uapi/linux/netfilter: ip_tables.h, ip6_tables.h, arp_tables.h: positions of the offsets
	// of the target and of the next rule, which are u16, and of the counters in a rule; the size of the conditions
	// at its beginning, in words of 4 bytes.
	IPT_OFFSETS = 88,
	IPT_COUNTERS = 96,
	IPT_WORDS = 21,
	IP6T_OFFSETS = 140,
	IP6T_COUNTERS = 152,
	IP6T_WORDS = 34,
	ARPT_OFFSETS = 164,
	ARPT_COUNTERS = 176,
	ARPT_WORDS = 41,
	MAX_XT_WORDS = ARPT_WORDS,
	// The size of a target with a verdict, and of REJECT; the verdict for NF_DROP.
	XT_TARGET_SIZE = 40,
	XT_DROP = -1,
	// From netfilter_bridge/ebtables.h: the same, with offsets that are u32; the size of the head of a chain, which
	// has no EBT_ENTRY_OR_ENTRIES.
	EBT_OFFSETS = 104,
	EBT_WORDS = 25,
	EBT_CHAIN_SIZE = 48,
	EBT_ENTRY_OR_ENTRIES = 1,
	EBT_DROP = -2,
};

// No position: larger than any table.
#define NO_OFFSET (~0ULL - 1)

// SMP_CACHE_BYTES: the counters of each CPU of a table of ebtables begin at a multiple of it.
#if defined(__TARGET_ARCH_s390)
#define XT_CACHE_LINE 256ULL
#elif defined(__TARGET_ARCH_powerpc)
#define XT_CACHE_LINE 128ULL
#else
#define XT_CACHE_LINE 64ULL
#endif

// The values of the rule in a record: see internal/plan.
struct xt_rule_values {
	// Bits of the values that are known, in the order of the members.
	u8 known[8];
	// The position of the rule in its table, in bytes; ~0 if no rule that can drop packets matched.
	u64 offset;
	// The size of the table in bytes, the number of its rules, and a hash of the conditions of the rule: they
	// show whether the table was replaced since.
	u64 size, rules, hash;
};

_Static_assert(sizeof(struct xt_rule_values) <= MAX_WHY_VALUES, "the values fit into an entry");

// Sums over the rules of a table that can drop packets.
struct xt_sums {
	// The struct xt_table_info or ebt_table_info; 0 if nothing is known. It is replaced with the rules.
	u64 info;
	// xt_cpu.unseen at the time of the sums.
	u64 unseen;
	// A hash of the positions of the rules.
	u64 positions;
	u64 packets, bytes;
	// Of packets, each multiplied with the position of its rule.
	u64 weighted;
};

// Adding up a table.
struct xt_walk {
	struct xt_sums sums;
	u64 rules, size, count;
	// The position and the number of the next rule.
	u64 at, number;
	// Positions in a rule, and the words of its conditions.
	u64 offsets_at, counters_at, words;
	// What to add to a per-CPU address; for ebtables, the address of the counters of this CPU.
	u64 counters;
	bool bridge, failed;
};

struct xt_cpu {
	// The number of drops for packets that do not match.
	u64 unseen;
	// When the time for adding up is used up no more: see XT_SHARE.
	u64 free_at;
	struct xt_walk walk;
	struct xt_sums known[1 << XT_TABLE_BITS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct xt_cpu);
} xt_cpus SEC(".maps");

static __always_inline bool finds_xt_rules(void)
{
	return CFG.xt_rules || CFG.ebt_do_table;
}

// Whether a call is one of ebtables.
static __always_inline bool is_bridge_call(const struct decision_call *d)
{
	return CFG.ebt_do_table && (!CFG.xt_rules || d->call.addr == CFG.ebt_do_table);
}

// The table of a call: the first argument, or before 5.16, where that is the packet, the third.
static __always_inline u64 xt_table_of(const struct decision_call *d)
{
	return d->args.values[0] == d->call.skb ? d->args.values[2] : d->args.values[0];
}

static __always_inline u64 xt_info_of(u64 table, bool bridge)
{
	if (CFG.ebt_do_table && bridge)
		return (u64)BPF_CORE_READ((const struct ebt_table *)table, private);
	return CFG.xt_rules ? (u64)BPF_CORE_READ((const struct xt_table *)table, private) : 0;
}

static __always_inline struct xt_sums *known_xt_sums(struct xt_cpu *x, u64 info)
{
	return &x->known[info * 0x9e3779b97f4a7c15ULL >> (64 - XT_TABLE_BITS)];
}

// The first 8 bytes of a name.
static __always_inline u64 name_word(const char name[8])
{
	u64 word;

	__builtin_memcpy(&word, name, sizeof(word));
	return word;
}

// The beginning of a target.
union xt_target_head {
	u16 size;
	u32 halves[12];
	u64 words[6];
};

// Whether the target of a rule is DROP, or REJECT, which drops the packet in any case. Other targets that can drop
// packets are not known.
static __always_inline bool is_xt_drop(const struct xt_walk *w, u64 target)
{
	union xt_target_head t = {};
	u64 name = 0;

	if (read_kernel(&t, sizeof(t), target) || (!w->bridge && t.size != XT_TARGET_SIZE))
		return false;
	if (read_kernel(&name, sizeof(name), (w->bridge ? t.words[0] : t.words[1]) + bpf_core_field_offset(struct xt_target, name)))
		return false;
	if (w->bridge)
		return name == name_word("standard") && t.halves[10] == (u32)EBT_DROP;
	return (!name && t.halves[8] == (u32)XT_DROP) || name == name_word("REJECT\0");
}

// Adds the counters of a rule.
static __always_inline void add_xt_counters(struct xt_walk *w, u64 rule)
{
	u64 at = w->counters + w->number * sizeof(struct ebt_counter), counters[2] = {};

	if (!w->bridge) {
		at = rule + w->counters_at;
		if (CFG.xt_per_cpu) {
			read_kernel(&at, sizeof(at), at);
			at += w->counters;
		}
	}
	if (read_kernel(counters, sizeof(counters), at))
		w->failed = true;
	w->sums.positions = w->sums.positions * 31 + w->at + 1;
	w->sums.packets += counters[0];
	w->sums.bytes += counters[1];
	w->sums.weighted += counters[0] * w->at;
}

// Adds up one rule, and continues with the next.
static __always_inline void add_xt_rule(struct xt_walk *w)
{
	u64 rule = w->rules + w->at;
	u32 offsets[2] = {}, bits = EBT_ENTRY_OR_ENTRIES;
	u16 narrow[2] = {};

	if (w->bridge) {
		read_kernel(&bits, sizeof(bits), rule);
		read_kernel(offsets, sizeof(offsets), rule + EBT_OFFSETS);
	} else {
		read_kernel(narrow, sizeof(narrow), rule + w->offsets_at);
		offsets[0] = narrow[0];
		offsets[1] = narrow[1];
	}
	if (!(bits & EBT_ENTRY_OR_ENTRIES)) {
		w->at += EBT_CHAIN_SIZE;
		return;
	}
	if (is_xt_drop(w, rule + offsets[0]))
		add_xt_counters(w, rule);
	w->failed |= !offsets[1];
	w->at += offsets[1];
	w->number++;
}

// Adds up some rules; returns whether there are no more.
__noinline int add_xt_rules(u32 round)
{
	struct xt_cpu *x = this_cpu_value(xt_cpus);

	opaque(round);
	if (!finds_xt_rules() || !x)
		return round | 1;
	for (u32 i = 0; i < XT_STEPS; i++) {
		if (x->walk.failed || x->walk.at >= x->walk.size)
			return 1;
		add_xt_rule(&x->walk);
	}
	return 0;
}

static __always_inline void set_xt_positions(struct xt_walk *w, u8 family)
{
	w->offsets_at = family == NFPROTO_IPV4 ? IPT_OFFSETS : family == NFPROTO_IPV6 ? IP6T_OFFSETS : ARPT_OFFSETS;
	w->counters_at = family == NFPROTO_IPV4 ? IPT_COUNTERS : family == NFPROTO_IPV6 ? IP6T_COUNTERS : ARPT_COUNTERS;
	w->words = family == NFPROTO_IPV4 ? IPT_WORDS : family == NFPROTO_IPV6 ? IP6T_WORDS : ARPT_WORDS;
}

static __always_inline void begin_xt_walk(struct xt_walk *w, const struct xt_table *table)
{
	const struct xt_table_info *info = BPF_CORE_READ(table, private);

	w->sums.info = (u64)info;
	w->rules = (u64)info + bpf_core_field_offset(struct xt_table_info, entries);
	w->size = BPF_CORE_READ(info, size);
	w->count = BPF_CORE_READ(info, number);
	w->counters = this_cpu_address(0);
	w->failed = CFG.xt_per_cpu && !w->counters;
	set_xt_positions(w, BPF_CORE_READ(table, af));
}

static __always_inline void begin_ebt_walk(struct xt_walk *w, const struct ebt_table *table)
{
	const struct ebt_table_info *info = BPF_CORE_READ(table, private);
	u64 cpu = bpf_get_smp_processor_id(), size;

	w->sums.info = (u64)info;
	w->rules = (u64)BPF_CORE_READ(info, entries);
	w->size = BPF_CORE_READ(info, entries_size);
	w->count = BPF_CORE_READ(info, nentries);
	size = (w->count * sizeof(struct ebt_counter) + XT_CACHE_LINE - 1) & ~(XT_CACHE_LINE - 1);
	w->counters = (u64)info + bpf_core_field_offset(struct ebt_table_info, counters) + size * cpu;
	w->words = EBT_WORDS;
	w->bridge = true;
}

// Adds up the rules of a table; returns whether that is done.
__noinline int add_xt_table(u64 table, u64 bridge)
{
	struct xt_cpu *x = this_cpu_value(xt_cpus);
	u64 now = bpf_ktime_get_ns();

	if (!finds_xt_rules() || !x || x->free_at > now + XT_BURST)
		return 0;
	__builtin_memset(&x->walk, 0, sizeof(x->walk));
	if (CFG.ebt_do_table && bridge)
		begin_ebt_walk(&x->walk, (void *)table);
	else if (CFG.xt_rules)
		begin_xt_walk(&x->walk, (void *)table);
	if (x->walk.count > XT_ROUNDS * XT_STEPS)
		return 0;
	x->walk.sums.unseen = x->unseen;
	for (u32 i = 0; i < XT_ROUNDS; i++)
		if (add_xt_rules(i))
			break;
	x->free_at = (x->free_at > now ? x->free_at : now) + (bpf_ktime_get_ns() - now) * XT_SHARE;
	return x->walk.size && !x->walk.failed && x->walk.at == x->walk.size;
}

// Adds up the table of a call that begins, unless its sums are known.
__noinline int note_xt_call(u64 number)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct xt_cpu *x = this_cpu_value(xt_cpus);
	struct decision_call *d;
	struct xt_sums *known;
	u64 table, bridge, info;

	if (!finds_xt_rules() || !number || !calls || !x)
		return 0;
	d = &calls->list[(number - 1) & (MAX_DECISION_CALLS - 1)];
	table = xt_table_of(d);
	bridge = is_bridge_call(d);
	info = xt_info_of(table, bridge);
	known = known_xt_sums(x, info);
	if (known->info == info && known->unseen == x->unseen)
		return 0;
	known->info = 0;
	if (add_xt_table(table, bridge))
		*known = x->walk.sums;
	return 0;
}

// The position of the rule by whose counter the sums have grown since, for a packet of this length; ~0 if there is
// none, NO_OFFSET if the sums do not fit.
static __always_inline u64 grown_offset(const struct xt_sums *now, const struct xt_sums *since, u64 length)
{
	if (since->info != now->info || since->unseen != now->unseen || since->positions != now->positions)
		return NO_OFFSET;
	if (now->packets == since->packets && now->bytes == since->bytes)
		return ~0ULL;
	if (now->packets - since->packets != 1 || now->bytes - since->bytes != length)
		return NO_OFFSET;
	return now->weighted - since->weighted;
}

// A hash (FNV-1a, by words) of the conditions of the rule at an address.
static __always_inline u64 hash_xt_rule(u64 rule, u32 words)
{
	u64 hash = 0xcbf29ce484222325ULL;
	u32 word;

	for (u32 i = 0; i < MAX_XT_WORDS && i < words; i++) {
		word = 0;
		read_kernel(&word, sizeof(word), rule + i * sizeof(word));
		hash = (hash ^ word) * 0x100000001b3ULL;
	}
	return hash;
}

// Fills in the values of the rule at a position of the table that was added up.
__noinline int fill_xt_rule(u64 offset, u32 slot_index)
{
	struct decision_slot *slot = bpf_map_lookup_elem(&decision_slots, &slot_index);
	struct xt_cpu *x = this_cpu_value(xt_cpus);
	struct xt_rule_values *v;

	if (!finds_xt_rules() || !slot || !x)
		return 0;
	v = (void *)slot->entry.values;
	v->known[0] = 0xff;
	v->offset = offset;
	v->size = x->walk.size;
	v->rules = x->walk.count;
	v->hash = offset < x->walk.size ? hash_xt_rule(x->walk.rules + offset, x->walk.words) : 0;
	return 0;
}

// Keeps the rule that dropped the packet of a call that has returned. Without one, no values are kept.
__noinline int note_xt_rule(u64 number)
{
	struct decision_calls *calls = this_cpu_value(decision_calls);
	struct xt_cpu *x = this_cpu_value(xt_cpus);
	struct decision_call *d;
	struct decision_slot *slot;
	const struct sk_buff *skb;
	struct xt_sums *known;
	u64 table, bridge, offset;
	u32 slot_index;

	if (!finds_xt_rules() || !number || !calls || !x)
		return 0;
	d = &calls->list[(number - 1) & (MAX_DECISION_CALLS - 1)];
	bridge = is_bridge_call(d);
	slot_index = bridge ? CFG.ebt_slot : CFG.xt_slot;
	slot = bpf_map_lookup_elem(&decision_slots, &slot_index);
	if (!slot)
		return 0;
	slot->skb = 0;
	table = xt_table_of(d);
	if (!add_xt_table(table, bridge)) {
		x->unseen++;
		return 0;
	}
	known = known_xt_sums(x, x->walk.sums.info);
	skb = (void *)d->call.skb;
	offset = grown_offset(&x->walk.sums, known, BPF_CORE_READ(skb, len));
	*known = x->walk.sums;
	if (offset >= x->walk.size && !(bridge && offset == ~0ULL))
		return 0;
	fill_xt_rule(offset, slot_index);
	slot->entry.number = bridge ? CFG.ebt_placement : CFG.xt_placement;
	slot->entry.kind = WHY_DECISION;
	slot->entry.size = sizeof(struct xt_rule_values);
	slot->time = bpf_ktime_get_ns();
	slot->head = head_of(d->call.skb);
	slot->ident = packet_ident((void *)d->call.skb, slot->head);
	slot->skb = d->call.skb;
	return 0;
}

// Handles the return of a call by its number; 0 is a call for a packet that does not match.
static __always_inline int note_xt_return(u64 number, u64 result)
{
	struct xt_cpu *x = this_cpu_value(xt_cpus);

	if (!finds_xt_rules() || !running || !x || (result & NF_VERDICT_MASK) != NF_DROP)
		return 0;
	if (number)
		return note_xt_rule(number);
	x->unseen++;
	return 0;
}

// Keeps the type in the BTF of the object, from which the Go types are generated.
const struct xt_rule_values *xt_rule_values_used __attribute__((unused));
