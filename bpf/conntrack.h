// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What connection tracking holds of a packet.
#pragma once

enum {
	// The low bits of skb->_nfct are the packet's place in its connection.
	NFCT_INFO = 7,
	// A bit of nf_conn.status. Before it is set, the timeout counts from no moment yet.
	IPS_CONFIRMED = 1 << 3,
	// Bits of the same: addresses or ports are translated.
	IPS_NAT = 1 << 4 | 1 << 5,
};

// Conntrack keeps ports, or what a protocol has in their place, in network order.
static __always_inline void fill_direction(struct record_direction *to,
					   const struct nf_conntrack_tuple *from)
{
	read_kernel(to->source, sizeof(to->source), &from->src.u3);
	read_kernel(to->dest, sizeof(to->dest), &from->dst.u3);
	to->source_port = bpf_ntohs(BPF_CORE_READ(from, src.u.all));
	to->dest_port = bpf_ntohs(BPF_CORE_READ(from, dst.u.all));
	to->family = BPF_CORE_READ(from, src.l3num);
	to->protocol = BPF_CORE_READ(from, dst.protonum);
}

// Ticks until the entry times out.
static __always_inline s32 ticks_left(const struct nf_conn *ct, u64 status)
{
	u32 timeout = BPF_CORE_READ(ct, timeout);

	return status & IPS_CONFIRMED ? timeout - (u32)bpf_jiffies64() : timeout;
}

static __always_inline void fill_entry(struct record_conntrack *r, const struct nf_conn *ct)
{
	r->has |= CONNTRACK_ENTRY;
	r->status = BPF_CORE_READ(ct, status);
	r->left = ticks_left(ct, r->status);
	fill_direction(&r->original, &ct->tuplehash[0].tuple);
	fill_direction(&r->reply, &ct->tuplehash[1].tuple);
	r->tcp_state = BPF_CORE_READ(ct, proto.tcp.state);
	if (bpf_core_field_exists(ct->mark)) {
		r->has |= CONNTRACK_MARK;
		r->mark = BPF_CORE_READ(ct, mark);
	}
	if (bpf_core_field_exists(ct->zone)) {
		r->has |= CONNTRACK_ZONE;
		r->zone = BPF_CORE_READ(ct, zone.id);
	}
}

static __noinline int fill_conntrack(struct record_conntrack *r, const struct sk_buff *skb)
{
	u64 word = 0;

	__builtin_memset(r, 0, sizeof(*r));
	if (bpf_core_field_exists(skb->_nfct))
		word = BPF_CORE_READ(skb, _nfct);
	if (!word)
		return 0;
	r->has = CONNTRACK_INFO;
	r->info = word & NFCT_INFO;
	word &= ~(u64)NFCT_INFO;
	if (word && bpf_core_type_exists(struct nf_conn))
		fill_entry(r, (void *)word);
	return 0;
}
