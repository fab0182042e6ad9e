// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The network namespace and the device of a packet. If its sk_buff has a device, they are that device and its
// namespace. Otherwise the namespace comes from the call's arguments, the packet's socket or its route, and
// the device is the one on which the packet arrived (skb->skb_iif), or where it was last seen if packets are
// followed.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/endpoint.h"
#include "core/kernel.h"

// The device in an sk_buff. While a packet waits in a socket, UDP stores numbers there
// (struct udp_dev_scratch) that are no kernel addresses.
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
	// The lowest inode number of a namespace. The initial namespaces have numbers below
	// PROC_DYNAMIC_FIRST (fs/proc/generic.c) since 6.17.
	LOWEST_NETNS = 0xeffffff0,
};

// Whether a number is the inode number of a namespace. It is not if it was read through a pointer that is
// no device: in rbtrees such as TCP's retransmission queue, skb->dev points to another sk_buff.
static __always_inline bool is_netns(u32 inum)
{
	return inum >= LOWEST_NETNS;
}

enum {
	// Hash lists of a namespace's devices, by the low bits of their indexes (NETDEV_HASHENTRIES of
	// include/net/net_namespace.h), and devices that are searched per list.
	DEVICE_LISTS = 256,
	MAX_OF_A_LIST = 16,
};

// The device and namespace of a packet. NULL and 0 are unknown.
struct netdev_ref {
	const struct net_device *dev;
	u32 netns;
	u32 pad;
};

static __always_inline u32 netns_number(const void *net)
{
	u32 inum = is_address((u64)net) ? BPF_CORE_READ((const struct net *)net, ns.inum) : 0;

	return is_netns(inum) ? inum : 0;
}

static __always_inline const struct net *socket_net(const void *sk)
{
	return is_address((u64)sk) ? BPF_CORE_READ((const struct sock *)sk, __sk_common.skc_net.net) : NULL;
}

// Returns the namespace's device with this index, or NULL.
static __noinline const struct net_device *device_at(const struct net *net, u32 index)
{
	u64 lists = (u64)BPF_CORE_READ(net, dev_index_head), node = 0;
	const struct net_device *dev;

	read_kernel(&node, sizeof(node), lists + (index & (DEVICE_LISTS - 1)) * sizeof(struct hlist_head *));
	for (u32 i = 0; i < MAX_OF_A_LIST; i++) {
		if (!is_address(node))
			return NULL;
		dev = (const void *)(node - bpf_core_field_offset(struct net_device, index_hlist));
		if ((u32)BPF_CORE_READ(dev, ifindex) == index)
			return dev;
		node = (u64)BPF_CORE_READ((const struct hlist_node *)node, next);
	}
	return NULL;
}

// The namespace of a packet's route; NULL if it has none. In TCP's queues, skb->_skb_refdst is a list pointer,
// and the device of a route whose device was removed is blackhole_netdev. Both are rejected, since no
// namespace lists such a device.
static __noinline const struct net *route_net(u64 refdst)
{
	const struct dst_entry *dst = (const void *)(refdst & ~1UL);
	const struct net_device *dev;
	const struct net *net;

	if (!is_address(refdst))
		return NULL;
	dev = BPF_CORE_READ(dst, dev);
	net = is_address((u64)dev) ? BPF_CORE_READ(dev, nd_net.net) : NULL;
	if (!is_address((u64)net))
		return NULL;
	return device_at(net, BPF_CORE_READ(dev, ifindex)) == dev ? net : NULL;
}

// The device where a followed packet was last seen, if it is the one on which the packet arrived and it
// still exists.
static __always_inline const struct net_device *last_device(const struct branch *b, u32 arrival)
{
	const struct net_device *dev = (const void *)b->dev;

	if (!dev || !arrival || b->ifindex != arrival)
		return NULL;
	return (u32)BPF_CORE_READ(dev, ifindex) == arrival ? dev : NULL;
}

static __always_inline void find_netdev_by_branch(struct netdev_ref *at, const struct branch *b, u32 arrival)
{
	const struct net_device *dev = last_device(b, arrival);
	u32 netns = dev ? device_netns(dev) : 0;

	if (!is_netns(netns) || (at->netns && at->netns != netns))
		return;
	at->dev = dev;
	at->netns = netns;
}

// Finds the namespace and the device of a packet whose sk_buff has no device.
static __noinline int find_netdev(struct netdev_ref *at, const struct sk_buff *skb,
				     const struct endpoint *e, const struct branch *b)
{
	const struct net *net = (const void *)e->net;
	u32 arrival = BPF_CORE_READ(skb, skb_iif);

	if (!net)
		net = socket_net(BPF_CORE_READ(skb, sk));
	if (!net)
		net = socket_net((const void *)e->sk);
	if (!net)
		net = route_net(BPF_CORE_READ(skb, _skb_refdst));
	at->netns = netns_number(net);
	at->dev = at->netns && arrival ? device_at(net, arrival) : NULL;
	if (CFG.last_device && b && !at->dev)
		find_netdev_by_branch(at, b, arrival);
	return 0;
}
