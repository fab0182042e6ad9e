// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Where a packet has to be: its network namespace, its device, its mark.
#pragma once

// The device in an sk_buff. While a packet waits in a socket, UDP keeps numbers in its place
// (struct udp_dev_scratch), which are no address of the kernel's.
static __always_inline const struct net_device *device_in(const void *dev)
{
	return is_address((u64)dev) ? dev : NULL;
}

// The inode number of the device's network namespace.
static __always_inline u32 device_netns(const struct net_device *dev)
{
	return peek(struct net, peek(struct net_device, dev, nd_net.net), ns.inum);
}

enum {
	// The lowest inode number of a namespace: the initial ones' since 6.17, below
	// PROC_DYNAMIC_FIRST of fs/proc/generic.c.
	LOWEST_NETNS = 0xeffffff0,
};

// Whether a number read behind what may be a device is a namespace's. In queues that are trees,
// such as TCP's for retransmission, skb->dev is a pointer to another sk_buff.
static __always_inline bool is_netns(u32 inum)
{
	return inum >= LOWEST_NETNS;
}

// 1 for 0, else 0, for numbers of less than 64 bits. Lists are gone through without
// a branch for each entry: before 6.4 the verifier would go through all that
// follows once for each of them (kernel commit be2ef8161572, "bpf: allow precision
// tracking for programs with subprogs").
static __always_inline u64 is_zero(u64 number)
{
	return (number - 1) >> 63;
}

static __always_inline u64 is_equal(u64 a, u64 b)
{
	u64 other = a ^ b;

	return is_zero(other >> 32 | (u32)other);
}

static __always_inline bool is_listed(u32 number, const volatile u32 *list, u32 count, u32 most)
{
	u64 found = 0;

	for (u32 i = 0; i < most && i < count; i++)
		found |= is_zero(list[i] ^ number);
	return found;
}

// A name as the kernel keeps it: up to a NUL, what follows is anything.
struct name {
	u64 words[2];
};

static __always_inline bool is_named(const struct name *n, const volatile struct name_pattern *list,
				     u32 count)
{
	u64 found = 0, other;

	for (u32 i = 0; i < MOST_ENTRIES && i < count; i++) {
		other = ((n->words[0] ^ list[i].name[0]) & list[i].mask[0]) |
			((n->words[1] ^ list[i].name[1]) & list[i].mask[1]);
		found |= is_zero(other >> 32 | (u32)other);
	}
	return found;
}

static __always_inline bool filter_netns(u32 netns)
{
	if (CFG.netns_in_count && !is_listed(netns, CFG.netns_in, CFG.netns_in_count, MOST_ENTRIES))
		return false;
	return !CFG.netns_out_count ||
	       !is_listed(netns, CFG.netns_out, CFG.netns_out_count, MOST_ENTRIES);
}

static __always_inline bool filter_device(const struct net_device *dev)
{
	struct name name = {};

	if (bpf_probe_read_kernel_str(&name, sizeof(name), dev->name) < 0)
		return false;
	if (CFG.ifname_in_count && !is_named(&name, CFG.ifname_in, CFG.ifname_in_count))
		return false;
	return !CFG.ifname_out_count || !is_named(&name, CFG.ifname_out, CFG.ifname_out_count);
}

#define ANY_NETNS (!CFG.netns_in_count && !CFG.netns_out_count)
#define ANY_DEVICE (!CFG.ifname_in_count && !CFG.ifname_out_count)
#define ANY_PLACE (ANY_NETNS && ANY_DEVICE)

// Whether a device is where packets are wanted.
static __noinline bool filter_device_place(const struct net_device *dev)
{
	if (!ANY_DEVICE && !filter_device(dev))
		return false;
	return ANY_NETNS || filter_netns(device_netns(dev));
}

static __always_inline bool filter_mark(const struct span *span)
{
	return !CFG.mark_mask || (span_at(span, u32, mark) & CFG.mark_mask) == CFG.mark;
}
