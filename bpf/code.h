// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Which function an address is in.
#pragma once

static __always_inline bool is_within(u64 address, const volatile struct code_range *r)
{
	// What a call returns to may be the first byte behind the function.
	return address - r->begin - 1 < r->size;
}
