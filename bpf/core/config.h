// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The settings, written once before the programs are loaded. The verifier knows
// their values and removes the code of what is off.
#pragma once

#include "core/kernel.h"

enum {
	// Addresses that a function may return to in place of its caller.
	MAX_TRAMPOLINES = 4,
	// Entries of each list of a filter.
	MAX_ENTRIES = 16,
	// Drop reasons in one list: kernels have some 130.
	MAX_REASONS = 160,
	// UDP ports of each kind of tunnel.
	MAX_PORTS = 4,
	// Functions whose calls of others have a meaning of their own.
	MAX_CALLERS = 12,
	// Functions that free a list of sk_buffs, or a single one.
	MAX_LIST_FREERS = 4,
};

// When a drop for a reason is benign.
enum benign_kind {
	// In any case.
	BENIGN_ALWAYS,
	// Another host's frame, on a device that sees those: see is_for_another.
	BENIGN_FOREIGN,
	// A raw or packet socket received a clone: see has_clone_reader.
	BENIGN_CLONED,
};

// The code of a function; size 0 where it is not known.
struct code_range {
	u64 begin;
	u64 size;
};

static __always_inline bool is_within(u64 address, const volatile struct code_range *r)
{
	// What a call returns to may be the first byte behind the function.
	return address - r->begin - 1 < r->size;
}

// A kernel name of 16 bytes, NUL-padded, as two words. It matches where all bits
// of the mask are alike: a whole name, or the beginning of one.
struct name_pattern {
	u64 name[2];
	u64 mask[2];
};

// A function, and what it means to be called by it: how a branch came to be.
struct caller {
	u64 begin;
	u32 size;
	u32 origin;
};

struct config {
	// Where the kernel keeps the descriptions of its pages, and where it maps them:
	// the addresses that belong to the first page. 0 where not known.
	u64 page_structs;
	u64 page_memory;
	u32 page_shift;
	// Only, or none of, these network namespaces (inode numbers).
	u32 netns_in_count, netns_out_count;
	u32 netns_in[MAX_ENTRIES];
	u32 netns_out[MAX_ENTRIES];
	// Only, or none of, devices of these names.
	u32 ifname_in_count, ifname_out_count;
	struct name_pattern ifname_in[MAX_ENTRIES];
	struct name_pattern ifname_out[MAX_ENTRIES];
	// Only packets of these processes, by id and by name; and of these control groups, by
	// id, and those below them.
	u32 pid_count, comm_count, cgroup_count;
	u32 pids[MAX_ENTRIES];
	struct name_pattern comms[MAX_ENTRIES];
	u64 cgroups[MAX_ENTRIES];
	// Where each CPU's memory begins (an array), and in it the count that tells in
	// what context the CPU is. 0 where not known or not needed.
	u64 cpu_offsets;
	u64 preempt_count;
	// Only, or none of, these drop reasons.
	u32 reason_in_count, reason_out_count;
	u32 reasons_in[MAX_REASONS];
	u32 reasons_out[MAX_REASONS];
	// Benign drops are counted and not emitted.
	bool hide_benign;
	// Only drops are emitted.
	bool hide_parts;
	// The kernel's hash tables of raw sockets (struct raw_hashinfo), 0 where not known.
	u64 raw_sockets_ipv4, raw_sockets_ipv6;
	// skb_release_data, which frees the members of a packet's frag_list, and the functions
	// that it calls for that.
	struct code_range release_data;
	struct code_range list_freers[MAX_LIST_FREERS];
	// kfree_skb, if the compiler has split it in two (before 5.17): the part in which the drop
	// tracepoint is gives kfree_skb itself as the location.
	struct code_range split_kfree_skb;
	// The reason of drops by netfilter, 0 where there are none, and nf_hook_slow.
	u32 netfilter_drop;
	struct code_range hook_slow;
	// The reason of drops by queueing disciplines, 0 where there are none.
	u32 qdisc_drop;
	// net_tx_action, which frees what was queued in an interrupt, and dev_kfree_skb_any_reason,
	// which queues for others.
	struct code_range net_tx_action, free_any;
	// Only those with (mark & mark_mask) == mark; no mark filter with mark_mask 0.
	u32 mark;
	u32 mark_mask;
	// Leading bytes of the frame that the packet filters read at fixed places.
	u32 need, need_l2, need_l3;
	// UDP ports of tunnels; 0 is none.
	u16 vxlan_ports[MAX_PORTS];
	u16 geneve_ports[MAX_PORTS];
	// Bytes of events in the ring at which the reader is woken.
	u32 watermark;
	// Events a second beyond which they are withheld; 0 is no limit.
	u32 max_per_second;
	// CPUs that there can be.
	u32 cpus;
	u32 caller_count;
	struct caller callers[MAX_CALLERS];
	// Packets get numbers; those that matched once match ever after.
	bool ids, follow_matched;
	// So do the packets that are made while one that is followed is at work on the stack.
	bool by_stack;
	// Clones are found by their data, as no function tells of them.
	bool find_clones;
	// The device that a followed packet was last seen at is where it still is: each crossing
	// into another namespace is seen.
	bool last_device;
	// There is a packet filter; one for the Ethernet frame, or the IP packet, inside
	// of a tunnel's packet; a filter on the sk_buff.
	bool filter, filter_l2, filter_l3, filter_expression;
	// Most packets that the packet filter does not match are seen by a glance; nothing else
	// comes of those, so that programs may begin with it.
	bool prefilter, prefilter_first;
	// Kernel memory is read without a helper.
	bool direct;
	// XDP programs are traced; there is a filter on their xdp_buff.
	bool xdp, filter_xdp_expression;
	// Calls are told of when they return; functions that take no skb are told of when
	// they run on behalf of a packet.
	bool returns, no_skb_funcs;
	// The program of an entry is called at the return, too: it is of a kprobe session.
	bool session;
	// BPF programs are told of, and their verdicts.
	bool programs;
	// Operations on BPF maps are told of; look-ups when they return.
	bool maps;
	// Bytes of a kernel stack, which begins at a multiple of them.
	u32 stack_size;
	// Where functions return to that are probed at their return; 0 is none.
	u64 trampolines[MAX_TRAMPOLINES];
	// Only drops are printed: the other probes on functions and tracepoints follow packets.
	bool only_drops;
	// A dropped packet also matches in its other forms: see explain/variants.h.
	bool variants;
	// Records of drops have the packet's first tuple.
	bool first;
	// A packet filter asks for the frame's length.
	bool length;
	// The packet filter asks for VLAN tags.
	bool vlan;
	// Parts of the record that were asked for.
	bool meta, tuple, tunnel, cb, netfilter, conntrack, stack, caller;
	// Bytes of a record's parts but for those that only some records have, and their bits
	// (enum record_part): internal/bpf adds them up.
	u32 record_size, record_parts;
	// Bytes of the sk_buff, of its shared info, and of the values of expressions that
	// were asked for; multiples of 8.
	u32 skb_size, shared_size, values_size;
	// Bytes of what a function looked up; 0 where that is not asked for.
	u32 lookup_size;
	// The same of the values of expressions on the xdp_buff.
	u32 xdp_values_size;
};

volatile const struct config CFG = {};

// The compiler keeps a type's description only where the type is used.
const enum benign_kind *benign_kind_used __attribute__((unused));
