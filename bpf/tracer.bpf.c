// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The BPF programs of tracer. The folders, in reading order; a header includes only headers of its own
// folder and of those before it:
//   core     kernel types and registers, settings, the record, the maps shared with user space
//   packet   locates and parses packets
//   match    the filters
//   follow   followed packets, active calls, and runs of BPF programs
//   explain  why a packet was dropped, and what a function looked up for it
//   emit     fills records and sends them
//   entry    the programs, one file per kind of probe

#include "entry/kprobe.h"
#include "entry/return.h"
#include "entry/skb_op.h"
#include "entry/alloc.h"
#include "entry/drop_site.h"
#include "entry/decision.h"
#include "entry/nft_rule.h"
#include "entry/xt_rule.h"
#include "entry/tracepoint.h"
#include "entry/program.h"
#include "entry/tail_call.h"
#include "entry/holders.h"
#include "entry/no_skb.h"
#include "entry/map.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
