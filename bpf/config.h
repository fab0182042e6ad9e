// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The settings, written once before the programs are loaded. The verifier knows
// their values and removes the code of what is off.
#pragma once

struct config {
	// Where the kernel keeps the descriptions of its pages, and where it maps them:
	// the addresses that belong to the first page. 0 where not known.
	u64 page_structs;
	u64 page_memory;
	u32 page_shift;
	// Only this network namespace's packets (inode number); 0 is any.
	u32 netns;
	// Only this device's (index); 0 is any.
	u32 ifindex;
	// Only those with (mark & mark_mask) == mark; no mark filter with mark_mask 0.
	u32 mark;
	u32 mark_mask;
	// Leading bytes of the frame that the packet filter reads at fixed places.
	u32 need;
	// Bytes of events in the ring at which the reader is woken.
	u32 watermark;
	// There is a packet filter.
	bool filter;
	// The packet filter asks for the frame's length.
	bool length;
	// Parts of the record that were asked for.
	bool meta;
	bool tuple;
};

volatile const struct config CFG = {};
