// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The record in the ring buffer: a core, then the requested parts, in the order of their bits in
// record_core.parts. The Go types are generated from these. Parts are multiples of 8 bytes, so that they
// can be copied and cleared in words.
#pragma once

#include "core/kernel.h"

enum record_kind {
	RECORD_FUNCTION = 1,
	RECORD_TRACEPOINT = 2,
	// The return of a function; the entry had a record of its own.
	RECORD_RETURN = 3,
	// The start of a BPF program; record_core.addr is its id.
	RECORD_PROGRAM = 4,
	// The verdict of a BPF program; the start had a record of its own.
	RECORD_VERDICT = 5,
	// The return of a look-up function whose entry had no record.
	RECORD_LOOKUP = 6,
};

// Bits of record_core.parts.
enum record_part {
	PART_META = 1,
	PART_TUPLE = 2,
	// The packet was dropped at record_core.location.
	PART_DROP = 4,
	// record_core.reason holds a drop reason.
	PART_REASON = 8,
	PART_TUNNEL = 16,
	PART_CB = 32,
	// Copies of the sk_buff and of its shared info, CFG.skb_size and CFG.shared_size.
	PART_SKB = 64,
	PART_SHARED = 128,
	// What fill_values wrote: CFG.values_size.
	PART_VALUES = 256,
	// record_core.reason and location hold arguments 2 to 4 of the function, 32 bits each; user space
	// knows which of them is a drop reason.
	PART_ARGUMENTS = 512,
	PART_LINEAGE = 1024,
	PART_RETURN = 2048,
	// The netfilter hook in which the function was called.
	PART_HOOK = 4096,
	// The operation of a BPF program on a map.
	PART_MAP = 8192,
	// What fill_lookup wrote: CFG.lookup_size.
	PART_LOOKUP = 16384,
	PART_CONNTRACK = 32768,
	PART_HEAD = 65536,
	// What fill_xdp_values wrote: CFG.xdp_values_size.
	PART_XDP_VALUES = 131072,
	// The first bytes of the packet: CFG.packet_size.
	PART_PACKET = 1 << 19,
	// The tuple that a dropped packet had first, or by which it matched.
	PART_FIRST = 1 << 20,
	// The values that explain a drop: see explain/why.h. Its size varies.
	PART_WHY = 1 << 21,
	// Return addresses, which fill the rest of the record; always the last part.
	PART_STACK = 1 << 30,
};

// Bits of record_core.flags.
enum record_flag {
	// The BPF program was entered by a tail call; only the last program of the chain has a verdict.
	BY_TAIL_CALL = 1,
	// The drop is normal on a healthy network: see explain/benign.h.
	BENIGN_DROP = 2,
	// The packet ended, but the kernel reported no drop: it consumed the packet (explain/decision.h), or the frame
	// has no sk_buff (explain/driver_frame.h).
	SILENT_DROP = 4,
};

struct record_core {
	u64 time;
	u64 skb;
	// The address of the function, or the number of the tracepoint in the plan.
	u64 addr;
	u64 location;
	u32 pid;
	u32 tid;
	u32 reason;
	// Events lost on this CPU since the start.
	u32 lost;
	u8 comm[16];
	u32 parts;
	u16 cpu;
	u8 kind;
	u8 flags;
};

struct record_meta {
	u8 ifname[16];
	u32 netns;
	u32 ifindex;
	u32 mark;
	u32 len;
	u32 mtu;
	u16 protocol;
	u16 pad;
} __attribute__((aligned(8)));

// Bits of record_tuple.has.
enum tuple_has {
	TUPLE_PORTS = 1,
	TUPLE_FRAGMENT = 2,
	TUPLE_ECHO = 4,
	// source holds the LLC header of an 802.3 frame; with TUPLE_SNAP, the SNAP header follows it.
	TUPLE_LLC = 8,
	TUPLE_SNAP = 16,
	// Sequence numbers and window.
	TUPLE_TCP = 32,
	TUPLE_TCP_FLAGS = 64,
	// Type and code.
	TUPLE_ICMP = 128,
};

// The protocol of the packet.
enum tuple_network {
	NETWORK_NONE,
	NETWORK_IPV4,
	NETWORK_IPV6,
	NETWORK_ARP,
	NETWORK_OTHER,
	NETWORK_NETLINK,
	NETWORK_UNIX,
	NETWORK_SOCKET,
	// An 802.3 frame, which has a length instead of an Ethertype.
	NETWORK_LLC,
};

struct record_tuple {
	// Addresses in network order, IPv4 in the first four bytes.
	u8 source[16];
	u8 dest[16];
	u16 source_port;
	u16 dest_port;
	u16 fragment_offset;
	u16 ether_type;
	u16 vlan;
	u16 arp_operation;
	u16 icmp_id;
	u16 icmp_seq;
	u16 socket_family;
	u16 inner_vlan;
	u16 tcp_window;
	u8 icmp_type;
	u8 icmp_code;
	u8 tcp_flags;
	u8 protocol;
	u8 network;
	u8 has;
	u32 tcp_seq, tcp_ack;
	u16 third_vlan;
	// The number of VLAN tags; the ids of the first three are vlan, inner_vlan, third_vlan.
	u8 tags;
	u8 pad;
} __attribute__((aligned(8)));

// How the first tuple of a dropped packet was found.
enum first_by {
	FIRST_UNKNOWN,
	// The packet has been followed since it had this tuple.
	FIRST_FOLLOWED,
	// The tuple before NAT, and the one after it, from the packet's conntrack entry.
	FIRST_CONNECTION,
	FIRST_TRANSLATED,
	// The tuple of the inner packet of a tunnel, and of the packet that an ICMP error quotes.
	FIRST_INNER,
	FIRST_QUOTED,
};

struct record_first {
	u8 by;
	u8 pad[7];
	struct record_tuple tuple;
};

// The encapsulation of the inner packet.
enum tunnel_kind {
	TUNNEL_NONE,
	TUNNEL_VXLAN,
	TUNNEL_GENEVE,
	TUNNEL_GRE,
	TUNNEL_IPIP,
	TUNNEL_OTHER,
	TUNNEL_VXLAN_GPE,
};

struct record_tunnel {
	u32 id;
	u8 has_id;
	u8 kind;
	u16 pad;
	// The tuple of the inner packet.
	struct record_tuple tuple;
} __attribute__((aligned(8)));

enum { CB_WORDS = 5 };

struct record_cb {
	u32 words[CB_WORDS];
	u32 pad;
};

// The ids of the packet and of its branch: see follow/branch.h.
struct record_lineage {
	u64 id, part, parent;
	u8 origin;
	u8 pad[7];
};

// How a branch was created.
enum origin {
	ORIGIN_NONE,
	ORIGIN_CLONE,
	ORIGIN_COPY,
	ORIGIN_SEGMENT,
	ORIGIN_FRAGMENT,
	ORIGIN_MERGE,
	ORIGIN_INNER,
	ORIGIN_OUTER,
	ORIGIN_XDP,
	ORIGIN_STACK,
	// No new branch; never in a record.
	ORIGIN_SAME,
};

// Bits of record_hook.has.
enum hook_has {
	HOOK_STATE = 1,
	HOOK_PRIORITY = 2,
};

// The kind of rule set that a hook function evaluates.
enum hook_object {
	HOOK_PLAIN,
	HOOK_NFT,
	HOOK_XTABLES,
	HOOK_EBTABLES,
};

// Names are truncated and NUL-terminated.
struct record_hook {
	u8 table[64];
	u8 chain[64];
	s32 priority;
	u8 family;
	u8 hook;
	u8 has;
	u8 object;
	u8 table_family;
	u8 pad[7];
};

// Bits of record_conntrack.has: which members are valid.
enum conntrack_has {
	CONNTRACK_INFO = 1,
	CONNTRACK_ENTRY = 2,
	CONNTRACK_MARK = 4,
	CONNTRACK_ZONE = 8,
	// Conntrack saw the packet and assigned no connection (state INVALID).
	CONNTRACK_INVALID = 16,
};

// One direction of a connection, with addresses as in record_tuple. For ICMP, source_port is the id, and
// dest_port holds type and code, a byte each.
struct record_direction {
	u8 source[16];
	u8 dest[16];
	u16 source_port;
	u16 dest_port;
	u8 family;
	u8 protocol;
	u16 pad;
};

struct record_conntrack {
	u64 status;
	struct record_direction original, reply;
	// Jiffies until the entry times out.
	s32 left;
	u32 mark;
	u16 zone;
	u8 info;
	u8 tcp_state;
	u8 has;
	u8 pad[3];
};

// The operation on a map.
enum map_operation {
	MAP_LOOKUP,
	MAP_UPDATE,
	MAP_DELETE,
};

enum map_limit {
	MAX_MAP_KEY = 128,
	MAX_MAP_VALUE = 512,
};

// Only the first key_read and value_read bytes of key and value are valid.
struct record_map {
	u8 name[16];
	u32 id;
	u32 type;
	u32 key_size, value_size;
	u16 key_read, value_read;
	u8 operation;
	// There is a value: the one found, or the new one.
	u8 found;
	u16 pad;
	u8 key[MAX_MAP_KEY];
	u8 value[MAX_MAP_VALUE];
};

struct record_return {
	// The register that holds the result; its valid width depends on the function's type.
	u64 value;
	// Nanoseconds since the entry.
	u64 duration;
};

// The start of the packet buffer: skb->head, or data_hard_start of an XDP frame.
struct record_head {
	u64 address;
};

// The header of the part with the packet's first bytes, which follow it.
struct record_packet {
	// The length of the packet from its first recorded byte.
	u32 len;
	// The number of bytes that were read; 0 if there is no packet.
	u16 size;
	// The Ethertype of a packet that begins with its network header; 0 if it begins with an Ethernet header.
	u16 type;
	// The Ethertype and TCI of the VLAN tag that the kernel keeps outside of the packet; 0 without one.
	u16 tag_type, tag;
	u32 pad;
};

enum packet_limit {
	// The largest size of the part.
	MAX_PACKET = 2048 + 16,
};

enum why_limit {
	// Sites are bits of a u64.
	MAX_SITES = 64,
	// The largest size of the values of one entry, with their bitmap.
	MAX_WHY_VALUES = 192,
	// The largest size of the whole part.
	MAX_WHY = 2304,
};

enum why_kind {
	// The values of a site.
	WHY_SITE,
	// The values of a decision.
	WHY_DECISION,
};

// An entry of the part: the values of a site or decision, by its index in the layout of the plan. In the
// record, only the first `size` bytes of the values exist.
struct record_why_entry {
	u16 number;
	u16 size;
	u8 kind;
	u8 pad[3];
	u8 values[MAX_WHY_VALUES];
};

// The header of the part. The size includes the header and the entries that follow.
struct record_why {
	u32 size;
	u32 pad;
};

// Maximum sizes of copies of kernel objects, in bytes; multiples of 8.
enum record_limit {
	MAX_SKB = 512,
	MAX_SHARED = 512,
	MAX_VALUES = 2056,
	MAX_LOOKUP = 2056,
};

// Keeps the types in the BTF of the object, from which the Go types are generated.
const enum record_kind *record_kind_used __attribute__((unused));
const enum record_flag *record_flag_used __attribute__((unused));
const enum record_part *record_part_used __attribute__((unused));
const enum tuple_has *tuple_has_used __attribute__((unused));
const enum tuple_network *tuple_network_used __attribute__((unused));
const struct record_core *record_core_used __attribute__((unused));
const struct record_meta *record_meta_used __attribute__((unused));
const struct record_tuple *record_tuple_used __attribute__((unused));
const enum first_by *first_by_used __attribute__((unused));
const struct record_first *record_first_used __attribute__((unused));
const enum tunnel_kind *tunnel_kind_used __attribute__((unused));
const struct record_tunnel *record_tunnel_used __attribute__((unused));
const struct record_cb *record_cb_used __attribute__((unused));
const struct record_lineage *record_lineage_used __attribute__((unused));
const enum origin *origin_used __attribute__((unused));
const enum hook_has *hook_has_used __attribute__((unused));
const enum hook_object *hook_object_used __attribute__((unused));
const struct record_hook *record_hook_used __attribute__((unused));
const enum conntrack_has *conntrack_has_used __attribute__((unused));
const struct record_conntrack *record_conntrack_used __attribute__((unused));
const enum map_operation *map_operation_used __attribute__((unused));
const enum map_limit *map_limit_used __attribute__((unused));
const struct record_map *record_map_used __attribute__((unused));
const struct record_return *record_return_used __attribute__((unused));
const struct record_head *record_head_used __attribute__((unused));
const struct record_packet *record_packet_used __attribute__((unused));
const enum packet_limit *packet_limit_used __attribute__((unused));
const enum why_limit *why_limit_used __attribute__((unused));
const enum why_kind *why_kind_used __attribute__((unused));
const struct record_why_entry *record_why_entry_used __attribute__((unused));
const struct record_why *record_why_used __attribute__((unused));
const enum record_limit *record_limit_used __attribute__((unused));
