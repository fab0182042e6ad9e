// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The one handler behind every entry.
#pragma once

static __always_inline void handle(const struct context *c, struct work *w)
{
	if (running)
		emit(c, w);
}
