// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The frames of XDP programs. They have no sk_buff yet, or the kernel made them from one (generic XDP, veth).
// An xdp_buff describes a frame with its own Ethernet header. Its buffer begins at data_hard_start and becomes
// the head of the sk_buff that is built from it.
#pragma once

#include "core/compat.h"
#include "core/context.h"
#include "core/kernel.h"
#include "packet/packet.h"

// The kernel's L1_CACHE_BYTES, to which it rounds up the size of the shared info.
enum {
#if defined(__TARGET_ARCH_s390)
	CACHE_LINE = 256,
#elif defined(__TARGET_ARCH_powerpc)
	CACHE_LINE = 128,
#else
	CACHE_LINE = 64,
#endif
};

static __always_inline u64 xdp_head(const struct xdp_buff *xdp)
{
	return (u64)BPF_CORE_READ(xdp, data_hard_start);
}

// The address of the shared info, which lists the page fragments: the end of the frame's buffer.
static __always_inline u64 xdp_shared(const struct xdp_buff *xdp)
{
	u32 size = (bpf_core_type_size(struct skb_shared_info) + CACHE_LINE - 1) & -CACHE_LINE;

	return xdp_head(xdp) + BPF_CORE_READ(xdp, frame_sz) - size;
}

// Locates the frame; false if it is empty.
static __noinline bool locate_xdp(struct work *w, const struct xdp_buff *xdp)
{
	u64 end = (u64)BPF_CORE_READ(xdp, data_end);
	struct frame *f = &w->packet.frame;

	opaque(xdp);
	f->start = (u64)BPF_CORE_READ(xdp, data);
	f->shared = xdp_shared(xdp);
	f->prefix = PREFIX_NONE;
	f->type = 0;
	if (f->start >= end)
		return false;
	f->linear = end - f->start;
	f->len = f->linear + xdp_paged_length(xdp, f->shared);
	return true;
}
