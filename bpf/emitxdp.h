// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Telling user space that an XDP program begins: the record has what there is to say of a
// frame.
#pragma once

#define XDP_RECORD_SIZE                                                         \
	(sizeof(struct record_core) + TOLD_SIZE + LINEAGE_SIZE + TOLD_HEAD_SIZE + \
	 CFG.xdp_values_size)

// Functions of their own, as for other records, to spare their caller's stack.
static __noinline u32 xdp_record_size(void)
{
	return XDP_RECORD_SIZE;
}

static __noinline u32 xdp_parts(void)
{
	return (CFG.meta ? PART_META : 0) | (CFG.tuple ? PART_TUPLE : 0) |
	       (CFG.tunnel ? PART_TUNNEL : 0) | (CFG.cb ? PART_CB : 0) |
	       (CFG.track ? PART_LINEAGE : 0) | (CFG.xdp ? PART_HEAD : 0) |
	       (CFG.xdp_values_size ? PART_XDP_VALUES : 0) |
	       (CFG.stack || CFG.caller ? PART_STACK : 0);
}

// Fills the parts that the verdict tells again.
static __always_inline void fill_xdp_told(u8 *at, const struct context *c, struct work *w,
					  struct room *room)
{
	if (CFG.meta) {
		fill_xdp_meta((void *)at, c->xdp, w);
		at += sizeof(struct record_meta);
	}
	if (CFG.tuple) {
		fill_xdp_tuple((void *)at, c->xdp, w, room);
		at += sizeof(struct record_tuple);
	}
	if (CFG.tunnel) {
		fill_xdp_tunnel((void *)at, c->xdp, w, room);
		at += sizeof(struct record_tunnel);
	}
	if (CFG.cb)
		__builtin_memset(at, 0, sizeof(struct record_cb));
}

static __always_inline void fill_xdp(u8 *at, const struct context *c, u32 lost, struct work *w,
				     struct room *room)
{
	fill_core((void *)at, c, lost);
	((struct record_core *)at)->parts = xdp_parts();
	at += sizeof(struct record_core);
	fill_xdp_told(at, c, w, room);
	if (c->run)
		keep_run(c, &(struct entry_parts){ .first = at }); // what is NULL is kept as zeros
	at += TOLD_SIZE;
	if (CFG.track)
		fill_lineage((void *)at, c->branch);
	at += LINEAGE_SIZE;
	if (CFG.xdp)
		((struct record_head *)at)->address = c->branch->head;
	at += TOLD_HEAD_SIZE;
	if (CFG.xdp_values_size)
		fill_xdp_values((u64)c->xdp, at);
}

static __always_inline bool send_xdp_fixed(const struct context *c, u32 lost, struct work *w,
					   struct room *room)
{
	u32 size = xdp_record_size();
	void *record = bpf_ringbuf_reserve(&events, size, 0);

	if (!record)
		return false;
	fill_xdp(record, c, lost, w, room);
	bpf_ringbuf_submit(record, wakeup(size));
	return true;
}

static __always_inline bool send_xdp_varying(const struct context *c, u32 lost, struct work *w,
					     struct room *room, u32 level)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &level);
	u32 size = xdp_record_size();

	if (!s)
		return false;
	fill_xdp(s->bytes, c, lost, w, room);
	size += fill_stack((void *)(s->bytes + size), c);
	if (size > SCRATCH_SIZE)
		return false;
	return !bpf_ringbuf_output(&events, s->bytes, size, wakeup(size));
}

static __always_inline bool send_xdp(const struct context *c, u32 lost, struct work *w)
{
	u32 level;
	struct room *room = enter_room(&level);
	bool sent = false;

	if (room && (CFG.stack || CFG.caller))
		sent = send_xdp_varying(c, lost, w, room, level);
	else if (room)
		sent = send_xdp_fixed(c, lost, w, room);
	leave_room();
	return sent;
}

static __always_inline void emit_xdp(const struct context *c, struct work *w)
{
	struct counters *n = count_made();

	if (n && !send_xdp(c, n->lost, w))
		__sync_fetch_and_add(&n->lost, 1);
}
