// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The metadata of a packet: its device, network namespace, mark, length and MTU.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/endpoint.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/scratch.h"
#include "match/netdev.h"

// Whether the packet has a route. A packet in a TCP queue, which has no device either, has a list pointer
// or poison in its place.
static __always_inline bool has_route(u64 refdst, const struct net_device *dev)
{
	const struct net_device *out;

	if (!is_address(refdst) || dev)
		return is_address(refdst);
	out = device_in(peek(struct dst_entry, refdst & ~1UL, dev));
	return out && is_netns(device_netns(out));
}

// The MTU of the route, else of the device.
static __always_inline u32 skb_mtu(u64 refdst, const struct net_device *dev)
{
	const struct dst_entry *dst = (void *)(refdst & ~1UL);
	const u32 *metrics;
	u32 mtu = 0;

	if (has_route(refdst, dev)) {
		metrics = (void *)(peek(struct dst_entry, dst, _metrics) & ~3UL);
		copy_kernel(&mtu, sizeof(mtu), (u64)&metrics[RTAX_MTU - 1]);
		if (mtu)
			return mtu;
		mtu = peek(struct net_device, peek(struct dst_entry, dst, dev), mtu);
	}
	return mtu ? mtu : dev ? peek(struct net_device, dev, mtu) : 0;
}

// Bytes behind the NUL are undefined.
static __always_inline void fill_ifname(struct record_meta *m, const struct net_device *dev)
{
	const u64 *name;

	if (!CFG.direct) {
		bpf_probe_read_kernel_str(m->ifname, sizeof(m->ifname), dev->name);
		return;
	}
	name = (const u64 *)as(struct net_device, dev)->name;
	((u64 *)m->ifname)[0] = name[0];
	((u64 *)m->ifname)[1] = name[1];
}

// Fills in the members of the sk_buff, and returns its device.
static __always_inline const struct net_device *read_skb_meta(struct record_meta *m, u64 *refdst,
							 const struct sk_buff *skb)
{
	m->mark = skb->mark;
	m->len = skb->len;
	m->protocol = bpf_ntohs(skb->protocol);
	*refdst = skb->_skb_refdst;
	return device_in(skb->dev);
}

static __always_inline const struct net_device *read_copied_meta(struct record_meta *m, u64 *refdst,
							    const struct sk_buff *skb, const struct scratch *scratch)
{
	m->mark = copied(scratch, skb, mark);
	m->len = copied(scratch, skb, len);
	m->protocol = bpf_ntohs(copied(scratch, skb, protocol));
	*refdst = copied(scratch, skb, _skb_refdst);
	return device_in(copied(scratch, skb, dev));
}

static __noinline int fill_meta(struct record_meta *m, const struct sk_buff *skb, const struct scratch *scratch)
{
	const struct net_device *dev;
	u64 refdst;
	u32 netns;

	__builtin_memset(m, 0, sizeof(*m));
	if (CFG.direct)
		dev = read_skb_meta(m, &refdst, as(struct sk_buff, skb));
	else
		dev = read_copied_meta(m, &refdst, skb, scratch);
	netns = dev ? device_netns(dev) : 0;
	if (!is_netns(netns))
		dev = NULL;
	m->mtu = skb_mtu(refdst, dev);
	if (!dev)
		return 0;
	m->netns = netns;
	m->ifindex = peek(struct net_device, dev, ifindex);
	fill_ifname(m, dev);
	return 0;
}

// Fills in device and namespace of an sk_buff that has no device.
static __noinline int fill_netdev(struct record_meta *m, const struct sk_buff *skb,
				     const struct scratch *scratch, const struct branch *b)
{
	struct netdev_ref at;

	find_netdev(&at, skb, &scratch->endpoint, b);
	m->netns = at.netns;
	if (!at.dev)
		return 0;
	if (!m->mtu)
		m->mtu = peek(struct net_device, at.dev, mtu);
	m->ifindex = peek(struct net_device, at.dev, ifindex);
	fill_ifname(m, at.dev);
	return 0;
}

static __always_inline void fill_packet_meta(struct record_meta *m, const struct context *c, struct scratch *scratch)
{
	fill_meta(m, c->skb, scratch);
	if (m->netns)
		return;
	find_endpoint(&scratch->endpoint, c->program, c->at_return ? RECORD_RETURN : c->kind);
	fill_netdev(m, c->skb, scratch, c->branch);
}
