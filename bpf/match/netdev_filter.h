// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Where a packet has to be: its network namespace, its device, its mark.
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

// Whether a packet passes the filters by namespace and device.
enum placed {
	PLACE_UNWANTED,
	PLACE_WANTED,
	// There is a filter, and the namespace, or the device, is not known.
	PLACE_NO_NETNS,
	PLACE_NO_DEVICE,
};

// An unknown namespace or device passes filters that only exclude (`!`).
static __noinline u32 judge_place(const struct net_device *dev, u32 netns)
{
	if (netns && !ANY_NETNS && !filter_netns(netns))
		return PLACE_UNWANTED;
	if (dev && !ANY_DEVICE && !filter_device(dev))
		return PLACE_UNWANTED;
	if (!netns && CFG.netns_in_count)
		return PLACE_NO_NETNS;
	return !dev && CFG.ifname_in_count ? PLACE_NO_DEVICE : PLACE_WANTED;
}

// By the sk_buff's device alone; unknown where it has none.
static __noinline u32 judge_device(const struct sk_buff *skb)
{
	const struct net_device *dev = device_in(peek(struct sk_buff, skb, dev));
	u32 netns = dev ? device_netns(dev) : 0;

	return is_netns(netns) ? judge_place(dev, netns) : PLACE_NO_NETNS;
}

static __noinline u32 judge_elsewhere(void *program, u32 kind, const struct sk_buff *skb,
				      const struct branch *b)
{
	struct endpoint e;
	struct where at;

	find_endpoint(&e, program, kind);
	find_elsewhere(&at, skb, &e, b);
	return judge_place(at.dev, at.netns);
}

// Returns its argument as a value that is unknown to the verifier, which would otherwise check the code
// that follows once for each possible value. The verifier checks global functions separately.
__noinline u32 any_place(u32 place)
{
	opaque(place);
	return place;
}

static __always_inline u32 filter_place(void *program, u8 kind, const struct sk_buff *skb,
					const struct branch *b)
{
	u32 place = judge_device(skb);

	if (place > PLACE_WANTED)
		place = judge_elsewhere(program, kind, skb, b);
	return any_place(place);
}

// Counts an event that passed all other filters and is not emitted.
static __noinline bool count_unplaced(u32 place)
{
	u32 zero = 0;
	struct counters *n = bpf_map_lookup_elem(&counts, &zero);

	if (running && n)
		__sync_fetch_and_add(place == PLACE_NO_NETNS ? &n->without_netns : &n->without_device, 1);
	return false;
}
