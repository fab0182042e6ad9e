// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The fragments of followed packets. Only the first fragment has ports, so many filters cannot match later
// ones. Those are recognized at their drop by the IP header, which identifies the datagram.
#pragma once

#include "core/compat.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/headers.h"
#include "packet/packet.h"
#include "packet/scratch.h"
#include "packet/tunnel.h"
#include "packet/tuple.h"
#include "follow/branch.h"

enum {
	// Maximum time in ns between the first fragment of a datagram and the others. Later, the id may be
	// that of another datagram.
	LONGEST_DATAGRAM = 1000000000,
	// The offsets of the id in IPv4, and of the next header in IPv6.
	IPV4_ID = 4,
	IPV6_NEXT = 6,
	// The offset of the id in a fragment header directly behind the IPv6 header.
	IPV6_ID = IPV6_HLEN + 4,
};

// The packet of each datagram; held is the time in ns when the first fragment was seen. The size is set
// before loading.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct datagram);
	__type(value, struct head_owner);
} datagrams SEC(".maps");

// Writes the datagram of a fragment to scratch->datagram. The fragment was parsed into scratch->outer, and
// the located packet begins with the IP header.
static __noinline bool read_datagram(struct scratch *scratch)
{
	struct record_tuple *t = &scratch->outer;
	struct datagram *d = &scratch->datagram;
	u64 at = scratch->work.packet.frame.start;
	__be16 id = 0;
	u8 next = 0;

	__builtin_memset(d, 0, sizeof(*d));
	__builtin_memcpy(d->source, t->source, sizeof(d->source));
	__builtin_memcpy(d->dest, t->dest, sizeof(d->dest));
	d->network = t->network;
	if (t->network == NETWORK_IPV6) // the kernel's IPv6 fragment key has no protocol
		return !read_kernel(&next, sizeof(next), at + IPV6_NEXT) && next == IPPROTO_FRAGMENT &&
		       !read_kernel(&d->id, sizeof(d->id), at + IPV6_ID);
	d->protocol = t->protocol;
	if (t->network != NETWORK_IPV4 || read_kernel(&id, sizeof(id), at + IPV4_ID))
		return false;
	d->id = id;
	return true;
}

// Parses the located packet into scratch->outer, and moves its start to the IP header; false if it is no
// fragment.
static __always_inline bool parse_fragment(struct scratch *scratch)
{
	if (!skip_inner_link(scratch))
		return false;
	parse_located(scratch->level);
	return scratch->outer.has & TUPLE_FRAGMENT;
}

// Records the datagram of a located fragment if it is the first one of a followed packet.
static __noinline int keep_datagram(struct scratch *scratch, u64 id, u64 part)
{
	struct head_owner o = { .id = id, .part = part };

	if (!parse_fragment(scratch) || scratch->outer.fragment_offset || !read_datagram(scratch))
		return 0;
	o.held = bpf_ktime_get_ns();
	bpf_map_update_elem(&datagrams, &scratch->datagram, &o, BPF_ANY);
	return 0;
}

// Makes a later fragment a part of the packet of its first fragment; false if that was not seen.
static __noinline bool join_datagram(struct scratch *scratch, u64 skb)
{
	struct ancestor from = { .origin = ORIGIN_FRAGMENT };
	struct head_owner *o;

	if (!read_datagram(scratch))
		return false;
	o = bpf_map_lookup_elem(&datagrams, &scratch->datagram);
	if (!o || bpf_ktime_get_ns() - o->held > LONGEST_DATAGRAM)
		return false;
	from.id = o->id;
	from.part = o->part;
	return add_branch(skb, head_of(skb), &from);
}
