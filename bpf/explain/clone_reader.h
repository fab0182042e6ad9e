// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Whether a raw or packet socket received a clone of a packet for which there is no other socket, such as the
// reply that ping waits for when run by root. For a raw socket, the same fields are compared as in the kernel
// (net/ipv4/raw.c, net/ipv6/raw.c), since the clone may have been read already. A packet socket can have a
// filter, so the clone must still be in its receive queue.
#pragma once

#include "core/compat.h"
#include "core/config.h"
#include "core/context.h"
#include "core/kernel.h"
#include "core/maps.h"
#include "packet/headers.h"
#include "match/netdev.h"

enum {
	// Sockets that are searched per list, and packets per queue.
	MAX_SOCKETS = 16,
	MAX_QUEUED = 4,
	// The hash tables of raw sockets.
	RAW_BUCKETS = 256,
	RAW_BITS = 8,
	// From include/linux/hash.h.
	GOLDEN_RATIO = 0x61C88647,
	// The value of an unset header offset, such as skb->transport_header.
	NO_HEADER = 0xffff,
};

// The fields of a packet that are compared with a raw socket.
struct raw_packet {
	u64 net;
	u64 source[2];
	u64 dest[2];
	u32 ifindex;
	u8 protocol;
	u8 icmp_type;
	u8 is_ipv6;
	u8 has_icmp_type;
};

// Not on the BPF stack, which has no space left. Only one drop at a time is evaluated on a CPU.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct raw_packet);
} raw_packets SEC(".maps");

static __always_inline bool read_ipv4(struct raw_packet *p, u64 header)
{
	struct ipv4_header h;

	if (read_kernel(&h, sizeof(h), header) || h.version_ihl >> 4 != 4)
		return false;
	p->protocol = h.protocol;
	p->has_icmp_type = p->protocol == IPPROTO_ICMP;
	__builtin_memcpy(p->source, &h.source, 4);
	__builtin_memcpy(p->dest, &h.dest, 4);
	return (*(u8 *)&h.dest & 0xf0) != 0xe0; // not every socket receives multicast
}

// Extension headers are not skipped.
static __always_inline bool read_ipv6(struct raw_packet *p, u64 header)
{
	u8 bytes[40];

	if (read_kernel(bytes, sizeof(bytes), header) || bytes[0] >> 4 != 6)
		return false;
	p->is_ipv6 = 1;
	p->protocol = bytes[6];
	p->has_icmp_type = p->protocol == IPPROTO_ICMPV6;
	__builtin_memcpy(p->source, bytes + 8, 16);
	__builtin_memcpy(p->dest, bytes + 24, 16);
	return bytes[24] != 0xff;
}

static __noinline bool read_raw_packet(struct raw_packet *p, const struct sk_buff *skb)
{
	const struct net_device *dev = device_in(BPF_CORE_READ(skb, dev));
	u64 head = (u64)BPF_CORE_READ(skb, head);
	u16 network = BPF_CORE_READ(skb, network_header), transport = BPF_CORE_READ(skb, transport_header);

	__builtin_memset(p, 0, sizeof(*p));
	if (!dev || network == NO_HEADER || transport == NO_HEADER || transport < network)
		return false;
	p->net = (u64)BPF_CORE_READ(dev, nd_net.net);
	p->ifindex = BPF_CORE_READ(dev, ifindex);
	if (!read_ipv4(p, head + network) && !read_ipv6(p, head + network))
		return false;
	return !p->has_icmp_type || !read_kernel(&p->icmp_type, 1, head + transport);
}

static __always_inline bool is_any(const u64 address[2]) { return !address[0] && !address[1]; }

static __always_inline bool is_same(const u64 a[2], const u64 b[2]) { return a[0] == b[0] && a[1] == b[1]; }

// Whether the addresses to which the socket is connected and bound, if any, are those of the packet.
static __always_inline bool matches_addresses(const struct sock *sk, const struct raw_packet *p)
{
	u64 peer[2] = {}, bound[2] = {};

	if (p->is_ipv6) {
		read_kernel(peer, sizeof(peer), (u64)&sk->__sk_common.skc_v6_daddr);
		read_kernel(bound, sizeof(bound), (u64)&sk->__sk_common.skc_v6_rcv_saddr);
	} else {
		read_kernel(peer, sizeof(u32), (u64)&sk->__sk_common.skc_daddr);
		read_kernel(bound, sizeof(u32), (u64)&sk->__sk_common.skc_rcv_saddr);
	}
	return (is_any(peer) || is_same(peer, p->source)) && (is_any(bound) || is_same(bound, p->dest));
}

// Whether the socket's ICMP filter accepts the type of the message. True for other protocols.
static __always_inline bool passes_icmp_filter(const struct sock *sk, const struct raw_packet *p)
{
	u32 word = p->icmp_type >> 5, blocked = 0;

	if (!p->has_icmp_type)
		return true;
	if (p->is_ipv6) {
		if (!bpf_core_type_exists(struct raw6_sock))
			return false;
		read_kernel(&blocked, sizeof(blocked),
			    (u64)sk + bpf_core_field_offset(struct raw6_sock, filter) + word * sizeof(u32));
	} else if (!word) {
		if (!bpf_core_type_exists(struct raw_sock))
			return false;
		read_kernel(&blocked, sizeof(blocked), (u64)sk + bpf_core_field_offset(struct raw_sock, filter));
	}
	return !(blocked >> (p->icmp_type & 31) & 1);
}

// Whether the receive buffer has space; if not, the clone was dropped, too.
static __always_inline bool has_buffer_space(const struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_backlog.rmem_alloc.counter) < BPF_CORE_READ(sk, sk_rcvbuf);
}

static __always_inline bool receives(const struct sock *sk, const struct raw_packet *p)
{
	u32 device;

	if (!sk || !p)
		return false;
	device = BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
	return (u64)BPF_CORE_READ(sk, __sk_common.skc_net.net) == p->net &&
	       BPF_CORE_READ(sk, __sk_common.skc_num) == p->protocol && (!device || device == p->ifindex) &&
	       matches_addresses(sk, p) && passes_icmp_filter(sk, p) && has_buffer_space(sk);
}

// The socket of a list node; NULL at the end of the list, where the pointer is NULL, or an odd number from
// 6.0 to 6.2.
static __always_inline const struct sock *socket_at(u64 node)
{
	if (!node || node & 1)
		return NULL;
	return (void *)(node - bpf_core_field_offset(struct sock, __sk_common.skc_node));
}

// Whether a raw socket in this bucket received the packet in raw_packets. The function is global (not static), so
// the verifier checks it once.
__noinline int has_raw_reader(u64 table, u32 bucket)
{
	const struct raw_packet *p = this_cpu_value(raw_packets);
	u64 node = table + bpf_core_field_offset(struct raw_hashinfo, ht) + bucket % RAW_BUCKETS * sizeof(u64);
	const struct sock *sk;
	u64 found = 0;

	for (u32 i = 0; i < MAX_SOCKETS && p; i++) {
		if (read_kernel(&node, sizeof(node), node))
			break;
		sk = socket_at(node);
		if (!sk)
			break;
		found = receives(sk, p);
		opaque(found);
		if (found)
			break;
	}
	return found;
}

// Searches the bucket of the protocol, and that of kernels since 6.3, where the namespace is part of the hash
// (kernel commit 6579f5bacc2c, "raw: use net_hash_mix() in hash function").
static __always_inline bool has_raw_socket(const struct raw_packet *p)
{
	u64 ipv4 = CFG.raw_sockets_ipv4, ipv6 = CFG.raw_sockets_ipv6;
	u64 table = p->is_ipv6 ? ipv6 : ipv4;
	const struct net *net = (void *)p->net;
	u32 mix = 0;

	if (!table)
		return false;
	if (has_raw_reader(table, p->protocol))
		return true;
	if (bpf_core_field_exists(net->hash_mix))
		mix = BPF_CORE_READ(net, hash_mix);
	return has_raw_reader(table, (mix ^ p->protocol) * GOLDEN_RATIO >> (32 - RAW_BITS));
}

// Whether one of the last packets in the socket's queue has this data buffer.
static __noinline bool has_queued_clone(const struct sock *sk, u64 head)
{
	u64 queue = (u64)sk + bpf_core_field_offset(struct sock, sk_receive_queue);
	u64 at = (u64)BPF_CORE_READ((const struct sk_buff_head *)queue, prev), found = 0;

	for (u32 i = 0; i < MAX_QUEUED; i++) {
		if (!at || at == queue)
			break;
		found = (u64)BPF_CORE_READ((const struct sk_buff *)at, head) == head;
		opaque(found);
		if (found)
			break;
		at = (u64)BPF_CORE_READ((const struct sk_buff *)at, prev);
	}
	return found;
}

// Whether a packet socket of the namespace has a clone of the packet in its queue.
static __noinline bool has_packet_reader(const struct net *net, u64 head)
{
	u64 node = (u64)net + bpf_core_field_offset(net->packet.sklist), found = 0;
	const struct sock *sk;

	if (!bpf_core_field_exists(net->packet.sklist))
		return false;
	for (u32 i = 0; i < MAX_SOCKETS; i++) {
		if (read_kernel(&node, sizeof(node), node))
			break;
		sk = socket_at(node);
		if (!sk)
			break;
		found = has_queued_clone(sk, head);
		opaque(found);
		if (found)
			break;
	}
	return found;
}

// Global like has_raw_reader.
__noinline int has_clone_reader(u64 at)
{
	const struct sk_buff *skb = (void *)at;
	struct raw_packet *p = this_cpu_value(raw_packets);

	if (!p || !read_raw_packet(p, skb))
		return false;
	return has_raw_socket(p) || has_packet_reader((void *)p->net, (u64)BPF_CORE_READ(skb, head));
}
