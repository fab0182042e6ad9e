// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Every map.
#pragma once

// Records on their way to user space; its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} events SEC(".maps");

// One CPU's bookkeeping: made == delivered + lost, always.
struct counters {
	// Events that passed every filter.
	u64 made;
	// Of those, the ones the ring had no room for.
	u64 lost;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counters);
} counts SEC(".maps");

// Whether events are wanted at this moment: not before everything is attached,
// so that a trace begins whole, nor once the reader has begun to leave.
u32 running = 0;
