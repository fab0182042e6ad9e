// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Which drops are benign: normal on a healthy network. Evaluated only for drops that match the filters. If a
// read fails, the drop is not benign.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "match/netdev.h"
#include "explain/clone_reader.h"

enum {
	// Lower devices that are searched per device, and levels of lower devices.
	MAX_LOWER = 8,
	DEEPEST_DEVICE = 3,
	// The driver's private data follow struct net_device at a multiple of this (NETDEV_ALIGN).
	NETDEV_ALIGNMENT = 32,
};

// For a drop reason that can be benign: the condition (enum benign_kind), and the number of drops that were
// hidden.
struct benign_reason {
	u64 hidden;
	u32 kind;
	u32 pad;
};

// By reason; its size and contents are set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct benign_reason);
} benign SEC(".maps");

struct netdev_adjacent {
	struct net_device *dev;
	struct list_head list;
} __attribute__((preserve_access_index));

// The driver's private data of a net_device (netdev_priv): a member since 6.11 (kernel commit 13cabc47f8ae,
// "netdevice: define and allocate &net_device _properly_").
struct net_device___v6_11 {
	u8 priv[1];
} __attribute__((preserve_access_index));

static __always_inline u64 device_private(const struct net_device *dev)
{
	const struct net_device___v6_11 *newer = (const void *)dev;
	u64 size = bpf_core_type_size(struct net_device);

	if (bpf_core_field_exists(newer->priv))
		return (u64)dev + bpf_core_field_offset(newer->priv);
	return (u64)dev + ((size + NETDEV_ALIGNMENT - 1) & ~(u64)(NETDEV_ALIGNMENT - 1));
}

// Whether the device is promiscuous, a bridge, or a port of one.
static __always_inline bool sees_foreign(const struct net_device *dev)
{
	u64 flags = BPF_CORE_READ_BITFIELD_PROBED(dev, priv_flags);

	return flags & (IFF_EBRIDGE | IFF_BRIDGE_PORT) || BPF_CORE_READ(dev, promiscuity);
}

// The other end of a veth device: the first member of struct veth_priv.
static __always_inline const struct net_device *veth_peer(const struct net_device *dev)
{
	u64 kind = 0, peer = 0;
	const char *name = BPF_CORE_READ(dev, rtnl_link_ops, kind);

	if (!name || bpf_probe_read_kernel_str(&kind, sizeof(kind), name) != sizeof("veth"))
		return NULL;
	if (__builtin_memcmp(&kind, "veth\0\0\0", sizeof(kind)))
		return NULL;
	read_kernel(&peer, sizeof(peer), device_private(dev));
	return (void *)peer;
}

// Whether the device receives frames for other hosts: see sees_foreign; or its veth peer is a bridge port.
static __noinline bool is_flooded(const struct net_device *dev)
{
	const struct net_device *peer;

	if (!dev)
		return false;
	if (sees_foreign(dev))
		return true;
	peer = veth_peer(dev);
	return peer && BPF_CORE_READ_BITFIELD_PROBED(peer, priv_flags) & IFF_BRIDGE_PORT;
}

// Whether one of the lower devices, such as the ports of a bond, is flooded. Sets `first` to the first lower
// device.
static __noinline bool is_flooded_below(const struct net_device *dev, const struct net_device **first)
{
	u64 list = (u64)dev + bpf_core_field_offset(dev->adj_list.lower), at = list;
	const struct net_device *lower;
	u64 found = 0;

	*first = NULL;
	if (!bpf_core_type_exists(struct netdev_adjacent))
		return false;
	for (u32 i = 0; i < MAX_LOWER; i++) {
		if (read_kernel(&at, sizeof(at), at) || at == list || !at)
			break;
		lower = BPF_CORE_READ((struct netdev_adjacent *)(at - bpf_core_field_offset(struct netdev_adjacent, list)), dev);
		if (!*first)
			*first = lower;
		found = is_flooded(lower);
		opaque(found);
		if (found)
			break;
	}
	return found;
}

// Reads the frame's destination and the device's own address; false if one cannot be read.
static __always_inline bool read_addresses(u64 *frame, u64 *device, const struct sk_buff *skb,
					   const struct net_device *dev)
{
	u16 mac = BPF_CORE_READ(skb, mac_header);
	const void *address = BPF_CORE_READ(dev, dev_addr);

	if (BPF_CORE_READ(dev, type) != ARPHRD_ETHER || mac == NO_HEADER || !address)
		return false;
	return !read_kernel(frame, 6, BPF_CORE_READ(skb, head) + mac) && !read_kernel(device, 6, address);
}

// Whether the destination is another host's unicast address.
static __always_inline bool has_foreign_address(const struct sk_buff *skb, const struct net_device *dev)
{
	u64 frame = 0, device = 0;

	if (!read_addresses(&frame, &device, skb, dev))
		return false;
	return frame != device && !(*(u8 *)&frame & 1);
}

// Whether the frame is for another host, and the device receives such frames: it or a lower device is
// promiscuous, or a bridge floods frames to it. False for a VLAN tag without a device, and for a wrong address
// on a device that is none of these. Global like has_raw_reader.
__noinline int is_for_another(u64 at)
{
	const struct sk_buff *skb = (void *)at;
	const struct net_device *dev = device_in(BPF_CORE_READ(skb, dev)), *lower;

	if (!dev || !has_foreign_address(skb, dev))
		return false;
	if (is_flooded(dev))
		return true;
	for (u32 i = 0; i < DEEPEST_DEVICE && dev; i++) {
		if (is_flooded_below(dev, &lower))
			return true;
		dev = lower;
	}
	return false;
}

static __always_inline bool is_benign_by(u32 kind, const struct sk_buff *skb)
{
	switch (kind) {
	case BENIGN_ALWAYS: return true;
	case BENIGN_FOREIGN: return is_for_another((u64)skb);
	case BENIGN_CLONED: return has_clone_reader((u64)skb);
	}
	return false;
}

// The entry for the reason of a drop if it is benign, else NULL.
static __noinline struct benign_reason *find_benign(const struct sk_buff *skb, u32 reason)
{
	struct benign_reason *b = bpf_map_lookup_elem(&benign, &reason);

	return b && is_benign_by(b->kind, skb) ? b : NULL;
}
