// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Other tuples that a dropped packet matches by: its inner packet, the packet that an ICMP error quotes,
// and the packet with its addresses before and after NAT, from its conntrack entry. With --drop, the packet
// filter is applied to these, too, since users know the address that the packet was sent to, but not the one
// after NAT or the header of a tunnel.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/event.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/packet.h"
#include "packet/scratch.h"
#include "packet/tunnel.h"
#include "packet/tuple.h"
#include "match/match.h"
#include "match/netdev_filter.h"
#include "match/packet_filter.h"
#include "match/task_filter.h"
#include "match/tunnel_filter.h"
#include "follow/datagram.h"
#include "follow/first.h"
#include "explain/conntrack.h"

enum {
	ICMP_HLEN = 8,
	// ICMPv6 messages below are errors.
	ICMPV6_INFORMATION = 128,
	ICMP_UNREACHABLE = 3,
	ICMP_QUENCH = 4,
	ICMP_REDIRECTED = 5,
	ICMP_EXCEEDED = 11,
	ICMP_PARAMETER = 12,
	// In skb->_nfct: values from here on are of the reply direction (enum ip_conntrack_info).
	CT_IS_REPLY = 3,
	// Offsets in IP headers: the IPv4 fragment offset, and the addresses.
	IPV4_FRAGMENT = 6,
	IPV4_SOURCE = 12,
	IPV4_DEST = 16,
	IPV6_SOURCE = 8,
	IPV6_DEST = 24,
};

// Applies the packet filter to the packet that is located in a scratch. The function is global (not
// static), so the verifier checks the filter once for all variants.
__noinline int match_located(u32 level)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &level);
	struct packet *p;

	if (!CFG.variants || !scratch)
		return 0;
	p = &scratch->work.packet;
	return fill_head(p, CFG.need) && filter_packet(p);
}

// The functions below that take the level of a scratch are global, too, for the same reason.
static __always_inline struct scratch *variant_scratch(u32 level)
{
	return CFG.variants || CFG.first ? bpf_map_lookup_elem(&scratches, &level) : NULL;
}

// Locates the packet of an sk_buff.
__noinline int locate_variant(u64 skb, u32 level)
{
	struct scratch *scratch = variant_scratch(level);

	return scratch && locate_packet(&scratch->work, (const void *)skb);
}

// Writes the tuple of the variant that matched to scratch->first.
__noinline int keep_variant(u32 level, u32 by)
{
	struct scratch *scratch = variant_scratch(level);

	if (!scratch)
		return 0;
	parse_located(level);
	__builtin_memset(&scratch->first, 0, sizeof(scratch->first));
	scratch->first.by = by;
	scratch->first.tuple = scratch->outer;
	return 0;
}

static __always_inline bool match_variant(struct scratch *scratch, u8 by)
{
	if (!match_located(scratch->level))
		return false;
	keep_variant(scratch->level, by);
	return true;
}

static __always_inline bool is_icmp_error(const struct record_tuple *t)
{
	if (!(t->has & TUPLE_ICMP))
		return false;
	if (t->protocol == IPPROTO_ICMPV6)
		return t->icmp_type < ICMPV6_INFORMATION;
	if (t->protocol != IPPROTO_ICMP)
		return false;
	switch (t->icmp_type) {
	case ICMP_UNREACHABLE:
	case ICMP_QUENCH:
	case ICMP_REDIRECTED:
	case ICMP_EXCEEDED:
	case ICMP_PARAMETER:
		return true;
	}
	return false;
}

// Locates the packet that an ICMP error quotes, in place of the error.
__noinline int locate_quoted(u32 level)
{
	struct scratch *scratch = variant_scratch(level);
	struct frame *f;
	u64 end, at;
	u32 behind;

	if (!scratch)
		return false;
	f = &scratch->work.packet.frame;
	end = linear_end(f);
	at = parse_located(level);
	behind = f->len - f->linear;
	if (!at || at + ICMP_HLEN >= end || !is_icmp_error(&scratch->outer))
		return false;
	at += ICMP_HLEN;
	f->type = bpf_htons(scratch->outer.network == NETWORK_IPV4 ? ETH_P_IP : ETH_P_IPV6);
	f->prefix = PREFIX_LINK;
	f->start = at;
	f->linear = PREFIX_LINK + (u32)(end - at);
	f->len = f->linear + behind;
	return true;
}

// Turns the copy of a later fragment, which has no transport header, into a first fragment, so that ports can
// be set. Returns the address of the ports; 0 if it has none. The copy ends behind them, since no other field
// of the transport header is known.
static __always_inline u64 add_transport(struct scratch *scratch, u64 start)
{
	if (scratch->outer.network != NETWORK_IPV4 || !(scratch->outer.has & TUPLE_FRAGMENT) ||
	    !has_ports(scratch->outer.protocol))
		return 0;
	scratch->variant[IPV4_FRAGMENT] = 0;
	scratch->variant[IPV4_FRAGMENT + 1] = 0;
	return start + (scratch->variant[0] & 15) * 4;
}

// Copies the start of the located IP packet to scratch->variant, and locates the copy.
__noinline int copy_variant(u32 level)
{
	struct scratch *scratch = variant_scratch(level);
	u64 transport, start, size;
	struct frame *f;

	if (!scratch)
		return false;
	f = &scratch->work.packet.frame;
	if (!skip_inner_link(scratch))
		return false;
	transport = parse_located(level);
	start = f->start;
	size = linear_end(f) - start;
	if (size > VARIANT_SIZE)
		size = VARIANT_SIZE;
	__builtin_memset(scratch->variant, 0, sizeof(scratch->variant));
	if (read_kernel(scratch->variant, size, start))
		return false;
	if (!transport) {
		transport = add_transport(scratch, start);
		if (transport)
			size = transport - start + 4;
	}
	scratch->variant_network = scratch->outer.network;
	scratch->variant_protocol = scratch->outer.protocol;
	scratch->variant_transport = transport ? transport - start : 0;
	*(volatile u64 *)&f->start = (u64)scratch->variant;
	f->shared = 0;
	f->linear = PREFIX_LINK + size;
	if (f->len < f->linear)
		f->len = f->linear;
	return true;
}

// The kernel addresses of two addresses and two ports.
struct endpoints {
	u64 source, dest, source_port, dest_port;
};

static __always_inline void write_addresses(struct scratch *scratch, const struct endpoints *e)
{
	if (scratch->variant_network == NETWORK_IPV4) {
		read_kernel(scratch->variant + IPV4_SOURCE, 4, e->source);
		read_kernel(scratch->variant + IPV4_DEST, 4, e->dest);
	} else {
		read_kernel(scratch->variant + IPV6_SOURCE, 16, e->source);
		read_kernel(scratch->variant + IPV6_DEST, 16, e->dest);
	}
}

static __always_inline void write_ports(struct scratch *scratch, const struct endpoints *e)
{
	u32 at = scratch->variant_transport;

	opaque(at);
	if (!at || at > VARIANT_SIZE - 4 || !has_ports(scratch->variant_protocol))
		return;
	read_kernel(scratch->variant + at, 2, e->source_port);
	read_kernel(scratch->variant + at + 2, 2, e->dest_port);
}

// Sets the addresses and ports of the copy to those of a tuple of the connection; with `swapped`, source
// and destination are exchanged. The connection of an ICMP error is that of the packet which it quotes.
__noinline int write_variant(u64 tuple, u32 level, u32 swapped)
{
	struct scratch *scratch = variant_scratch(level);
	const struct nf_conntrack_tuple *t = (const void *)tuple;
	struct endpoints e = {
		.source = (u64)&t->src.u3, .dest = (u64)&t->dst.u3,
		.source_port = (u64)&t->src.u.all, .dest_port = (u64)&t->dst.u.all,
	};
	struct endpoints other = { e.dest, e.source, e.dest_port, e.source_port };

	if (!scratch || BPF_CORE_READ(t, src.l3num) != (scratch->variant_network == NETWORK_IPV4 ? AF_INET : AF_INET6) ||
	    BPF_CORE_READ(t, dst.protonum) != scratch->variant_protocol)
		return false;
	if (swapped)
		e = other;
	write_addresses(scratch, &e);
	write_ports(scratch, &e);
	return true;
}

// Whether the located packet matches with its addresses before or after NAT. `reply` is its direction.
static __always_inline bool match_directions(struct scratch *scratch, u64 ct, bool reply)
{
	u64 first = (u64)&((const struct nf_conn *)ct)->tuplehash[0].tuple;
	u64 second = (u64)&((const struct nf_conn *)ct)->tuplehash[1].tuple;

	if (!copy_variant(scratch->level))
		return false;
	if (write_variant(reply ? second : first, scratch->level, false) && match_variant(scratch, FIRST_CONNECTION))
		return true;
	return write_variant(reply ? first : second, scratch->level, true) && match_variant(scratch, FIRST_TRANSLATED);
}

// Returns the packet's connection, or 0, and sets whether the packet has the reply direction.
static __always_inline u64 connection_of(const struct sk_buff *skb, bool *reply)
{
	u64 word = 0;

	if (bpf_core_field_exists(skb->_nfct) && bpf_core_type_exists(struct nf_conn))
		word = peek(struct sk_buff, skb, _nfct);
	*reply = (word & NFCT_INFO) >= CT_IS_REPLY;
	return word & ~(u64)NFCT_INFO;
}

// Whether the packet, or the one that it quotes, matches with other addresses of its connection. A quoted
// packet has the opposite direction of the ICMP error.
static __always_inline bool match_connection(struct scratch *scratch, const struct sk_buff *skb)
{
	bool reply;
	u64 ct = connection_of(skb, &reply);

	if (!ct || !locate_variant((u64)skb, scratch->level))
		return false;
	return match_directions(scratch, ct, locate_quoted(scratch->level) ? !reply : reply);
}

// Writes the tuple of a packet before NAT, from its connection, to scratch->first. Returns 0 if it has none.
__noinline int find_untranslated(u64 skb, u32 level)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &level);
	const struct nf_conn *ct;
	bool reply;

	if (!CFG.first || !scratch)
		return 0;
	ct = (const void *)connection_of((const void *)skb, &reply);
	if (!ct || !(BPF_CORE_READ(ct, status) & IPS_NAT) ||
	    !locate_variant(skb, level))
		return 0;
	if (locate_quoted(scratch->level))
		reply = !reply;
	if (!copy_variant(scratch->level) || !write_variant((u64)&ct->tuplehash[reply ? 1 : 0].tuple, level, false))
		return 0;
	keep_variant(level, FIRST_CONNECTION);
	return 1;
}

static __always_inline bool match_quoted(struct scratch *scratch, const struct sk_buff *skb)
{
	return locate_variant((u64)skb, scratch->level) && locate_quoted(scratch->level) && match_variant(scratch, FIRST_QUOTED);
}

static __always_inline bool match_inner_variant(struct scratch *scratch, const struct sk_buff *skb)
{
	return find_inner(scratch, skb) && match_variant(scratch, FIRST_INNER);
}

// A later fragment has no ports, so many filters cannot match it. It matches if the first fragment of its
// datagram did.
static __always_inline bool match_fragment(struct scratch *scratch, const struct sk_buff *skb)
{
	struct counters *n;

	if (!locate_variant((u64)skb, scratch->level) || !parse_fragment(scratch) || !scratch->outer.fragment_offset)
		return false;
	if (CFG.follow_matched && join_datagram(scratch, (u64)skb))
		return true;
	n = this_cpu_value(counts);
	if (n)
		__sync_fetch_and_add(&n->headless_fragments, 1);
	return false;
}

// Whether a dropped packet matches by another tuple, which is then in scratch->first, or is a later
// fragment of a followed packet.
static __always_inline bool match_variants(struct scratch *scratch, const struct sk_buff *skb)
{
	scratch->first.by = FIRST_UNKNOWN;
	return match_connection(scratch, skb) || match_inner_variant(scratch, skb) || match_quoted(scratch, skb) ||
	       match_fragment(scratch, skb);
}

// Counts a variant whose namespace or device is unknown, unless the packet itself matches, too: then filter_skb
// has counted it.
static __noinline bool count_unknown_variant(struct scratch *scratch, const struct sk_buff *skb, u32 netdev)
{
	return !filter_span(&scratch->work, skb, PREFILTER_UNKNOWN) && count_unknown_netdev(netdev);
}

// Like filter_skb, with the packet filter applied to the variants of the packet.
static __noinline bool filter_variants(struct scratch *scratch, void *program, const struct sk_buff *skb)
{
	u32 netdev = ANY_NETDEV ? NETDEV_MATCHED : filter_netdev(program, RECORD_TRACEPOINT, skb, NULL);

	if (netdev == NETDEV_REJECTED)
		return false;
	if (CFG.mark_mask && (read_span(&scratch->work.span, skb) || !filter_mark(&scratch->work.span)))
		return false;
	if (!match_variants(scratch, skb) || !filter_task(program, RECORD_TRACEPOINT, skb))
		return false;
	if (CFG.filter_expression && !filter_expression((u64)skb))
		return false;
	if ((CFG.filter_l2 || CFG.filter_l3) && !filter_tunnel(skb))
		return false;
	return ANY_NETDEV || netdev == NETDEV_MATCHED || count_unknown_variant(scratch, skb, netdev);
}

// Returns the tuple by which the packet matched, else the first tuple of a followed packet, else the one
// before NAT; NULL if none is known.
static __always_inline const struct record_first *find_first(const struct context *c, struct scratch *scratch)
{
	const struct record_first *kept = c->first;

	if (!kept && c->branch && c->branch->id)
		kept = bpf_map_lookup_elem(&firsts, &c->branch->id);
	if (!kept && find_untranslated((u64)c->skb, scratch->level))
		kept = &scratch->first;
	return kept;
}

static __always_inline void fill_first(struct record_first *r, const struct record_first *found)
{
	if (found)
		*r = *found;
	else
		__builtin_memset(r, 0, sizeof(*r));
}
