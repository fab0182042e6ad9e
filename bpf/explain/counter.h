// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Decisions that compare counters of the kernel, per CPU: those at the entry of a call with those at the drop.
#pragma once

#include "core/compat.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "explain/decision_slot.h"
#include "explain/lookup.h"

enum {
	// Counters that are compared: at least those of struct linux_xfrm_mib.
	MAX_COUNTERS = 40,
};

// The counters of a decision on this CPU, at the entry of its last call and at the drop. base is their address, 0 if
// they could not be read. Counters that the kernel does not have are 0.
struct counter_snapshot {
	u64 base;
	u64 before[MAX_COUNTERS];
	u64 now[MAX_COUNTERS];
};

// The number of snapshots is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counter_snapshot);
} counter_snapshots SEC(".maps");

// The first value of a decision with counters: the number of the one that grew. It follows the bitmap.
struct moved_counter {
	u64 known;
	u64 number;
};

const struct moved_counter *moved_counter_used __attribute__((unused));

// Writes the address of the counters of a decision on this CPU. The body is replaced before loading by the compiled
// expressions of all decisions with counters of the program.
static __noinline u32 read_decision_counters(const struct arguments *a, u64 *to, u64 number)
{
	opaque(number);
	*to = a->result == number;
	return 0;
}

static __always_inline struct counter_snapshot *snapshot_of(const struct decision_setting *params)
{
	u32 index = params->snapshot - 1;

	return bpf_map_lookup_elem(&counter_snapshots, &index);
}

// Copies counters; returns false if they can't be read.
static __always_inline bool copy_counters(u64 *to, u64 base, u32 counters)
{
	u32 size = counters * sizeof(u64);

	opaque(size);
	return base && size <= MAX_COUNTERS * sizeof(u64) && !read_kernel(to, size, base);
}

// Keeps the counters at the entry of a call.
static __noinline int keep_counters(const struct arguments *a, const struct decision_setting *params, u64 number)
{
	struct counter_snapshot *s = snapshot_of(params);
	u64 base = 0;

	if (!s)
		return 0;
	read_decision_counters(a, &base, number);
	s->base = copy_counters(s->before, base, params->counters) ? base : 0;
	return 0;
}

// Writes the number of the counter that grew by one since the entry to the values of the slot. Returns false if none
// did, or more than one.
static __noinline bool note_moved(struct decision_slot *slot, const struct decision_setting *params)
{
	struct moved_counter *moved = (void *)slot->entry.values;
	struct counter_snapshot *s = snapshot_of(params);
	u64 total = 0, number = 0, grown;

	if (!s || !copy_counters(s->now, s->base, params->counters))
		return false;
	for (u32 i = 0; i < MAX_COUNTERS; i++) {
		grown = s->now[i] - s->before[i];
		total += grown;
		number += grown * i;
	}
	moved->number = number;
	return total == 1;
}
