// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The maps of these programs, whose operations are not traced.
#pragma once

#include "core/endpoint.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "core/registers.h"
#include "packet/scratch.h"
#include "follow/branch.h"
#include "follow/callstack.h"
#include "follow/datagram.h"
#include "follow/first.h"
#include "follow/frame.h"
#include "follow/run.h"
#include "follow/skb_op.h"
#include "explain/benign.h"
#include "explain/clone_reader.h"
#include "explain/decision.h"
#include "explain/driver_frame.h"
#include "explain/drop_site.h"
#include "explain/last_hook.h"
#include "explain/lookup.h"
#include "explain/map_call.h"
#include "explain/nft_rule.h"
#include "explain/xt_rule.h"
#include "entry/tracepoint.h"

// Whether a map is one of ours. The kernel runs no function program while another one runs on that CPU, but
// map operations of our tracepoint programs, and the kernel's own for them, would be traced. Lists all maps
// with keys; a test in internal/bpf checks that none is missing.
static __always_inline bool is_self_map(u64 map)
{
	bool own = false;

#ifndef FRAME_POINTER
	own = map == (u64)&unwounds;
#endif
	return own || map == (u64)&counts || map == (u64)&sockets || map == (u64)&record_buffers ||
	       map == (u64)&branches || map == (u64)&firsts || map == (u64)&datagrams || map == (u64)&heads || map == (u64)&queues ||
	       map == (u64)&id_counters || map == (u64)&busy || map == (u64)&context_address ||
	       map == (u64)&callstacks || map == (u64)&recorded_parts || map == (u64)&scratches ||
	       map == (u64)&nesting || map == (u64)&skb_ops || map == (u64)&endpoints || map == (u64)&loans || map == (u64)&map_scratches ||
	       map == (u64)&map_lookups || map == (u64)&runs ||
	       map == (u64)&benign || map == (u64)&qdisc_details || map == (u64)&queued_frees ||
	        map == (u64)&last_hooks || map == (u64)&hook_functions ||
	       map == (u64)&raw_packets || map == (u64)&site_reasons || map == (u64)&decision_functions ||
	       map == (u64)&decision_slots || map == (u64)&counter_snapshots || map == (u64)&decision_calls || map == (u64)&silent_drops ||
	       map == (u64)&nft_traversals || map == (u64)&nft_searches || map == (u64)&xt_cpus ||
	       map == (u64)&lookup_args || map == (u64)&lent_skb || map == (u64)&redirects;
}
