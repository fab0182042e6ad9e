// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The settings: constants that are written once, before the programs are loaded. The verifier knows their
// values and removes the code of disabled features.
#pragma once

#include "core/kernel.h"

enum {
	// Trampolines to which a function may return instead of to its caller.
	MAX_TRAMPOLINES = 4,
	// Entries of each list of a filter.
	MAX_ENTRIES = 16,
	// Drop reasons in one list: kernels have some 130.
	MAX_REASONS = 160,
	// UDP ports of each kind of tunnel.
	MAX_PORTS = 4,
	// Callers that determine the origin of a branch: see struct caller.
	MAX_CALLERS = 12,
	// Functions that free a list of sk_buffs, or a single one.
	MAX_LIST_FREERS = 4,
};

// The condition under which a drop for a reason is benign.
enum benign_kind {
	// Always.
	BENIGN_ALWAYS,
	// A frame for another host, on a device that receives those: see is_for_another.
	BENIGN_FOREIGN,
	// A raw or packet socket received a clone: see has_clone_reader.
	BENIGN_CLONED,
};

// The address range of a function; size 0 if unknown.
struct code_range {
	u64 begin;
	u64 size;
};

static __always_inline bool is_within(u64 address, const volatile struct code_range *r)
{
	// A return address may be the first byte behind the function, if the call is its last instruction.
	return address - r->begin - 1 < r->size;
}

// A kernel name of 16 bytes, NUL-padded, as two words. It matches if all bits under the mask are equal:
// the mask covers a whole name or a prefix.
struct name_pattern {
	u64 name[2];
	u64 mask[2];
};

// A function that calls others which copy packets, and the origin of the branches of these copies.
struct caller {
	u64 begin;
	u32 size;
	u32 origin;
};

struct config {
	// The addresses of page 0: of its descriptor in vmemmap, and in the direct mapping; 0 if unknown.
	u64 page_structs;
	u64 page_memory;
	u32 page_shift;
	// Network namespaces to include or exclude (inode numbers).
	u32 netns_in_count, netns_out_count;
	u32 netns_in[MAX_ENTRIES];
	u32 netns_out[MAX_ENTRIES];
	// Names of devices to include or exclude.
	u32 ifname_in_count, ifname_out_count;
	struct name_pattern ifname_in[MAX_ENTRIES];
	struct name_pattern ifname_out[MAX_ENTRIES];
	// Processes to include, by id and by name, and control groups to include with their descendants,
	// by id.
	u32 pid_count, comm_count, cgroup_count;
	u32 pids[MAX_ENTRIES];
	struct name_pattern comms[MAX_ENTRIES];
	u64 cgroups[MAX_ENTRIES];
	// The array of the CPUs' per-CPU base addresses, and the per-CPU offset of the preemption count,
	// which shows whether a CPU runs a task or an interrupt; 0 if unknown or not needed.
	u64 cpu_offsets;
	u64 preempt_count;
	// Drop reasons to include or exclude.
	u32 reason_in_count, reason_out_count;
	u32 reasons_in[MAX_REASONS];
	u32 reasons_out[MAX_REASONS];
	// Benign drops are counted and not emitted.
	bool hide_benign;
	// The drops of frag_list members that are freed with their packet are not emitted: see
	// explain/drop_part.h.
	bool hide_parts;
	// The kernel's hash tables of raw sockets (struct raw_hashinfo); 0 if unknown.
	u64 raw_sockets_ipv4, raw_sockets_ipv6;
	// skb_release_data, which frees the members of a packet's frag_list, and the functions that it
	// calls for that.
	struct code_range release_data;
	struct code_range list_freers[MAX_LIST_FREERS];
	// kfree_skb, if the compiler has split it in two (before 5.17): the outlined part, which calls the
	// drop tracepoint, reports an address in kfree_skb itself as the location.
	struct code_range split_kfree_skb;
	// The reason of drops by netfilter, 0 on kernels without it, and nf_hook_slow.
	u32 netfilter_drop;
	struct code_range hook_slow;
	// The reason of drops by queueing disciplines, 0 on kernels without it.
	u32 qdisc_drop;
	// net_tx_action, which frees the packets that were queued for that in interrupts, and
	// dev_kfree_skb_any_reason, one of the functions that queue them.
	struct code_range net_tx_action, free_any;
	// Include packets with (mark & mark_mask) == mark; if mark_mask is 0, there is no mark filter.
	u32 mark;
	u32 mark_mask;
	// Records of drops have the values that explain them: see explain/why.h. The sets of sites that do not
	// depend on the reason, and of those that do not depend on the function; the number of NOT_SPECIFIED.
	bool why;
	u64 sites_any_reason, sites_anywhere;
	u32 reason_unspecified;
	// Number of decisions in the table, which is the number of slots: see explain/decision.h.
	u32 decisions;
	// nft_do_chain, with size 0 if nftables rules are not searched for; the number of the entry with the
	// rule in records, and its slot: see explain/nft_rule.h.
	struct code_range nft_do_chain;
	u32 nft_placement, nft_slot;
	// The same for the rules of the tables of ip_tables, ip6_tables and arp_tables, and for those of ebtables, whose
	// function ebt_do_table is at an address that is 0 if its rules are not looked for: see explain/xt_rule.h. The
	// counters of the former are per CPU if there can be several CPUs.
	bool xt_rules, xt_per_cpu;
	u32 xt_placement, xt_slot, ebt_placement, ebt_slot;
	u64 ebt_do_table;
	// Leading bytes of the frame that the packet filters read at constant offsets.
	u32 need, need_l2, need_l3;
	// UDP ports of tunnels; 0 ends the list.
	u16 vxlan_ports[MAX_PORTS];
	u16 geneve_ports[MAX_PORTS];
	// Number of bytes in the ring at which the reader is woken.
	u32 watermark;
	// Limit of events per second; further ones are suppressed. 0 is no limit.
	u32 max_per_second;
	// Number of possible CPUs.
	u32 cpus;
	u32 caller_count;
	struct caller callers[MAX_CALLERS];
	// Packets get ids; packets that matched once match until their end.
	bool ids, follow_matched;
	// Packets created while the kernel handles a followed packet are followed, too.
	bool by_stack;
	// Clones are recognized by their data, since no probed function reports them.
	bool find_clones;
	// A followed packet without a device is still at the device where it was last seen. Requires a
	// probe at each crossing into another namespace.
	bool last_device;
	// Which filters there are: on packets, on the Ethernet frame (l2) or IP packet (l3) inside a
	// tunnel packet, and on the sk_buff.
	bool filter, filter_l2, filter_l3, filter_expression;
	// There is a prefilter, which rejects most packets without copying them; programs may begin with
	// it if rejected packets need no other handling.
	bool prefilter, prefilter_first;
	// Kernel memory is read with direct loads (bpf_rdonly_cast) instead of a helper.
	bool direct;
	// XDP programs are traced; there is a filter on the xdp_buff.
	bool xdp, filter_xdp_expression;
	// Returns are emitted; functions without an skb argument are emitted while they run for a matching
	// packet.
	bool returns, no_skb_funcs;
	// Entry programs also run at the return (kprobe session).
	bool session;
	// Runs of BPF programs and their verdicts are emitted.
	bool programs;
	// Operations on BPF maps are emitted; look-ups when they return.
	bool maps;
	// Size of a kernel stack in bytes, to which stacks are aligned.
	u32 stack_size;
	// The addresses to which functions with a return probe return; 0 is unused.
	u64 trampolines[MAX_TRAMPOLINES];
	// Only drops are emitted; the other probes on functions and tracepoints only follow packets.
	bool only_drops;
	// A dropped packet also matches by other tuples that it had: see explain/variants.h.
	bool variants;
	// Records of drops have the packet's first tuple.
	bool first;
	// The packet filter uses the length of the frame.
	bool length;
	// The packet filter uses VLAN tags.
	bool vlan;
	// The requested parts of the record.
	bool meta, tuple, tunnel, cb, netfilter, conntrack, stack, caller;
	// Size in bytes and bits (enum record_part) of the parts that all records have; computed by
	// internal/bpf.
	u32 record_size, record_parts;
	// Sizes of the copies of the sk_buff and of its shared info, and of the values of expressions;
	// multiples of 8, 0 if not requested.
	u32 skb_size, shared_size, values_size;
	// Size of the results of look-ups; 0 if not requested.
	u32 lookup_size;
	// Size of the values of expressions on the xdp_buff.
	u32 xdp_values_size;
	// Size of the part with the first bytes of the packet, a multiple of 8; 0 if not requested.
	u32 packet_size;
};

volatile const struct config CFG = {};

// Keeps the type in the BTF of the object, from which the Go types are generated.
const enum benign_kind *benign_kind_used __attribute__((unused));
