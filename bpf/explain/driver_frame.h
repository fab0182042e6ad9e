// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Frames of XDP programs that have no sk_buff. If such a program drops one, or if its redirection fails, the kernel
// reports no drop.
#pragma once

#include "core/compat.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "follow/frame.h"
#include "follow/run.h"
#include "explain/benign.h"

// A run that redirected its frame, and the frame's device; NULL if there is none.
struct redirect {
	u64 dev;
	struct run run;
};

// The last run on this CPU. If the redirection fails, the kernel reports that before the next program runs.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct redirect);
} redirects SEC(".maps");

// Whether the frame has no sk_buff. Generic XDP takes the frame of an sk_buff and gives it a receive queue of the
// device itself, drivers one of their own. The frames of veth are not told apart, so they count as those of an sk_buff.
static __noinline bool is_driver_frame(const struct xdp_buff *xdp)
{
	const struct xdp_rxq_info *queue = BPF_CORE_READ(xdp, rxq);
	const struct net_device *dev = BPF_CORE_READ(queue, dev);
	u64 size = bpf_core_type_size(struct netdev_rx_queue);

	if (!dev || !size || veth_peer(dev))
		return false;
	return (u64)queue - (u64)BPF_CORE_READ(dev, _rx) >= size * BPF_CORE_READ(dev, num_rx_queues);
}

static __noinline int forget_redirect(void)
{
	struct redirect *r = this_cpu_value(redirects);

	if (r)
		r->dev = 0;
	return 0;
}

static __always_inline void note_redirect(const struct run *run, const struct xdp_buff *xdp)
{
	struct redirect *r = this_cpu_value(redirects);

	if (!r)
		return;
	read_kernel(&r->run, sizeof(r->run), run);
	r->dev = (u64)BPF_CORE_READ(xdp, rxq, dev);
}

// The run of the program that redirected a frame of this device, if it was the last one on this CPU; NULL if it was not.
static __always_inline struct run *take_redirect(u64 dev, const struct bpf_prog *program)
{
	struct redirect *r = this_cpu_value(redirects);

	if (!r || !r->dev || r->dev != dev)
		return NULL;
	r->dev = 0;
	return BPF_CORE_READ(program, aux, id) == r->run.call.addr ? &r->run : NULL;
}
