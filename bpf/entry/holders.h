// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Lists all BPF programs with their reference counts. A traced program stays loaded because tracing holds a
// reference on it; by the count, user space notices that nothing else does.
#pragma once

#include "core/kernel.h"

struct holders {
	u32 id;
	u32 pad;
	__s64 count;
};

const struct holders *holders_used __attribute__((unused));

SEC("iter/bpf_prog")
int list_holders(struct bpf_iter__bpf_prog *given)
{
	struct bpf_prog *program = given->prog;
	struct holders h = {};

	if (!program)
		return 0;
	h.id = BPF_CORE_READ(program, aux, id);
	// The iterator itself holds a reference.
	h.count = BPF_CORE_READ(program, aux, refcnt.counter) - 1;
	bpf_seq_write(given->meta->seq, &h, sizeof(h));
	return 0;
}
