// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Older and newer shapes of the kernel, and the getter that hides each. A shape
// carries the version that it came with or lasted until; when that kernel is no
// longer supported, its shape and branch here are all that has to go.
#pragma once

#define read_kernel(dst, size, src) bpf_probe_read_kernel(dst, size, (const void *)(src))

// Until 6.1 a bit says whether skb->vlan_tci holds a tag (kernel commit
// 354259fa73e2, "net: remove skb->vlan_present", made vlan_all != 0 say it).
struct sk_buff___v6_1 {
	__u8 vlan_present : 1;
} __attribute__((preserve_access_index));

// The accelerated 802.1Q tag: true where there is one.
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

// bpf_get_func_ip works in kprobes from 5.15 on (kernel commit 9ffd9f3ff719),
// and so does bpf_get_attach_cookie (7adfc6c9b315).
enum bpf_func_id___v5_15 {
	BPF_FUNC_get_func_ip___v5_15 = 173,
	BPF_FUNC_get_attach_cookie___v5_15 = 174,
};

#define HAVE_FUNC_IP \
	bpf_core_enum_value_exists(enum bpf_func_id___v5_15, BPF_FUNC_get_func_ip___v5_15)
#define HAVE_COOKIE \
	bpf_core_enum_value_exists(enum bpf_func_id___v5_15, BPF_FUNC_get_attach_cookie___v5_15)

// The address of the probed function.
static __always_inline u64 probed_function(struct registers *regs)
{
	return HAVE_FUNC_IP ? bpf_get_func_ip(regs) : PROBE_ADDRESS(regs);
}

// What attach gave along for this function; 0 where the kernel can't.
static __always_inline u64 probe_cookie(struct registers *regs)
{
	return HAVE_COOKIE ? bpf_get_attach_cookie(regs) : 0;
}
