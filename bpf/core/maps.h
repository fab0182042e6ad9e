// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The maps and variables that user space reads or writes.
#pragma once

#include "core/kernel.h"

// Returns the only element of a per-CPU array, or NULL.
#define this_cpu_value(map)                         \
	({                                          \
		u32 zero = 0;                       \
		bpf_map_lookup_elem(&(map), &zero); \
	})

// The ring buffer for records; its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} events SEC(".maps");

// The counters of one CPU. matched == records sent + lost + suppressed, always.
struct counters {
	// Events that passed every filter.
	u64 matched;
	// Matched events for which the ring was full.
	u64 lost;
	// Matched events beyond the limit per second.
	u64 suppressed;
	// Branches added to the table of followed packets, and branches removed at their end. The
	// difference is in the table, or was evicted.
	u64 branches_added;
	u64 branches_removed;
	// Calls whose entry was emitted and whose return was not seen.
	u64 unreturned;
	// Events that passed all other filters, but the packet's network namespace or device was unknown.
	u64 without_netns, without_device;
	// Dropped fragments without a transport header that the packet filter did not match.
	u64 headless_fragments;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counters);
} counts SEC(".maps");

// Inode numbers of the sockets of matching processes. User space adds the open ones at start; sockets
// through which such a process sends are added here. The size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, u8);
} sockets SEC(".maps");

enum {
	// The size of the largest record.
	RECORD_BUFFER_SIZE = 10240,
};

// Buffers for records of variable size, one per nesting level.
struct record_buffer {
	u8 bytes[RECORD_BUFFER_SIZE];
};

// The number of entries is set before loading; 1 if no records have a variable size.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct record_buffer);
} record_buffers SEC(".maps");

// For the limit of events per second: the start of the current second, and the number of events in it.
u64 second_began = 0;
u64 second_matched = 0;

// Whether events are emitted: set after all probes are attached, so that a trace never begins with only
// some of them, and cleared when the reader stops.
u32 running = 0;
