// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Differences between kernels. A type with a version suffix is the layout since or until that version;
// each accessor hides one difference, and its old branch can be deleted with the support for that kernel.
#pragma once

#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/registers.h"

#define read_kernel(dst, size, src) bpf_probe_read_kernel(dst, size, (const void *)(src))

// Whether a word can be the address of a kernel object. Two tests, since the verifier rejects arithmetic
// on BTF pointers, which a single range test needs.
static __always_inline bool is_address(u64 word)
{
	if (word < LOWEST_ADDRESS)
		return false;
	opaque(word);
	return word <= HIGHEST_ADDRESS;
}

// Turns a number into a BTF pointer, so that loads need no helper: user space replaces the calls with calls
// of bpf_rdonly_cast if the kernel has it (CFG.direct).
static __noinline void *cast(const void *address, u32 type)
{
	opaque(address);
	opaque(type);
	return (void *)address;
}

#define as(type, address) \
	((const type *)cast((const void *)(address), bpf_core_type_id_kernel(type)))

// Reads a member, with a direct load if possible. Invalid addresses read as 0.
#define peek(type, address, member)                                                \
	({                                                                         \
		const type *from = (const type *)(address);                        \
		CFG.direct ? as(type, from)->member : BPF_CORE_READ(from, member); \
	})

enum {
	// Words that copy_kernel can read; struct pt_regs has more on every architecture.
	MAX_WORDS = 15,
};

typedef u64 __attribute__((may_alias)) any_word;
typedef u32 __attribute__((may_alias)) any_half;

// Copies memory of a constant size, a multiple of four and at most MAX_WORDS words, to a word-aligned
// buffer. With direct loads, unreadable memory reads as 0; else an error is returned.
static __always_inline long copy_kernel(void *to, u32 size, u64 from)
{
	const any_word *words;

	if (!CFG.direct)
		return read_kernel(to, size, from);
	words = cast((const void *)from, bpf_core_type_id_kernel(struct pt_regs));
	for (u32 i = 0; i < size / sizeof(u64) && i < MAX_WORDS; i++)
		((any_word *)to)[i] = words[i];
	if (size % sizeof(u64))
		((any_half *)to)[size / sizeof(u64) * 2] = ((const any_half *)words)[size / sizeof(u64) * 2];
	return 0;
}

// This CPU's instance of a per-CPU address.
static __always_inline u64 this_cpu_address(u64 address)
{
	u64 cpu = bpf_get_smp_processor_id(), offset = 0;

	if (!CFG.cpu_offsets || read_kernel(&offset, sizeof(offset), CFG.cpu_offsets + cpu * sizeof(offset)))
		return 0;
	return address + offset;
}

// Until 6.1, a bit says whether skb->vlan_tci holds a tag. Kernel commit 354259fa73e2 ("net: remove
// skb->vlan_present") replaced it by vlan_all != 0.
struct sk_buff___v6_1 {
	__u8 vlan_present : 1;
} __attribute__((preserve_access_index));

// Reads the accelerated 802.1Q tag; false if there is none.
static __always_inline bool skb_vlan_tag(const struct sk_buff *skb, u16 *tci)
{
	const struct sk_buff___v6_1 *old = (const void *)skb;

	if (bpf_core_field_exists(old->vlan_present)) {
		if (!BPF_CORE_READ_BITFIELD_PROBED(old, vlan_present))
			return false;
	} else if (!BPF_CORE_READ(skb, vlan_proto)) {
		return false;
	}
	*tci = BPF_CORE_READ(skb, vlan_tci);
	return true;
}

// Until 5.14, a socket's control group is one word with flags in its low bits. If bit 0 is set, the word holds
// data of net_prio and net_cls instead. Kernel commit 8520e224f547 ("bpf, cgroups: Fix cgroup v2 fallback on
// v1/v2 mixed mode") made it a pointer.
struct sock_cgroup_data___v5_14 {
	u64 val;
} __attribute__((preserve_access_index));

// Returns the version 2 control group of a socket, or NULL.
static __always_inline const struct cgroup *socket_cgroup(const struct sock *sk)
{
	const struct sock_cgroup_data___v5_14 *old = (const void *)&sk->sk_cgrp_data;
	u64 word;

	if (!bpf_core_field_exists(old->val))
		return BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	word = BPF_CORE_READ(old, val);
	return word & 1 ? NULL : (const void *)(word & ~3UL);
}

enum {
	// Bits of the preemption count: in a softirq; in an interrupt or NMI (include/linux/preempt.h).
	SOFTIRQ_SERVING = 0x100,
	INTERRUPTS = 0xff0000,
};

// Reads the preemption count: a per-CPU variable on amd64, elsewhere a member of the task. On s390x it is
// neither, and this returns false.
#if defined(__TARGET_ARCH_x86)
static __always_inline bool current_preempt_count(u64 *count)
{
	u64 cpu = bpf_get_smp_processor_id(), base = 0;

	*count = 0;
	return CFG.preempt_count &&
	       !read_kernel(&base, sizeof(base), CFG.cpu_offsets + cpu * sizeof(base)) &&
	       !read_kernel(count, sizeof(u32), base + CFG.preempt_count);
}
#else
// On arm64, preempt_count is the lower half of a 64-bit word.
struct thread_info___preempt {
	u32 preempt_count;
} __attribute__((preserve_access_index));

struct task_struct___preempt {
	struct thread_info___preempt thread_info;
} __attribute__((preserve_access_index));

static __always_inline bool current_preempt_count(u64 *count)
{
	const struct task_struct___preempt *task = (const void *)bpf_get_current_task();

	*count = 0;
	if (!bpf_core_field_exists(task->thread_info.preempt_count))
		return false;
	*count = BPF_CORE_READ(task, thread_info.preempt_count);
	return true;
}
#endif

// bpf_get_func_ip works in kprobes since 5.15 (kernel commit 9ffd9f3ff719).
enum bpf_func_id___v5_15 {
	BPF_FUNC_get_func_ip___v5_15 = 173,
};

#define HAVE_FUNC_IP \
	bpf_core_enum_value_exists(enum bpf_func_id___v5_15, BPF_FUNC_get_func_ip___v5_15)

// bpf_get_func_ret exists since 5.17 (kernel commit f92c1e183604). Without it, an fexit program must know
// how many arguments precede the result.
enum bpf_func_id___v5_17 {
	BPF_FUNC_get_func_ret___v5_17 = 184,
};

#define HAVE_FUNC_RET \
	bpf_core_enum_value_exists(enum bpf_func_id___v5_17, BPF_FUNC_get_func_ret___v5_17)

// The address of the probed function. bpf_get_func_ip returns 0 for probes that are not at the first
// instruction.
static __always_inline u64 probed_function(struct registers *regs)
{
	u64 address = HAVE_FUNC_IP ? bpf_get_func_ip(regs) : PROBE_ADDRESS(regs);

#ifdef PROBE_OFFSET
	if (!address)
		address = PROBE_ADDRESS(regs);
#endif
	return address;
}

// The return address of the probed function, at its entry.
static __always_inline u64 return_address(struct registers *regs)
{
#if RETURN_IN_REGISTER
	return context_word(regs, LINK_REGISTER);
#else
	u64 address = 0;

	copy_kernel(&address, sizeof(address), context_word(regs, STACK_POINTER));
	return address;
#endif
}

// Multi-buffer frames: kernel commit 2e88d4ff0306 (5.18), "xdp: introduce flags field in
// xdp_buff/xdp_frame".
struct xdp_buff___v5_18 {
	u32 flags;
} __attribute__((preserve_access_index));

struct skb_shared_info___v5_18 {
	u32 xdp_frags_size;
} __attribute__((preserve_access_index));

enum { XDP_HAS_FRAGS = 1 };

static __always_inline bool xdp_has_fragments(const struct xdp_buff *xdp)
{
	const struct xdp_buff___v5_18 *newer = (const void *)xdp;

	return bpf_core_field_exists(newer->flags) && BPF_CORE_READ(newer, flags) & XDP_HAS_FRAGS;
}

// The number of bytes of a frame in page fragments.
static __always_inline u32 xdp_paged_length(const struct xdp_buff *xdp, u64 shared)
{
	const struct skb_shared_info___v5_18 *newer = (const void *)shared;

	if (!xdp_has_fragments(xdp) || !bpf_core_field_exists(newer->xdp_frags_size))
		return 0;
	return BPF_CORE_READ(newer, xdp_frags_size);
}

// Before 5.17, the rules of an nftables chain were an array of pointers that ends with NULL: kernel commit 2c865a8a28a1
// ("netfilter: nf_tables: add rule blob layout").
struct nft_rule___v5_17 {
	u64 handle : 42;
	u64 dlen : 12;
	u64 : 0; // as in struct nft_rule_dp
	unsigned char data[1];
} __attribute__((preserve_access_index));

struct nft_chain___v5_17 {
	struct nft_rule___v5_17 **rules_gen_0, **rules_gen_1;
} __attribute__((preserve_access_index));

// Before 5.17, the state was in a struct xt_action_param.
struct xt_action_param___v5_17 {
	const struct nf_hook_state *state;
} __attribute__((preserve_access_index));

struct nft_pktinfo___v5_17 {
	struct xt_action_param___v5_17 xt;
} __attribute__((preserve_access_index));

static __always_inline const struct nf_hook_state *nft_hook_state(const struct nft_pktinfo *pkt)
{
	const struct nft_pktinfo___v5_17 *old = (const void *)pkt;

	if (bpf_core_field_exists(old->xt.state))
		return BPF_CORE_READ(old, xt.state);
	return BPF_CORE_READ(pkt, state);
}

// Newer kernels have a member that tells whether a look-up has a destination register (6.12 has it, 6.1 has not). On
// others, a look-up has one if its set is a map.
struct nft_lookup___dreg_set {
	bool dreg_set;
} __attribute__((preserve_access_index));

enum { NFT_SET_MAP = 8 };

// Whether the look-up is in a verdict map: its destination is register 0, the verdict.
static __always_inline bool is_verdict_map(const struct nft_lookup *lookup)
{
	const struct nft_lookup___dreg_set *newer = (const void *)lookup;
	const struct nft_set *set;

	if (bpf_core_field_exists(newer->dreg_set)) {
		if (!BPF_CORE_READ(newer, dreg_set))
			return false;
	} else {
		set = BPF_CORE_READ(lookup, set);
		if (!(BPF_CORE_READ_BITFIELD_PROBED(set, flags) & NFT_SET_MAP))
			return false;
	}
	return !BPF_CORE_READ(lookup, dreg);
}
