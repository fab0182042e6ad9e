// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The maps that user space knows of, and what stands in for one.
#pragma once

#include "core/kernel.h"

// Records on their way to user space; its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} events SEC(".maps");

// One CPU's bookkeeping: made == delivered + lost + withheld, always.
struct counters {
	// Events that passed every filter.
	u64 matched;
	// Of those, the ones the ring had no room for.
	u64 lost;
	// Of those, the ones beyond the limit of events a second.
	u64 suppressed;
	// Entries of the table of packets that are followed: those put in, and those taken out
	// by an end. The others are still there, or had to make room.
	u64 branches_added;
	u64 branches_removed;
	// Calls whose entry was told and whose return was not seen.
	u64 unreturned;
	// Events that passed every other filter, where the packet's network namespace, or its
	// device, was not known.
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

// Inode numbers of the sockets of the processes that are wanted: user space tells
// of those that are open, and what such a process sends through adds itself.
// Its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, u8);
} sockets SEC(".maps");

enum {
	// Room for the largest record.
	RECORD_BUFFER_SIZE = 8192,
};

// Where records of varying size are put together, one for each level of nesting.
struct record_buffer {
	u8 bytes[RECORD_BUFFER_SIZE];
};

// Its number of entries is set before loading: 1 where there is no such record.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct record_buffer);
} record_buffers SEC(".maps");

// When the second of the limit of events a second began, and the events since.
u64 second_began = 0;
u64 second_matched = 0;

// Whether events are wanted at this moment: not before everything is attached,
// so that a trace begins whole, nor once the reader has begun to leave.
u32 running = 0;
