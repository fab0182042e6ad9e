// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The filters on the network namespace and the device.
#pragma once

#include "core/compare.h"
#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/endpoint.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "match/netdev.h"

static __always_inline bool filter_netns(u32 netns)
{
	if (CFG.netns_in_count && !is_listed(netns, CFG.netns_in, CFG.netns_in_count, MAX_ENTRIES))
		return false;
	return !CFG.netns_out_count ||
	       !is_listed(netns, CFG.netns_out, CFG.netns_out_count, MAX_ENTRIES);
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
#define ANY_NETDEV (ANY_NETNS && ANY_DEVICE)

// Whether a device passes the filters by namespace and device.
static __noinline bool filter_frame_netdev(const struct net_device *dev)
{
	if (!ANY_DEVICE && !filter_device(dev))
		return false;
	return ANY_NETNS || filter_netns(device_netns(dev));
}

// The result of the filters by namespace and device.
enum netdev_match {
	NETDEV_REJECTED,
	NETDEV_MATCHED,
	// A filter includes namespaces, or devices, but that of the packet is unknown.
	NETDEV_NO_NETNS,
	NETDEV_NO_DEVICE,
};

// Applies the filters. An unknown namespace or device passes filters that only exclude (`!`).
static __noinline u32 match_netdev(const struct net_device *dev, u32 netns)
{
	if (netns && !ANY_NETNS && !filter_netns(netns))
		return NETDEV_REJECTED;
	if (dev && !ANY_DEVICE && !filter_device(dev))
		return NETDEV_REJECTED;
	if (!netns && CFG.netns_in_count)
		return NETDEV_NO_NETNS;
	return !dev && CFG.ifname_in_count ? NETDEV_NO_DEVICE : NETDEV_MATCHED;
}

// Applies the filters to the sk_buff's device; NETDEV_NO_NETNS if it has none.
static __noinline u32 match_skb_netdev(const struct sk_buff *skb)
{
	const struct net_device *dev = device_in(peek(struct sk_buff, skb, dev));
	u32 netns = dev ? device_netns(dev) : 0;

	return is_netns(netns) ? match_netdev(dev, netns) : NETDEV_NO_NETNS;
}

// The same for a packet whose sk_buff has no device.
static __noinline u32 match_other_netdev(void *program, u32 kind, const struct sk_buff *skb,
				      const struct branch *b)
{
	struct endpoint e;
	struct netdev_ref at;

	find_endpoint(&e, program, kind);
	find_netdev(&at, skb, &e, b);
	return match_netdev(at.dev, at.netns);
}

// Returns its argument as a value that is unknown to the verifier, which would otherwise check the
// following code once per possible value. The verifier checks global functions separately.
__noinline u32 opaque_netdev_match(u32 netdev)
{
	opaque(netdev);
	return netdev;
}

static __always_inline u32 filter_netdev(void *program, u8 kind, const struct sk_buff *skb,
					const struct branch *b)
{
	u32 netdev = match_skb_netdev(skb);

	if (netdev > NETDEV_MATCHED)
		netdev = match_other_netdev(program, kind, skb, b);
	return opaque_netdev_match(netdev);
}

// Counts an event that passed all other filters and is not emitted. Returns false: the packet does not match.
static __noinline bool count_unknown_netdev(u32 netdev)
{
	struct counters *n = this_cpu_value(counts);

	if (running && n)
		__sync_fetch_and_add(netdev == NETDEV_NO_NETNS ? &n->without_netns : &n->without_device, 1);
	return false;
}
