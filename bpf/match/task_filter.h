// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The filters on the process and the control group that own the packet's socket, or for which the kernel
// handles the packet.
#pragma once

#include "core/compare.h"
#include "core/compat.h"
#include "core/config.h"
#include "core/endpoint.h"
#include "core/kernel.h"
#include "core/maps.h"

enum {
	// States of minisockets, which have only the first members of struct sock
	// (include/net/tcp_states.h).
	TCP_TIME_WAIT = 6,
	TCP_NEW_SYN_RECV = 12,
	// Maximum number of levels of the control group hierarchy that are searched.
	DEEPEST_CGROUP = 32,
};

// Returns the socket if it is a full one (sk_fullsock), else NULL.
static __always_inline const struct sock *full_sock(const struct sock *sk)
{
	u8 state;

	if (!is_address((u64)sk))
		return NULL;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	return state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV ? NULL : sk;
}

// The packet's socket: that of the skb, else the socket argument of the function or tracepoint.
static __noinline const struct sock *packet_sock(void *program, u32 kind, const struct sk_buff *skb)
{
	const struct sock *sk = full_sock(BPF_CORE_READ(skb, sk));
	struct endpoint e;

	if (sk)
		return sk;
	find_endpoint(&e, program, kind);
	return full_sock((void *)e.sk);
}

// The inode number of a socket, which identifies it among the open files of its processes; 0 if it has none
// (yet).
static __always_inline u64 socket_inode(const struct sock *sk)
{
	const struct socket *socket = BPF_CORE_READ(sk, sk_socket);
	const struct socket_alloc *alloc;

	if (!socket)
		return 0;
	alloc = (const void *)socket - bpf_core_field_offset(struct socket_alloc, socket);
	return BPF_CORE_READ(alloc, vfs_inode.i_ino);
}

// Whether the CPU runs the current task, and not an interrupt.
static __always_inline bool in_task(void)
{
	u64 count;

	return current_preempt_count(&count) && !(count & (SOFTIRQ_SERVING | INTERRUPTS));
}

static __always_inline bool matches_task(void)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct name comm = {};

	if (CFG.pid_count && !is_listed(pid, CFG.pids, CFG.pid_count, MAX_ENTRIES))
		return false;
	bpf_get_current_comm(&comm, sizeof(comm));
	return !CFG.comm_count || is_named(&comm, CFG.comms, CFG.comm_count);
}

static __always_inline bool is_inet(const struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return family == AF_INET || family == AF_INET6;
}

// Whether the packet belongs to a matching process. Sockets through which such a process sends are
// remembered, so that received packets, which are handled in interrupts of other processes, match too.
static __noinline bool filter_process(const struct sock *sk)
{
	u64 inode = sk ? socket_inode(sk) : 0;
	u8 one = 1;

	if (inode && bpf_map_lookup_elem(&sockets, &inode))
		return true;
	if (!in_task() || !matches_task())
		return false;
	if (inode && is_inet(sk))
		bpf_map_update_elem(&sockets, &inode, &one, 0);
	return true;
}

static __always_inline u64 matches_cgroup_id(u64 id)
{
	u64 found = 0;

	for (u32 i = 0; i < MAX_ENTRIES && i < CFG.cgroup_count; i++)
		found |= is_equal(CFG.cgroups[i], id);
	return found;
}

// Whether the control group or one of its ancestors is in the list.
static __noinline bool matches_cgroup(const struct cgroup *group)
{
	const struct cgroup_subsys_state *parent;
	u64 found = 0;

	for (u32 i = 0; i < DEEPEST_CGROUP && group; i++) {
		found |= matches_cgroup_id(BPF_CORE_READ(group, kn, id));
		parent = BPF_CORE_READ(group, self.parent);
		group = parent ? BPF_CORE_READ(parent, cgroup) : NULL;
	}
	return found;
}

static __always_inline bool filter_cgroup(const struct sock *sk)
{
	const struct task_struct *task;

	if (sk)
		return matches_cgroup(socket_cgroup(sk));
	if (!in_task())
		return false;
	task = (const void *)bpf_get_current_task();
	return matches_cgroup(BPF_CORE_READ(task, cgroups, dfl_cgrp));
}

static __always_inline bool filter_task(void *program, u8 kind, const struct sk_buff *skb)
{
	const struct sock *sk;

	if (!CFG.pid_count && !CFG.comm_count && !CFG.cgroup_count)
		return true;
	sk = packet_sock(program, kind, skb);
	if ((CFG.pid_count || CFG.comm_count) && !filter_process(sk))
		return false;
	return !CFG.cgroup_count || filter_cgroup(sk);
}
