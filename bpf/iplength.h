// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Where an IP packet ends by its own header: behind it Ethernet frames are padded.
#pragma once

static __always_inline u64 lower(u64 a, u64 b)
{
	return a < b ? a : b;
}

// The end of the packet of that Ethertype, which is at most `end`. A length of 0 is that of a
// packet too long for the field.
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
