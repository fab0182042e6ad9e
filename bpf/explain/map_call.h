// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Operations of BPF programs on maps. The kernel function that performs one has the map, the key, and for
// an update the value as its arguments.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/packet.h"
#include "follow/callstack.h"

struct map_call {
	u64 map;
	u64 key;
	// The address of the value, or of the element that holds it; 0 if there is none.
	u64 value;
	u32 operation;
	// The look-up returns the element of a hash table (struct htab_elem), which contains the value.
	u32 element;
};

// The operation, and the working memory for its packet, for which the stack is too small.
struct map_scratch {
	struct map_call call;
	struct work work;
};

// Function programs do not interrupt one another on a CPU, and no others use it.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct map_scratch);
} map_scratches SEC(".maps");

// Look-ups that have not returned. The size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct recorded_key);
	__type(value, struct map_call);
} map_lookups SEC(".maps");

// The address of an element's value, or of its pointer to the per-CPU values: behind the key, rounded up to 8
// bytes. Until 6.14, such a pointer is directly behind the key. This is noticed by the padding: its bytes are
// zero, but those of a pointer are not.
static __always_inline u64 element_value(const struct bpf_map *map, u64 element)
{
	u64 key = element + bpf_core_field_offset(struct htab_elem, key), word = 0;
	u32 size = BPF_CORE_READ(map, key_size), type = BPF_CORE_READ(map, map_type);
	u32 odd = size & 7;

	if (odd && (type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH)) {
		read_kernel(&word, sizeof(word), key + size);
		if (word << (8 * odd))
			return key + size;
	}
	return key + ((size + 7) & ~7U);
}

// The address of the value that a look-up found in an element.
static __always_inline u64 element_result(const struct bpf_map *map, u64 element)
{
	u32 type = BPF_CORE_READ(map, map_type);
	u64 at = element_value(map, element), address = 0;

	if (type != BPF_MAP_TYPE_PERCPU_HASH && type != BPF_MAP_TYPE_LRU_PERCPU_HASH &&
	    type != BPF_MAP_TYPE_HASH_OF_MAPS)
		return at;
	if (read_kernel(&address, sizeof(address), at))
		return 0;
	return type == BPF_MAP_TYPE_HASH_OF_MAPS ? address : this_cpu_address(address);
}

// Reads at most `most` bytes, and returns how many.
static __always_inline u32 read_bytes(u8 *to, u32 most, u32 size, u64 from)
{
	if (size > most)
		size = most;
	opaque(size);
	if (size > most || !from || read_kernel(to, size, from))
		return 0;
	return size;
}

// A look-up in a map of maps returns a map, whose id is recorded as the value.
static __always_inline u32 read_inner(u8 *to, u64 inner)
{
	u32 id = BPF_CORE_READ((const struct bpf_map *)inner, id);

	*(u32 *)to = id;
	return sizeof(id);
}

static __always_inline void fill_map_value(struct record_map *r, const struct map_call *call)
{
	switch (r->type) {
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		if (call->operation == MAP_LOOKUP)
			r->value_read = read_inner(r->value, call->value);
		return;
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_XSKMAP: // sockets
		return;
	}
	r->value_read = read_bytes(r->value, MAX_MAP_VALUE, r->value_size, call->value);
}

static __noinline int fill_map(struct record_map *r, const struct map_call *call)
{
	const struct bpf_map *map = (void *)call->map;

	r->id = BPF_CORE_READ(map, id);
	r->type = BPF_CORE_READ(map, map_type);
	r->key_size = BPF_CORE_READ(map, key_size);
	r->value_size = BPF_CORE_READ(map, value_size);
	r->operation = call->operation;
	r->found = call->value != 0;
	r->pad = 0;
	r->value_read = 0;
	bpf_probe_read_kernel_str(r->name, sizeof(r->name), map->name);
	r->key_read = read_bytes(r->key, MAX_MAP_KEY, r->key_size, call->key);
	if (call->value)
		fill_map_value(r, call);
	return 0;
}
