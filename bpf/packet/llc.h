// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// 802.3 frames: a length instead of an Ethertype, then LLC, perhaps with SNAP.
#pragma once

#include "core/compat.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/headers.h"

static __always_inline bool is_snap(const u8 h[LLC_HLEN])
{
	return h[0] == 0xaa && h[1] == 0xaa && h[2] == 3;
}

// Fills in the LLC and SNAP headers; `end` is given by the frame's length field.
static __always_inline void fill_llc(struct record_tuple *t, u64 at, u64 end, u8 *h)
{
	t->network = NETWORK_LLC;
	if (at + LLC_HLEN > end || read_kernel(h, LLC_HLEN, at))
		return;
	t->has |= TUPLE_LLC;
	__builtin_memcpy(t->source, h, LLC_HLEN);
	if (!is_snap(h) || at + LLC_HLEN + SNAP_HLEN > end ||
	    read_kernel(h, LLC_HLEN + SNAP_HLEN, at))
		return;
	t->has |= TUPLE_SNAP;
	__builtin_memcpy(t->source, h, LLC_HLEN + SNAP_HLEN);
}

// Whether it is IPX without LLC ("raw 802.3"), which the kernel recognizes by the first two bytes.
static __always_inline bool is_raw_802_3(u64 at, u64 end, u8 *h)
{
	return at + 2 <= end && !read_kernel(h, 2, at) && h[0] == 0xff && h[1] == 0xff;
}

// Fills in an 802.3 frame. t->ether_type holds its length field; 0 if the frame ends before that.
static __noinline int fill_length(struct record_tuple *t, u64 at, u64 end, u8 *h)
{
	u32 length = t->ether_type;

	t->network = NETWORK_OTHER;
	if (!length)
		return 0;
	if (at + length < end)
		end = at + length;
	t->ether_type = ETH_P_802_3;
	if (length <= MAX_LLC && !is_raw_802_3(at, end, h))
		fill_llc(t, at, end, h);
	return 0;
}
