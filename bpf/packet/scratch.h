// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Room to take packets apart. It is not on the stack, which is small, and whose
// contents the verifier of older kernels follows along every path.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/endpoint.h"
#include "core/event.h"
#include "core/kernel.h"
#include "packet/headers.h"
#include "packet/packet.h"

struct inner {
	u64 at;
	u32 id;
	// What the inner packet begins with: an Ethertype's header, or for ETH_P_TEB an
	// Ethernet frame.
	u16 type;
	u8 kind;
	u8 has_id;
};

// Where in netfilter a function was called.
struct hook_call {
	// Its struct nf_hook_state; 0 where there is none.
	u64 state;
	// The function and its first argument, as the kernel keeps hook functions.
	u64 function;
	u64 priv;
	// What it works on: see enum hook_object.
	u64 object;
	u8 object_kind;
	// It is a hook function: priv is one's.
	u8 is_hook;
	// What the state says.
	u8 family, hook;
	// Connection tracking has seen the packet and found no connection.
	u8 invalid;
	u8 pad[3];
	u64 net, device;
	// skb->_nfct, now or at the call.
	u64 nfct;
};

// What fragments of one IP packet have in common.
struct datagram {
	u8 source[16], dest[16];
	u32 id;
	u8 network, protocol;
	u16 pad;
};

enum {
	// The beginning of a packet with other addresses, for filters: see explain/variants.h.
	VARIANT_SIZE = 128,
	// The beginning of an sk_buff, which has all that is told of it (232 bytes in all on most
	// kernels).
	COPY_SIZE = 256,
};

struct scratch {
	// The header that is being looked at, first, so that its address is the room's.
	union header header;
	// Where the packet ends that was parsed last.
	u64 end;
	// A copy of the packet's sk_buff, for one read in place of ten where each is the call of
	// a helper. The span behind it is never filled.
	u8 skb[COPY_SIZE + SPAN_SIZE] __attribute__((aligned(8)));
	// What a tunnel's own headers say.
	struct record_tuple outer;
	struct inner inner;
	// What parse_tuple and parse_tunnel work with, and what they tell.
	struct work work;
	struct record_tuple tuple;
	struct record_tunnel tunnel;
	// The first tuple of a dropped packet, and a copy of the packet with its addresses and
	// ports: the headers are variant_network (an Ethertype) and, at variant_transport, variant_protocol.
	struct record_first first;
	u8 variant[VARIANT_SIZE] __attribute__((aligned(8)));
	u32 variant_transport;
	u16 variant_network;
	u8 variant_protocol;
	struct datagram datagram;
	// Its place among the scratches.
	u32 level;
	struct hook_call call;
	// What the call says of where the packet is.
	struct endpoint endpoint;
};

enum {
	// Programs that can interrupt one another on a CPU: of a task, a soft interrupt,
	// an interrupt and an NMI, each a probe in a tracepoint.
	NESTING = 8,
};

// One for each level of nesting.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NESTING);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

// How many scratches are in use on this CPU.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} nesting SEC(".maps");

static __always_inline void copy_skb(struct scratch *scratch, const struct sk_buff *skb)
{
	u32 size = bpf_core_type_size(struct sk_buff);

	read_kernel(scratch->skb, size < COPY_SIZE ? size : COPY_SIZE, skb);
}

// A member of the sk_buff that was copied.
#define copied(scratch, skb, member)                                                  \
	({                                                                         \
		typeof(((struct sk_buff *)0)->member) value;                       \
		const u8 *copy = (scratch)->skb;                                      \
		opaque(copy);                                                      \
		if (offset_of(member) + sizeof(value) <= COPY_SIZE)           \
			value = *(const typeof(value) *)(copy + offset_of(member)); \
		else                                                               \
			value = BPF_CORE_READ(skb, member);                        \
		value;                                                             \
	})

// Finds the frame of such an sk_buff, without a tag that was taken out.
static __always_inline bool locate_copied(struct work *w, const struct scratch *scratch, const struct sk_buff *skb)
{
	struct skb_layout m;

	if (CFG.direct) {
		layout_of(&m, skb);
		return locate_by_layout(&w->packet.frame, skb, &m, false, 0);
	}
	if (SPAN_BEGIN > COPY_SIZE || SPAN_END > COPY_SIZE)
		return locate_packet(w, skb);
	__builtin_memcpy(&w->span, scratch->skb + SPAN_BEGIN, sizeof(w->span));
	return locate_frame(&w->packet.frame, skb, &w->span, false, 0);
}

// Takes a room; NULL where there is none left, which counts all the same. Who
// interrupts us has left again when we go on, so that plain steps will do.
static __always_inline struct scratch *get_scratch(u32 *level)
{
	u32 zero = 0;
	u32 *depth = bpf_map_lookup_elem(&nesting, &zero);
	struct scratch *scratch;

	*level = NESTING;
	if (depth)
		*level = (*depth)++;
	scratch = bpf_map_lookup_elem(&scratches, level);
	if (scratch)
		scratch->level = *level;
	return scratch;
}

static __always_inline void put_scratch(void)
{
	u32 zero = 0;
	u32 *depth = bpf_map_lookup_elem(&nesting, &zero);

	if (depth)
		(*depth)--;
}
