// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Packet headers, as far as they are read.
#pragma once

#include "core/compat.h"
#include "core/kernel.h"

enum {
	IPV4_HLEN = 20,
	IPV6_HLEN = 40,
};

struct ipv4_header {
	u8 version_ihl, tos;
	__be16 total_length, id, fragment;
	u8 ttl, protocol;
	__be16 checksum;
	__be32 source, dest;
};

// The addresses follow it.
struct ipv6_header {
	u8 version, flow[3];
	__be16 payload_length;
	u8 next, hop_limit;
};

struct arp_header {
	__be16 hardware, protocol;
	u8 hardware_length, protocol_length;
	__be16 operation;
	u8 sender_mac[6], sender[4], target_mac[6], target[4];
};

// The members of TCP, UDP, SCTP, DCCP and ICMP headers that are read.
struct transport_header {
	union {
		struct {
			__be16 source_port, dest_port;
		};
		struct {
			u8 type, code;
			__be16 checksum, id, seq;
		};
		struct {
			__be16 udp_ports[2], udp_length;
		};
		struct {
			__be16 ports[2];
			__be32 tcp_seq, tcp_ack;
			u8 data_offset, tcp_flags;
			__be16 tcp_window;
		};
	};
};

enum {
	// VLAN tags that are skipped; the kernel itself accepts no more.
	MAX_TAGS = 8,
	// VLAN tags whose ids are recorded.
	SHOWN_TAGS = 3,
	LLC_HLEN = 3,
	SNAP_HLEN = 5,
	// The largest length field of an 802.3 frame; larger values are Ethertypes from
	// ETH_P_802_3_MIN on, and otherwise invalid.
	MAX_LLC = 1500,
};

// The contents of an Ethernet header: its last Ethertype, and the number and TCIs of its VLAN tags.
struct link {
	u16 type;
	u16 tags;
	// The Ethertype and TCI that are being read.
	__be16 words[2];
	u16 tci[SHOWN_TAGS];
};

// Memory for the header that is being read.
union header {
	struct link link;
	struct ipv4_header ipv4;
	struct ipv6_header ipv6;
	struct arp_header arp;
	struct transport_header transport;
	u8 extension[8];
	__be16 words[4];
	u8 llc[LLC_HLEN + SNAP_HLEN];
} __attribute__((aligned(8)));

static __always_inline u64 lower(u64 a, u64 b)
{
	return a < b ? a : b;
}

// Returns the end of a packet of this Ethertype at `at`, at most `end`. For IP it is given by the length in
// the header, since short Ethernet frames are padded. A length of 0 means a packet that is too long for the
// field.
static __always_inline u64 ip_end(u32 type, u64 at, u64 end, union header *header)
{
	__be16 *h = header->words;
	u32 length;

	if ((type != ETH_P_IP && type != ETH_P_IPV6) || at + sizeof(header->words) > end ||
	    copy_kernel(h, sizeof(header->words), at))
		return end;
	length = bpf_ntohs(h[type == ETH_P_IP ? 1 : 2]);
	if (!length)
		return end;
	if (type == ETH_P_IPV6)
		return lower(end, at + IPV6_HLEN + length);
	return lower(end, at + (length < IPV4_HLEN ? IPV4_HLEN : length));
}
