// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Per-CPU memory for parsing packets. It is not on the BPF stack, which is small and whose contents older
// verifiers track along every path.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/endpoint.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/headers.h"
#include "packet/packet.h"

// The inner packet of a tunnel packet.
struct inner {
	// The address of its first header.
	u64 at;
	// The tunnel's id, valid if has_id.
	u32 id;
	// The type of that header: an Ethertype, or ETH_P_TEB for an Ethernet frame.
	u16 type;
	// An enum tunnel_kind.
	u8 kind;
	u8 has_id;
};

// The netfilter hook in which a function was called.
struct hook_call {
	// Its struct nf_hook_state; 0 if there is none.
	u64 state;
	// The function and its first argument, which identify a hook function in the kernel's lists.
	u64 function;
	u64 priv;
	// The rule set that it evaluates: see enum hook_object.
	u64 object;
	u8 object_kind;
	// Whether it is a hook function, so that priv is valid.
	u8 is_hook;
	// Copied from the state.
	u8 family, hook;
	// Conntrack saw the packet and found no connection.
	u8 invalid;
	u8 pad[3];
	u64 net, device;
	// skb->_nfct now, or if that is 0, at the call.
	u64 nfct;
};

// The key that the fragments of one IP packet have in common.
struct datagram {
	u8 source[16], dest[16];
	u32 id;
	u8 network, protocol;
	u16 pad;
};

enum {
	// The start of a packet with other addresses: see explain/variants.h.
	VARIANT_SIZE = 128,
	// The start of an sk_buff, which has all members that are recorded (its size is 232 bytes on most
	// kernels).
	COPY_SIZE = 256,
};

// The roots of the expressions of sites (the first three, see explain/why.h), and the members by which the
// decisions about the packet are found (explain/decision.h).
struct site_roots {
	u64 skb, sk, cpu;
	u64 head, ident, time;
};

struct scratch {
	// The header that is being read. It is the first member, so that its address is that of the
	// struct.
	union header header;
	// The end of the packet that was parsed last.
	u64 end;
	// A copy of the packet's sk_buff, so that one helper call replaces ten. The space for a span
	// behind it is never filled: it keeps loads of a whole span within the array.
	u8 skb[COPY_SIZE + SPAN_SIZE] __attribute__((aligned(8)));
	// The outer headers of a tunnel packet.
	struct record_tuple outer;
	struct inner inner;
	// The working memory and the results of parse_tuple and parse_tunnel.
	struct work work;
	struct record_tuple tuple;
	struct record_tunnel tunnel;
	// The first tuple of a dropped packet, and a copy of the packet with the addresses and ports of
	// that tuple. variant_network is the network protocol, variant_transport the offset of the
	// transport header of protocol variant_protocol.
	struct record_first first;
	u8 variant[VARIANT_SIZE] __attribute__((aligned(8)));
	u32 variant_transport;
	u16 variant_network;
	u8 variant_protocol;
	struct datagram datagram;
	// The nesting level of this scratch.
	u32 level;
	struct hook_call call;
	// The namespace and socket among the arguments of the call.
	struct endpoint endpoint;
	// The roots of the expressions of a drop, and the values of one of its sites.
	struct site_roots roots;
	struct record_why_entry why;
};

enum {
	// Programs that can interrupt one another on a CPU: in a task, a softirq, an interrupt and an NMI,
	// each a function probe within a tracepoint.
	NESTING = 8,
};

// One per nesting level.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NESTING);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

// The number of scratches in use on this CPU.
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

// Reads a member of the sk_buff from its copy.
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

// Locates the frame of the copied sk_buff, without the VLAN tag of skb->vlan_tci.
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

// Takes a scratch; NULL if none is left. The caller must call put_scratch in both cases, since the level is
// counted. An interrupting program is finished when the interrupted one continues, so the counter needs no
// atomic operations.
static __always_inline struct scratch *get_scratch(u32 *level)
{
	u32 *depth = this_cpu_value(nesting);
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
	u32 *depth = this_cpu_value(nesting);

	if (depth)
		(*depth)--;
}
