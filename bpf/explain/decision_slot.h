// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The last values of each decision on each CPU, in one slot for each, with the packet that it was about: see
// explain/decision.h.
//
// Programs on functions fill the slots. The kernel runs no such program while another one runs on the CPU, so they do
// not interrupt each other. But one of them may interrupt the program on the drop tracepoint, which reads the slots, and
// the other way round. So a writer sets skb before the values, and a reader checks it again after it has copied them.
#pragma once

#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"

enum decision_limit {
	// The largest number of slots, and of decisions in all functions.
	MAX_DECISIONS = 160,
};

// The packet and the time in ns belong to the values. skb is 0 if the slot is empty.
struct decision_slot {
	u64 skb, head, time;
	u32 ident;
	u32 pad;
	struct record_why_entry entry;
};

// The number of slots is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct decision_slot);
} decision_slots SEC(".maps");

// Bits of decision_setting.flags.
enum decision_flag {
	// A call replaces the values of the calls inside it.
	DECISION_OUTERMOST = 1,
	// The packet ends, although the kernel reports no drop.
	DECISION_SILENT_DROP = 2,
	// The packet may have other memory or headers when it is dropped.
	DECISION_REWRITES = 4,
};

// Keep the types in the BTF of the object, from which the Go types are generated.
const enum decision_flag *decision_flag_used __attribute__((unused));
const enum decision_limit *decision_limit_used __attribute__((unused));

// A decision of the table in one function: the size of its values, and its slot, which all functions with this
// decision share. For a decision with counters, their index in counter_snapshots, from 1, and their number; else 0.
struct decision_setting {
	u32 size;
	u16 slot;
	u16 flags;
	u16 snapshot;
	u16 counters;
};

// By number - 1; set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_DECISIONS);
	__type(key, u32);
	__type(value, struct decision_setting);
} decision_params SEC(".maps");
