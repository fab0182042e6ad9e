// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The part of a packet in page fragments. The kernel has one array of page descriptors (vmemmap) and maps all
// pages in the same order, so the index of a descriptor gives the address of its page.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/kernel.h"

enum {
	// MAX_SKB_FRAGS, unless the kernel was configured otherwise.
	MAX_FRAGMENTS = 17,
	// A bit of fragment.page: device memory, which the CPU cannot read.
	UNREADABLE = 1,
};

static __always_inline bool read_fragment(struct fragment *fragment, u64 shared, u32 i)
{
	u64 first = shared + bpf_core_field_offset(struct skb_shared_info, frags);

	return !read_kernel(fragment, sizeof(*fragment), first + i * sizeof(*fragment));
}

// The address of a fragment's first byte; 0 if unknown.
static __always_inline u64 fragment_address(const struct fragment *fragment)
{
	u64 index;

	if (!CFG.page_structs || fragment->page < CFG.page_structs || fragment->page & UNREADABLE)
		return 0;
	index = (fragment->page - CFG.page_structs) / bpf_core_type_size(struct page);
	return CFG.page_memory + (index << CFG.page_shift) + fragment->offset;
}

static __always_inline u32 fragment_count(u64 shared)
{
	u8 count = 0;

	read_kernel(&count, 1, shared + bpf_core_field_offset(struct skb_shared_info, nr_frags));
	return count;
}

// The address of the byte `offset` bytes into the page fragments; 0 if there is none or it is unknown.
static __always_inline u64 paged_byte(u64 shared, u32 offset)
{
	u32 count = fragment_count(shared);
	struct fragment fragment;
	u64 address;

	for (u32 i = 0; i < MAX_FRAGMENTS; i++) {
		if (i >= count || !read_fragment(&fragment, shared, i))
			return 0;
		if (offset < fragment.length) {
			address = fragment_address(&fragment);
			return address ? address + offset : 0;
		}
		offset -= fragment.length;
	}
	return 0;
}
