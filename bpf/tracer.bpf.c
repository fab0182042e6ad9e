// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The programs of tracer, read from top to bottom: what a kernel looks like,
// what can be set and stored, what a packet is, who is filtered out and who is
// followed, what is told of the rest, and where the kernel calls us.

#include "kernel.h"

#include "config.h"
#include "event.h"
#include "maps.h"
#include "context.h"

#include "compat.h"

#include "packet.h"
#include "headers.h"
#include "endpoint.h"
#include "room.h"
#include "fragment.h"
#include "place.h"
#include "owner.h"
#include "filter.h"
#include "iplength.h"
#include "llc.h"
#include "tuple.h"
#include "tunnel.h"
#include "track.h"
#include "find.h"
#include "datagram.h"
#include "first.h"
#include "calls.h"
#include "lookup.h"
#include "program.h"
#include "decide.h"
#include "xdp.h"
#include "netfilter.h"
#include "conntrack.h"
#include "forms.h"
#include "mapcall.h"
#include "emit.h"
#include "emitreturn.h"
#include "emitxdp.h"
#include "role.h"

#include "handle.h"
#include "entry/return.h"
#include "entry/kprobe.h"
#include "entry/role.h"
#include "entry/birth.h"
#include "clonereader.h"
#include "benign.h"
#include "droppart.h"
#include "entry/tracepoint.h"
#include "entry/program.h"
#include "entry/tail.h"
#include "entry/holders.h"
#include "own.h"
#include "entry/other.h"
#include "entry/map.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
