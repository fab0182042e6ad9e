// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The members of a packet's frag_list, which GRO and reassembly create. skb_release_data frees them with the
// packet, and the kernel reports each as a drop, on many kernels even if the packet was consumed. They are
// parts of the packet, and no drops of their own.
#pragma once

#include "core/config.h"
#include "core/kernel.h"

enum {
	// Return addresses that are searched for skb_release_data, including those of the BPF functions
	// and of bpf_trace_run2.
	FREE_FRAMES = 16,
};

static __always_inline bool is_list_freer(u64 address)
{
#pragma clang loop unroll(full)
	for (u32 i = 0; i < MAX_LIST_FREERS; i++)
		if (is_within(address, &CFG.list_freers[i]))
			return true;
	return false;
}

// Whether skb_release_data is on the stack.
static __noinline bool is_released_with_data(void *program)
{
	u64 frames[FREE_FRAMES] = {};

	if (bpf_get_stack(program, frames, sizeof(frames), 0) < 0)
		return false;
	for (u32 i = 0; i < FREE_FRAMES; i++)
		if (is_within(frames[i], &CFG.release_data))
			return true;
	return false;
}

// Whether the drop at this location is that of a frag_list member. Until 6.1 the location is in the function
// that frees a list, so its caller is searched on the stack.
static __always_inline bool is_part_of_list(void *program, u64 location)
{
	if (is_within(location, &CFG.release_data))
		return true;
	return CFG.release_data.size && is_list_freer(location) && is_released_with_data(program);
}
