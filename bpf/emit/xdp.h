// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Sends the start of an XDP program, with the metadata, headers and expressions of its frame.
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
#include "packet/xdp.h"
#include "match/netdev.h"
#include "emit/bytes.h"
#include "emit/emit.h"
#include "emit/recorded.h"
#include "emit/return.h"

static __noinline int fill_xdp_meta(struct record_meta *m, const struct xdp_buff *xdp, struct work *w)
{
	const struct net_device *dev = BPF_CORE_READ(xdp, rxq, dev);
	struct frame *f = &w->packet.frame;
	__be16 type = 0;

	__builtin_memset(m, 0, sizeof(*m));
	if (locate_xdp(w, xdp)) {
		m->len = f->len;
		if (f->linear >= ETH_HLEN && !read_kernel(&type, sizeof(type), f->start + ETH_HLEN - 2))
			m->protocol = bpf_ntohs(type);
	}
	if (!dev)
		return 0;
	m->netns = device_netns(dev);
	m->mtu = BPF_CORE_READ(dev, mtu);
	m->ifindex = BPF_CORE_READ(dev, ifindex);
	bpf_probe_read_kernel_str(m->ifname, sizeof(m->ifname), dev->name);
	return 0;
}

static __noinline int fill_xdp_tuple(struct record_tuple *t, const struct xdp_buff *xdp,
				     struct work *w, struct scratch *scratch)
{
	struct frame *f = &w->packet.frame;

	__builtin_memset(t, 0, sizeof(*t));
	if (locate_xdp(w, xdp))
		parse_packet(t, f->start, linear_end(f), 0, scratch);
	return 0;
}

static __noinline int fill_xdp_tunnel(struct record_tunnel *t, const struct xdp_buff *xdp,
				      struct scratch *scratch)
{
	__builtin_memset(t, 0, sizeof(*t));
	if (locate_xdp(&scratch->work, xdp) && find_inner(scratch, NULL))
		fill_tunnel(t, scratch);
	return 0;
}

// Writes the values of the user's expressions on the xdp_buff, CFG.xdp_values_size bytes. The body is
// replaced by compiled expressions before loading.
static __noinline u32 fill_xdp_values(u64 xdp, u8 *values)
{
	opaque(xdp);
	*values = xdp != 0;
	return 0;
}

#define XDP_RECORD_SIZE                                                         \
	(sizeof(struct record_core) + RECORDED_SIZE + LINEAGE_SIZE + RECORDED_HEAD_SIZE + \
	 CFG.xdp_values_size + CFG.packet_size)

// Functions of their own, to save stack space in the caller.
static __noinline u32 xdp_record_size(void)
{
	return XDP_RECORD_SIZE;
}

static __noinline u32 xdp_parts(void)
{
	return (CFG.meta ? PART_META : 0) | (CFG.tuple ? PART_TUPLE : 0) |
	       (CFG.tunnel ? PART_TUNNEL : 0) | (CFG.cb ? PART_CB : 0) |
	       (CFG.ids ? PART_LINEAGE : 0) | (CFG.xdp ? PART_HEAD : 0) |
	       (CFG.xdp_values_size ? PART_XDP_VALUES : 0) | (CFG.packet_size ? PART_PACKET : 0) |
	       (CFG.stack || CFG.caller ? PART_STACK : 0);
}

// Fills the parts that the verdict repeats.
static __always_inline void fill_xdp_recorded(u8 *at, const struct context *c, struct work *w,
					  struct scratch *scratch)
{
	if (CFG.meta) {
		fill_xdp_meta((void *)at, c->xdp, w);
		at += sizeof(struct record_meta);
	}
	if (CFG.tuple) {
		fill_xdp_tuple((void *)at, c->xdp, w, scratch);
		at += sizeof(struct record_tuple);
	}
	if (CFG.tunnel) {
		fill_xdp_tunnel((void *)at, c->xdp, scratch);
		at += sizeof(struct record_tunnel);
	}
	if (CFG.cb)
		__builtin_memset(at, 0, sizeof(struct record_cb));
}

static __always_inline void fill_xdp(u8 *at, const struct context *c, u32 lost, struct work *w,
				     struct scratch *scratch)
{
	fill_core((void *)at, c, lost);
	((struct record_core *)at)->parts = xdp_parts();
	at += sizeof(struct record_core);
	fill_xdp_recorded(at, c, w, scratch);
	if (c->run)
		keep_run(c, &(struct entry_parts){ .first = at }); // NULL parts are kept as zeros
	at += RECORDED_SIZE;
	if (CFG.ids)
		fill_lineage((void *)at, c->branch);
	at += LINEAGE_SIZE;
	if (CFG.xdp)
		((struct record_head *)at)->address = c->branch->head;
	at += RECORDED_HEAD_SIZE;
	if (CFG.xdp_values_size)
		fill_xdp_values((u64)c->xdp, at);
	if (CFG.packet_size)
		fill_xdp_bytes((void *)(at + CFG.xdp_values_size), c->xdp, scratch);
}

static __always_inline bool send_xdp_fixed(const struct context *c, u32 lost, struct work *w,
					   struct scratch *scratch)
{
	u32 size = xdp_record_size();
	void *record = bpf_ringbuf_reserve(&events, size, 0);

	if (!record)
		return false;
	fill_xdp(record, c, lost, w, scratch);
	bpf_ringbuf_submit(record, wakeup(size));
	return true;
}

static __always_inline bool send_xdp_varying(const struct context *c, u32 lost, struct work *w,
					     struct scratch *scratch, u32 level)
{
	struct record_buffer *s = bpf_map_lookup_elem(&record_buffers, &level);
	u32 size = xdp_record_size();

	if (!s)
		return false;
	fill_xdp(s->bytes, c, lost, w, scratch);
	size += fill_stack((void *)(s->bytes + size), c);
	if (size > RECORD_BUFFER_SIZE)
		return false;
	return !bpf_ringbuf_output(&events, s->bytes, size, wakeup(size));
}

static __always_inline bool send_xdp(const struct context *c, u32 lost, struct work *w)
{
	u32 level;
	struct scratch *scratch = get_scratch(&level);
	bool sent = false;

	if (scratch && (CFG.stack || CFG.caller))
		sent = send_xdp_varying(c, lost, w, scratch, level);
	else if (scratch)
		sent = send_xdp_fixed(c, lost, w, scratch);
	put_scratch();
	return sent;
}

static __always_inline void emit_xdp(const struct context *c, struct work *w)
{
	struct counters *n = count_matched();

	if (n && !send_xdp(c, n->lost, w))
		__sync_fetch_and_add(&n->lost, 1);
}
