// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The kernel types and members that the programs read, and no others. The loader finds the offset of each
// member in the running kernel (CO-RE), so neither order nor completeness matters.
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>

// From include/uapi/linux/bpf.h.
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_HASH_OF_MAPS = 13,
	BPF_MAP_TYPE_SOCKMAP = 15,
	BPF_MAP_TYPE_XSKMAP = 17,
	BPF_MAP_TYPE_SOCKHASH = 18,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
};

// From include/linux/skbuff.h: the upper half of dataref counts references to the payload only.
enum { DATAREF_SHIFT = 16 };

// From include/uapi/linux: if_ether.h, in.h, icmp.h, icmpv6.h, netfilter.h, rtnetlink.h, socket.h.
enum {
	ETH_HLEN = 14,
	VLAN_HLEN = 4,
	ETH_P_IP = 0x0800,
	ETH_P_ARP = 0x0806,
	ETH_P_8021Q = 0x8100,
	ETH_P_IPV6 = 0x86dd,
	ETH_P_8021AD = 0x88a8,
	ETH_P_QINQ1 = 0x9100,
	ETH_P_NSH = 0x894f,
	ETH_P_802_3 = 0x0001,
	ETH_P_802_3_MIN = 0x0600,
	ETH_P_TEB = 0x6558,
	ETH_P_MPLS_UC = 0x8847,

	ARPHRD_ETHER = 1,
	ARPHRD_IEEE802 = 6,

	IPPROTO_HOPOPTS = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_IPIP = 4,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_DCCP = 33,
	IPPROTO_IPV6 = 41,
	IPPROTO_ROUTING = 43,
	IPPROTO_FRAGMENT = 44,
	IPPROTO_GRE = 47,
	IPPROTO_AH = 51,
	IPPROTO_ICMPV6 = 58,
	IPPROTO_DSTOPTS = 60,
	IPPROTO_SCTP = 132,
	IPPROTO_UDPLITE = 136,

	ICMP_ECHOREPLY = 0,
	ICMP_ECHO = 8,
	ICMP_TIMESTAMP = 13,
	ICMP_TIMESTAMPREPLY = 14,
	ICMPV6_ECHO_REQUEST = 128,
	ICMPV6_ECHO_REPLY = 129,

	RTAX_MTU = 2,

	NF_INET_PRE_ROUTING = 0,
	NF_INET_LOCAL_IN = 1,
	NF_INET_FORWARD = 2,
	NF_INET_LOCAL_OUT = 3,
	NF_INET_POST_ROUTING = 4,

	NFPROTO_IPV4 = 2,
	NFPROTO_ARP = 3,
	NFPROTO_NETDEV = 5,
	NFPROTO_BRIDGE = 7,
	NFPROTO_IPV6 = 10,

	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_NETLINK = 16,
	AF_PACKET = 17,
};

// From include/linux/netdevice.h (bits of priv_flags).
enum {
	IFF_EBRIDGE = 1 << 1,
	IFF_BRIDGE_PORT = 1 << 9,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct ns_common {
	unsigned int inum;
};

struct nf_hook_entries {
	__u16 num_hook_entries;
	// Really struct hook_entry, below.
	struct nf_hook_entry {} hooks[];
};

struct nf_hook_ops {
	// Since 5.14; 0 for hook functions of the kernel itself.
	int hook_ops_type;
	int priority;
};

struct netns_nf {
	struct nf_hook_entries *hooks_ipv4[5];
	struct nf_hook_entries *hooks_ipv6[5];
	struct nf_hook_entries *hooks_arp[3];
	struct nf_hook_entries *hooks_bridge[5];
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct list_head {
	struct list_head *next;
};

struct netns_packet {
	struct hlist_head sklist;
};

struct net {
	struct ns_common ns;
	struct hlist_head *dev_index_head;
	struct netns_nf nf;
	struct netns_packet packet;
	__u32 hash_mix;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct rtnl_link_ops {
	const char *kind;
};

struct net_device {
	char name[16];
	int ifindex;
	unsigned int mtu;
	unsigned short type;
	unsigned int priv_flags;
	unsigned int promiscuity;
	const unsigned char *dev_addr;
	const struct rtnl_link_ops *rtnl_link_ops;
	struct netdev_rx_queue *_rx;
	unsigned int num_rx_queues;
	struct {
		struct list_head lower;
	} adj_list;
	possible_net_t nd_net;
	struct hlist_node index_hlist;
	struct nf_hook_entries *nf_hooks_ingress;
	struct nf_hook_entries *nf_hooks_egress;
};

struct nf_hook_state {
	// Wider on some older kernels, where the first byte still holds the value.
	__u8 hook;
	__u8 pf;
	struct net_device *in;
	struct net_device *out;
	struct net *net;
};

struct nft_table {
	struct list_head chains;
	__u64 handle;
	__u16 family : 6;
	char *name;
};

// Since 5.17, a chain has its rules in one block of memory per generation. Before, it had an array of pointers:
// see core/compat.h.
struct nft_rule_blob {
	unsigned long size;
	unsigned char data[1];
};

struct nft_rule_dp {
	__u64 is_last : 1;
	__u64 dlen : 12;
	__u64 handle : 42;
	// Makes clang 19 align the bit-fields like a __u64.
	__u64 : 0;
	unsigned char data[1];
};

struct nft_chain {
	struct nft_rule_blob *blob_gen_0, *blob_gen_1;
	struct list_head list;
	struct nft_table *table;
	char *name;
};

struct nft_base_chain {
	struct nf_hook_ops ops;
	__u8 policy;
	struct nft_chain chain;
};

struct nft_verdict {
	__u32 code;
	struct nft_chain *chain;
};

struct nft_data {
	struct nft_verdict verdict;
};

struct nft_regs {
	struct nft_verdict verdict;
};

struct nft_pktinfo {
	struct sk_buff *skb;
	struct nf_hook_state *state;
};

struct nft_expr {
	unsigned char data[1];
};

struct nft_immediate_expr {
	struct nft_data data;
	__u8 dreg;
};

struct nft_set {
	__u16 flags : 13;
};

struct nft_lookup {
	struct nft_set *set;
	__u8 dreg;
};

struct xt_table_info {
	unsigned int size;
	unsigned int number;
	unsigned char entries[1];
};

struct xt_table {
	struct xt_table_info *private;
	__u8 af;
	const char name[32];
};

struct xt_target {
	const char name[29];
};

struct ebt_counter {
	__u64 pcnt, bcnt;
};

struct ebt_table_info {
	unsigned int entries_size;
	unsigned int nentries;
	char *entries;
	struct ebt_counter counters[1];
};

struct ebt_table {
	struct ebt_table_info *private;
	char name[32];
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	struct css_set *cgroups;
	char comm[16];
};

// Begins with many words in a row on all architectures; see copy_kernel.
struct pt_regs {
	unsigned long words[1];
};

struct inode {
	unsigned long i_ino;
};

struct socket {
	short type;
};

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct hlist_node skc_node;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__u16 skc_num;
	int skc_bound_dev_if;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sk_buff_head {
	struct sk_buff *prev;
};

struct sock {
	struct sock_common __sk_common;
	struct sk_buff_head sk_receive_queue;
	struct {
		atomic_t rmem_alloc;
	} sk_backlog;
	int sk_rcvbuf;
	struct socket *sk_socket;
	struct sock_cgroup_data sk_cgrp_data;
};

struct raw_hashinfo {
	struct hlist_head ht[256];
};

struct icmp_filter {
	__u32 data;
};

struct raw_sock {
	struct icmp_filter filter;
};

struct icmp6_filter {
	__u32 data[8];
};

struct raw6_sock {
	struct icmp6_filter filter;
};

struct qdisc_skb_cb {
	unsigned char data[20];
};

struct dst_entry {
	struct net_device *dev;
	unsigned long _metrics;
};

struct sk_buff {
	struct sk_buff *prev;
	struct net_device *dev;
	struct sock *sk;
	unsigned long _skb_refdst;
	unsigned long _nfct;
	unsigned int len;
	unsigned int data_len;
	int skb_iif;
	char cb[48];
	__be16 vlan_proto;
	__u16 vlan_tci;
	__u32 mark;
	__be16 protocol;
	__u16 transport_header;
	__u16 network_header;
	__u16 mac_header;
	__u16 inner_network_header;
	__u16 inner_mac_header;
	__be16 inner_protocol;
	__u8 cloned : 1;
	__u8 nohdr : 1;
	__u8 encapsulation : 1;
	unsigned int tail;
	unsigned int end;
	unsigned char *head;
	unsigned char *data;
};

struct atomic64 {
	__s64 counter;
};

struct bpf_prog_aux {
	struct atomic64 refcnt;
	__u32 id;
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__bpf_prog {
	struct bpf_iter_meta *meta;
	struct bpf_prog *prog;
};

struct bpf_nf_ctx {
	struct sk_buff *skb;
};

struct xdp_rxq_info {
	struct net_device *dev;
};

struct netdev_rx_queue {
	struct xdp_rxq_info xdp_rxq;
};

struct bpf_map {
	enum bpf_map_type map_type;
	__u32 key_size;
	__u32 value_size;
	__u32 id;
	char name[16];
};

// An element of a hash table.
struct htab_elem {
	char key[1];
};

struct xdp_buff {
	void *data;
	void *data_end;
	void *data_hard_start;
	struct xdp_rxq_info *rxq;
	u32 frame_sz;
};

struct skb_shared_info {
	__u8 nr_frags;
	atomic_t dataref;
	// Really struct fragment, below; the name of the type depends on the kernel.
	unsigned char frags[17];
};

struct page {
	unsigned long flags;
};

union nf_inet_addr {
	__u32 all[4];
};

union nf_conntrack_man_proto {
	__be16 all;
};

struct nf_conntrack_man {
	union nf_inet_addr u3;
	union nf_conntrack_man_proto u;
	__u16 l3num;
};

struct nf_conntrack_tuple {
	struct nf_conntrack_man src;
	struct {
		union nf_inet_addr u3;
		union {
			__be16 all;
		} u;
		__u8 protonum;
	} dst;
};

struct nf_conntrack_tuple_hash {
	struct nf_conntrack_tuple tuple;
};

struct nf_conntrack_zone {
	__u16 id;
};

struct ip_ct_tcp {
	__u8 state;
};

union nf_conntrack_proto {
	struct ip_ct_tcp tcp;
};

struct nf_conn {
	__u32 timeout;
	struct nf_conntrack_zone zone;
	struct nf_conntrack_tuple_hash tuplehash[2];
	unsigned long status;
	__u32 mark;
	union nf_conntrack_proto proto;
};

#pragma clang attribute pop

// struct nf_hook_entry: a hook function and its first argument.
struct hook_entry {
	u64 function;
	u64 priv;
};

// A page fragment of an skb: struct bio_vec until 6.8, struct skb_frag since
// (kernel commit 21d2e6737c97), of the same layout.
struct fragment {
	u64 page;
	u32 length;
	u32 offset;
};
