// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Branchless comparisons, and lists that are searched with them.
#pragma once

#include "core/config.h"
#include "core/kernel.h"

// Returns 1 for 0, else 0, for numbers of less than 64 bits. Lists are searched without branches: before
// 6.2, the verifier would check all following code once per entry (kernel commit be2ef8161572, "bpf: allow
// precision tracking for programs with subprogs").
static __always_inline u64 is_zero(u64 number)
{
	return (number - 1) >> 63;
}

static __always_inline u64 is_equal(u64 a, u64 b)
{
	u64 other = a ^ b;

	return is_zero(other >> 32 | (u32)other);
}

static __always_inline bool is_listed(u32 number, const volatile u32 *list, u32 count, u32 most)
{
	u64 found = 0;

	for (u32 i = 0; i < most && i < count; i++)
		found |= is_zero(list[i] ^ number);
	return found;
}

// A kernel name; the bytes behind its NUL are undefined.
struct name {
	u64 words[2];
};

static __always_inline bool is_named(const struct name *n, const volatile struct name_pattern *list,
				     u32 count)
{
	u64 found = 0, other;

	for (u32 i = 0; i < MAX_ENTRIES && i < count; i++) {
		other = ((n->words[0] ^ list[i].name[0]) & list[i].mask[0]) |
			((n->words[1] ^ list[i].name[1]) & list[i].mask[1]);
		found |= is_equal(other, 0);
	}
	return found;
}
