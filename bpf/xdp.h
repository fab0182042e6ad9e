// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What XDP programs work on: frames that have no sk_buff yet, or lend it out. An xdp_buff
// tells where the frame is, which always has an Ethernet header of its own. Its memory
// begins at data_hard_start, and is the head of the sk_buff that is built from it.
#pragma once

enum {
	// Cache lines that the kernel rounds up to.
	CACHE_LINE = 64,
	// What XDP programs answer (include/uapi/linux/bpf.h).
	XDP_PASS = 2,
	XDP_TX = 3,
	XDP_REDIRECT = 4,
};

static __always_inline u64 xdp_head(const struct xdp_buff *xdp)
{
	return (u64)BPF_CORE_READ(xdp, data_hard_start);
}

// Where the list of page fragments is: at the end of the frame's memory.
static __always_inline u64 xdp_shared(const struct xdp_buff *xdp)
{
	u32 size = (bpf_core_type_size(struct skb_shared_info) + CACHE_LINE - 1) & -CACHE_LINE;

	return xdp_head(xdp) + BPF_CORE_READ(xdp, frame_sz) - size;
}

// Finds the frame as it is now; false where it is empty.
static __noinline bool locate_xdp(struct work *w, const struct xdp_buff *xdp)
{
	u64 end = (u64)BPF_CORE_READ(xdp, data_end);
	struct frame *f = &w->packet.frame;

	opaque(xdp);
	f->start = (u64)BPF_CORE_READ(xdp, data);
	f->shared = xdp_shared(xdp);
	f->prefix = PREFIX_NONE;
	f->type = 0;
	if (f->start >= end)
		return false;
	f->linear = end - f->start;
	f->len = f->linear + xdp_paged_length(xdp, f->shared);
	return true;
}

// The user's condition on the xdp_buff. The body is replaced by a compiled expression
// before loading.
static __noinline u32 filter_xdp_expression(u64 xdp)
{
	opaque(xdp);
	return xdp != 0;
}

static __always_inline bool filter_xdp_tunnel(struct work *w, const struct xdp_buff *xdp)
{
	u32 level;
	struct room *room = enter_room(&level);
	bool match = room && locate_xdp(w, xdp) && find_inner(w, room, NULL) && match_inner(w, room);

	leave_room();
	return match;
}

// A frame has no mark, no socket and no process that it is for.
static __always_inline bool filter_xdp(struct work *w, const struct xdp_buff *xdp)
{
	if (CFG.mark || CFG.pid_count || CFG.comm_count || CFG.cgroup_count)
		return false;
	if (!(ANY_NETNS && ANY_DEVICE) && !filter_device_place(BPF_CORE_READ(xdp, rxq, dev)))
		return false;
	if (CFG.filter && !(locate_xdp(w, xdp) && fill_head(&w->packet, CFG.need) &&
			    filter_packet(&w->packet)))
		return false;
	if (CFG.filter_xdp_expression && !filter_xdp_expression((u64)xdp))
		return false;
	return (!CFG.filter_l2 && !CFG.filter_l3) || filter_xdp_tunnel(w, xdp);
}

// The sk_buff that the kernel gives to a program as a frame on this CPU.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} lent_skb SEC(".maps");

static __noinline int lend_whole(u64 skb)
{
	u32 zero = 0;
	u64 *lent = bpf_map_lookup_elem(&lent_skb, &zero);

	if (lent)
		*lent = skb;
	return 0;
}

// Whose the frame is by the sk_buff that has its memory. What is told of a frame is as of
// a branch, of which head is known.
static __always_inline bool recall_by_skb(struct branch *f, u64 skb)
{
	struct branch *b = skb ? living_branch(skb) : NULL;

	if (!b || b->head != f->head)
		return false;
	*f = *b;
	return true;
}

// Takes the note of it away.
static __always_inline u64 take_lent(void)
{
	u32 zero = 0;
	u64 *lent = bpf_map_lookup_elem(&lent_skb, &zero), skb;

	if (!lent)
		return 0;
	skb = *lent;
	*lent = 0;
	return skb;
}

static __always_inline void recall_held(struct branch *f, const struct owner *o)
{
	f->id = o->id;
	f->part = o->part;
	f->parent = o->parent;
	f->origin = o->origin;
}

// Whose the frame is, if that is known. What XDP let pass and was not seen as an sk_buff
// has been copied: this is another frame in the same memory.
static __noinline bool recall_frame(struct branch *f)
{
	u64 head = f->head;
	struct owner *o = bpf_map_lookup_elem(&heads, &head);

	if (recall_by_skb(f, take_lent()))
		return true;
	if (!o)
		return false;
	if (!o->held)
		return recall_by_skb(f, o->skb);
	if (is_held(o) && !o->passed) {
		recall_held(f, o);
		return true;
	}
	bpf_map_delete_elem(&heads, &head);
	return false;
}

// Begins to follow a frame that matched and has no sk_buff that is known.
static __noinline int begin_frame(struct branch *f)
{
	struct owner o = { .held = bpf_ktime_get_ns() };
	u64 head = f->head;
	u32 level;

	if (enter_room(&level)) {
		o.id = next_packet(level);
		o.part = next_part(level);
	}
	leave_room();
	recall_held(f, &o);
	bpf_map_update_elem(&heads, &head, &o, BPF_ANY);
	heads_held = 1;
	return 0;
}

// Whether an event tells of the frame, which is then followed if packets are.
static __always_inline bool admit_xdp(struct branch *f, struct work *w, const struct xdp_buff *xdp)
{
	bool known;

	__builtin_memset(f, 0, sizeof(*f));
	f->head = xdp_head(xdp);
	known = CFG.track && recall_frame(f);
	if (CFG.follow && known)
		return true;
	if (!filter_xdp(w, xdp))
		return false;
	if (CFG.track && !known)
		begin_frame(f);
	return true;
}

// What becomes of a frame that has no sk_buff, by the program's verdict.
static __noinline int judge_frame(u64 head, u64 id, u32 verdict)
{
	struct owner *o = bpf_map_lookup_elem(&heads, &head);

	if (!o || !o->held || o->id != id)
		return 0;
	if (verdict != XDP_PASS && verdict != XDP_TX && verdict != XDP_REDIRECT) {
		bpf_map_delete_elem(&heads, &head);
		return 0;
	}
	o->held = bpf_ktime_get_ns();
	o->passed = verdict == XDP_PASS;
	return 0;
}

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
				     struct work *w, struct room *room)
{
	struct frame *f = &w->packet.frame;

	__builtin_memset(t, 0, sizeof(*t));
	if (locate_xdp(w, xdp))
		parse_packet(t, f->start, linear_end(f), 0, room);
	return 0;
}

static __noinline int fill_xdp_tunnel(struct record_tunnel *t, const struct xdp_buff *xdp,
				      struct work *w, struct room *room)
{
	__builtin_memset(t, 0, sizeof(*t));
	if (locate_xdp(w, xdp) && find_inner(w, room, NULL))
		tell_inner(t, w, room);
	return 0;
}

// Writes what the user's expressions say of the xdp_buff: CFG.xdp_values_size bytes. The
// body is replaced by compiled expressions before loading.
static __noinline u32 fill_xdp_values(u64 xdp, u8 *values)
{
	opaque(xdp);
	*values = xdp != 0;
	return 0;
}
