// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The values that explain a drop, read when the drop tracepoint fires. A site is a place where the kernel
// drops packets: a set of drop reasons and functions, and expressions that are evaluated there (the table is in
// internal/explain). Sets of sites are bit masks. The sites of a drop are those that have both its reason and
// its location.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/tracepoint.h"
#include "packet/scratch.h"

enum site_limit {
	// The largest number of sites that are read for one drop.
	MAX_DROP_SITES = 4,
	// The size of the array of functions; the search takes SITE_STEPS steps.
	SITE_STEPS = 10,
	MAX_SITE_RANGES = 1 << SITE_STEPS,
	// The reason of drops on kernels without drop reasons.
	NO_REASON = 0xffffffff,
	// A size of the part that is too large. The part is left out then: without some values, the condition of a wrong
	// cause could hold.
	NO_ROOM = MAX_WHY + 1,
};

const enum site_limit *site_limit_used __attribute__((unused));

// A function that drops packets, and the sites that it belongs to. Unused entries at the end of the array
// have the highest address.
struct site_range {
	u64 begin;
	u64 size;
	u64 sites;
};

// Sorted by address; set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct site_range);
} site_ranges SEC(".maps");

// The sites of drop reasons; a reason that is not listed has the sites in CFG.sites_any_reason. Set before
// loading.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} site_reasons SEC(".maps");

// The size of the values of each site. Set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_SITES);
	__type(key, u32);
	__type(value, u32);
} site_sizes SEC(".maps");

// Writes the values of a site, at most MAX_WHY_VALUES bytes. The body is replaced before loading.
static __noinline u32 read_site(const struct site_roots *roots, u8 *to, u64 site)
{
	opaque(site);
	*to = roots->skb == site;
	return 0;
}

// The sites of the function with this return address, by a branchless binary search, which the verifier checks
// once.
static __noinline u64 sites_at(u64 location)
{
	struct site_range *r;
	u32 found = 0, next, step;

	for (step = MAX_SITE_RANGES / 2; step; step /= 2) {
		next = found + step;
		r = bpf_map_lookup_elem(&site_ranges, &next);
		if (!r)
			return 0;
		// A return address is larger than the begin of its function.
		found += step & -(u32)((r->begin - location) >> 63);
	}
	r = bpf_map_lookup_elem(&site_ranges, &found);
	return r && location - r->begin - 1 < r->size ? r->sites : 0;
}

// The sites of a drop. Without a specific reason, only sites that list the function count.
static __always_inline u64 sites_of(u64 location, u32 reason)
{
	bool specified = reason != NO_REASON && reason != CFG.reason_unspecified;
	u64 *listed = bpf_map_lookup_elem(&site_reasons, &reason);

	return (listed ? *listed : CFG.sites_any_reason) & (sites_at(location) | (specified ? CFG.sites_anywhere : 0));
}

// Appends an entry to the part and returns its new size; NO_ROOM if it does not fit, or if an earlier one did not.
static __noinline u32 append_why(u8 *to, u32 at, const struct record_why_entry *entry)
{
	u32 size = entry->size;

	opaque(size);
	opaque(at);
	if (at > MAX_WHY - sizeof(*entry) || size > MAX_WHY_VALUES)
		return NO_ROOM;
	size += __builtin_offsetof(struct record_why_entry, values);
	read_kernel(to + at, size, entry);
	return at + size;
}

static __always_inline u32 lowest_bit(u64 mask)
{
	u32 bit = 0;

	mask &= -mask;
	bit |= (mask & 0xffffffff00000000ULL ? 32 : 0);
	bit |= (mask & 0xffff0000ffff0000ULL ? 16 : 0);
	bit |= (mask & 0xff00ff00ff00ff00ULL ? 8 : 0);
	bit |= (mask & 0xf0f0f0f0f0f0f0f0ULL ? 4 : 0);
	bit |= (mask & 0xccccccccccccccccULL ? 2 : 0);
	bit |= (mask & 0xaaaaaaaaaaaaaaaaULL ? 1 : 0);
	return bit;
}

// Reads the values of a site into scratch->why. The function is global (not static), so the verifier checks the
// expressions once.
__noinline int read_entry(u32 level, u32 site)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &level);
	u32 *size = bpf_map_lookup_elem(&site_sizes, &site);

	if (!CFG.why || !scratch || !size)
		return 0;
	scratch->why.number = site;
	scratch->why.kind = WHY_SITE;
	scratch->why.size = *size;
	read_site(&scratch->roots, scratch->why.values, site);
	return 0;
}

// Writes the entries of the sites of a drop after the header of the part, and returns the size of the part.
static __noinline u32 fill_sites(u8 *to, struct scratch *scratch, u64 location, u32 reason)
{
	u64 sites = sites_of(location, reason);
	u32 at = sizeof(struct record_why);

	for (u32 i = 0; i < MAX_DROP_SITES && sites; i++) {
		read_entry(scratch->level, lowest_bit(sites));
		at = append_why(to, at, &scratch->why);
		sites &= sites - 1;
	}
	return at;
}
