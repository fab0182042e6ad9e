// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The network namespace and the socket among the arguments of a function or a tracepoint. In the transport
// layer, the sk_buff itself may have neither a device nor a socket: TCP clears skb->dev, and UDP stores other
// data there.
#pragma once

#include "core/compat.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/registers.h"
#include "core/tracepoint.h"

// Kernel addresses; 0 if unknown.
struct endpoint {
	u64 net, sk;
};

// The positions of a function's struct net * and struct sock * arguments, from 1; 0 means no such argument.
struct endpoint_arguments {
	u8 net, sk;
};

// By the function's address, for functions that have one. Its size is set before loading.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, struct endpoint_arguments);
} endpoints SEC(".maps");

static __noinline int function_endpoint(struct endpoint *e, struct registers *regs)
{
	u64 address = probed_function(regs);
	const struct endpoint_arguments *a = bpf_map_lookup_elem(&endpoints, &address);

	if (!a)
		return 0;
	register_argument(regs, a->net, &e->net);
	register_argument(regs, a->sk, &e->sk);
	return 0;
}

// The socket among the arguments of a tracepoint, such as the intended receiver of a dropped packet
// (6.11).
static __noinline int tracepoint_endpoint(struct endpoint *e, struct tracepoint_arguments *a)
{
	u8 position = tracepoint_params() >> 40;

	e->sk = tracepoint_argument(a, position);
	return 0;
}

// kind is an enum record_kind. It must be a constant in every call, so that the verifier does not check the
// branch for the other type of context.
static __always_inline void find_endpoint(struct endpoint *e, void *program, u32 kind)
{
	e->net = 0;
	e->sk = 0;
	if (kind == RECORD_FUNCTION)
		function_endpoint(e, program);
	else if (kind == RECORD_TRACEPOINT)
		tracepoint_endpoint(e, program);
}
