// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Telling user space: the record is reserved in the ring and filled in place.
#pragma once

enum {
	// Return addresses of one stack; the kernel itself goes no deeper by default
	// (kernel.perf_event_max_stack).
	MOST_FRAMES = 127,
	// Those that are enough to find who called: a tracepoint's own come first.
	CALLER_FRAMES = 12,
	FRAME_SIZE = 8,
};

_Static_assert(sizeof(struct record_core) + sizeof(struct record_meta) +
		       sizeof(struct record_tuple) + sizeof(struct record_tunnel) +
		       sizeof(struct record_cb) + sizeof(struct record_lineage) + MOST_SKB + MOST_SHARED +
		       MOST_VALUES + sizeof(struct record_hook) + sizeof(struct record_conntrack) +
		       sizeof(struct record_map) + sizeof(struct record_head) + sizeof(struct record_first) +
		       MOST_FRAMES * FRAME_SIZE <= SCRATCH_SIZE,
	       "the largest record has room");

// What comes on top for a call that works with a map.
#define MAP_SIZE(c) (CFG.maps && (c)->map ? sizeof(struct record_map) : 0)

// The name of who runs, which is padded with NULs.
static __always_inline void tell_comm(u8 comm[16])
{
	const u64 *name;

	if (!CFG.direct) {
		bpf_get_current_comm(comm, 16);
		return;
	}
	name = (const u64 *)as(struct task_struct, bpf_get_current_task())->comm;
	((u64 *)comm)[0] = name[0];
	((u64 *)comm)[1] = name[1];
}

static __always_inline void fill_core(struct record_core *r, const struct context *c, u32 lost)
{
	u64 id = bpf_get_current_pid_tgid();

	r->time = bpf_ktime_get_ns();
	r->skb = (u64)c->skb;
	r->addr = c->addr;
	r->location = c->location;
	r->pid = id >> 32;
	r->tid = id;
	r->reason = c->reason;
	r->lost = lost;
	tell_comm(r->comm);
	r->cpu = bpf_get_smp_processor_id();
	r->kind = c->kind;
	r->parts = c->parts | CFG.record_parts | (MAP_SIZE(c) ? PART_MAP : 0);
	r->flags = c->flags;
}

// Whether the packet has a route: one in a queue of TCP, which has no device either, has a list's
// pointer or poison in its place.
static __always_inline bool has_route(u64 refdst, const struct net_device *dev)
{
	const struct net_device *out;

	if (!is_address(refdst) || dev)
		return is_address(refdst);
	out = device_in(peek(struct dst_entry, refdst & ~1UL, dev));
	return out && is_netns(device_netns(out));
}

// The route's MTU, or else the device's.
static __always_inline u32 skb_mtu(u64 refdst, const struct net_device *dev)
{
	const struct dst_entry *dst = (void *)(refdst & ~1UL);
	const u32 *metrics;
	u32 mtu = 0;

	if (has_route(refdst, dev)) {
		metrics = (void *)(peek(struct dst_entry, dst, _metrics) & ~3UL);
		copy_kernel(&mtu, sizeof(mtu), (u64)&metrics[RTAX_MTU - 1]);
		if (mtu)
			return mtu;
		mtu = peek(struct net_device, peek(struct dst_entry, dst, dev), mtu);
	}
	return mtu ? mtu : dev ? peek(struct net_device, dev, mtu) : 0;
}

// What is behind the name's end is anything.
static __always_inline void tell_name(struct record_meta *m, const struct net_device *dev)
{
	const u64 *name;

	if (!CFG.direct) {
		bpf_probe_read_kernel_str(m->ifname, sizeof(m->ifname), dev->name);
		return;
	}
	name = (const u64 *)as(struct net_device, dev)->name;
	((u64 *)m->ifname)[0] = name[0];
	((u64 *)m->ifname)[1] = name[1];
}

// What the sk_buff itself says; returns its device.
static __always_inline const struct net_device *tell_skb(struct record_meta *m, u64 *refdst,
							 const struct sk_buff *skb)
{
	m->mark = skb->mark;
	m->len = skb->len;
	m->protocol = bpf_ntohs(skb->protocol);
	*refdst = skb->_skb_refdst;
	return device_in(skb->dev);
}

static __always_inline const struct net_device *tell_copied(struct record_meta *m, u64 *refdst,
							    const struct sk_buff *skb, const struct room *room)
{
	m->mark = copied(room, skb, mark);
	m->len = copied(room, skb, len);
	m->protocol = bpf_ntohs(copied(room, skb, protocol));
	*refdst = copied(room, skb, _skb_refdst);
	return device_in(copied(room, skb, dev));
}

static __noinline int fill_meta(struct record_meta *m, const struct sk_buff *skb, const struct room *room)
{
	const struct net_device *dev;
	u64 refdst;
	u32 netns;

	__builtin_memset(m, 0, sizeof(*m));
	if (CFG.direct)
		dev = tell_skb(m, &refdst, as(struct sk_buff, skb));
	else
		dev = tell_copied(m, &refdst, skb, room);
	netns = dev ? device_netns(dev) : 0;
	if (!is_netns(netns))
		dev = NULL;
	m->mtu = skb_mtu(refdst, dev);
	if (!dev)
		return 0;
	m->netns = netns;
	m->ifindex = peek(struct net_device, dev, ifindex);
	tell_name(m, dev);
	return 0;
}

// The rest, where the sk_buff has no device.
static __noinline int fill_elsewhere(struct record_meta *m, const struct sk_buff *skb,
				     const struct room *room, const struct branch *b)
{
	struct where at;

	find_elsewhere(&at, skb, &room->endpoint, b);
	m->netns = at.netns;
	if (!at.dev)
		return 0;
	if (!m->mtu)
		m->mtu = peek(struct net_device, at.dev, mtu);
	m->ifindex = peek(struct net_device, at.dev, ifindex);
	tell_name(m, at.dev);
	return 0;
}

static __always_inline void tell_meta(struct record_meta *m, const struct context *c, struct room *room)
{
	fill_meta(m, c->skb, room);
	if (m->netns)
		return;
	find_endpoint(&room->endpoint, c->program, c->at_return ? RECORD_RETURN : c->kind);
	fill_elsewhere(m, c->skb, room, c->branch);
}

// Tells of the packet inside in room->tunnel, as tell_tuple does of the packet.
__noinline int tell_tunnel(u64 skb, u32 level)
{
	struct room *room = bpf_map_lookup_elem(&rooms, &level);

	if (!CFG.tunnel || !room)
		return 0;
	__builtin_memset(&room->tunnel, 0, sizeof(room->tunnel));
	if (skb && find_inner(&room->work, room, (const struct sk_buff *)skb))
		tell_inner(&room->tunnel, &room->work, room);
	return 0;
}

static __always_inline void fill_cb(struct record_cb *r, const struct sk_buff *skb)
{
	u32 offset = offset_of(cb) + bpf_core_field_offset(struct qdisc_skb_cb, data);

	__builtin_memset(r, 0, sizeof(*r));
	read_kernel(r->words, sizeof(r->words), (const u8 *)skb + offset);
}

// Writes what the user's expressions say of the skb: CFG.values_size bytes. The
// body is replaced by compiled expressions before loading.
static __noinline u32 fill_values(u64 skb, u8 *values)
{
	opaque(skb);
	*values = skb != 0;
	return 0;
}

static __always_inline void fill_dumps(u8 *at, const struct sk_buff *skb)
{
	u64 shared;

	if (CFG.skb_size)
		read_kernel(at, CFG.skb_size, skb);
	at += CFG.skb_size;
	if (CFG.shared_size) {
		shared = (u64)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end);
		read_kernel(at, CFG.shared_size, shared);
	}
	at += CFG.shared_size;
	if (CFG.values_size)
		fill_values((u64)skb, at);
}

static __always_inline void fill_lineage(struct record_lineage *l, const struct branch *b)
{
	__builtin_memset(l, 0, sizeof(*l));
	if (!b)
		return;
	l->id = b->id;
	l->part = b->part;
	l->parent = b->parent;
	l->origin = b->origin;
}

// Bytes of the parts that a return tells again, but for the lineage.
#define TOLD_SIZE                                               \
	((CFG.meta ? sizeof(struct record_meta) : 0) +          \
	 (CFG.tuple ? sizeof(struct record_tuple) : 0) +        \
	 (CFG.tunnel ? sizeof(struct record_tunnel) : 0) +      \
	 (CFG.cb ? sizeof(struct record_cb) : 0))

// Whether a return tells anything of its entry.
#define TELLS_ENTRY (TOLD_SIZE || CFG.track || CFG.netfilter || CFG.conntrack)

// The parts of a record that a return tells again, as far as they were asked for.
struct entry_parts {
	const void *first;
	const void *hook, *conntrack;
};

// Keeps them: the first ones are one behind the other.
static __always_inline void keep_parts(struct told *t, const struct context *c, const struct entry_parts *p)
{
	if (TOLD_SIZE)
		read_kernel(t->bytes, TOLD_SIZE, p->first);
	if (CFG.netfilter)
		read_kernel(&t->hook, sizeof(t->hook), p->hook);
	if (CFG.conntrack)
		read_kernel(&t->conntrack, sizeof(t->conntrack), p->conntrack);
	if (CFG.track)
		fill_lineage(&t->lineage, c->branch);
}

// Where what is told of the call that begins here is kept for its return; NULL where
// nothing is.
static __always_inline struct told *told_of(const struct context *c)
{
	const struct told_key *key = &c->calls->told;
	struct told *t;

	innermost(c->calls)->told |= CALL_TOLD;
	if (!TELLS_ENTRY)
		return NULL;
	t = bpf_map_lookup_elem(&tolds, key);
	if (t)
		return t;
	bpf_map_update_elem(&tolds, key, &nothing_told, 0);
	return bpf_map_lookup_elem(&tolds, key);
}

// Keeps them for the call's return.
static __always_inline void keep_told(const struct context *c, const struct entry_parts *p)
{
	struct told *t = told_of(c);

	if (t)
		keep_parts(t, c, p);
}

// Keeps them for the program's verdict.
static __always_inline void keep_run(const struct context *c, const struct entry_parts *p)
{
	c->run->call.told = 1;
	keep_parts(&c->run->parts, c, p);
}

// Fills the parts that a return tells again, and returns where they end.
static __always_inline u8 *fill_told(u8 *at, const struct context *c, struct room *room)
{
	u64 headers = c->gone ? 0 : (u64)c->skb;

	if (!CFG.direct && (CFG.meta || CFG.tuple))
		copy_skb(room, c->skb);
	if (CFG.meta) {
		tell_meta((void *)at, c, room);
		at += sizeof(struct record_meta);
	}
	if (CFG.tuple) {
		tell_tuple(headers, room->level);
		*(struct record_tuple *)at = room->tuple;
		at += sizeof(struct record_tuple);
	}
	if (CFG.tunnel) {
		tell_tunnel(headers, room->level);
		*(struct record_tunnel *)at = room->tunnel;
		at += sizeof(struct record_tunnel);
	}
	if (CFG.cb) {
		fill_cb((void *)at, c->skb);
		at += sizeof(struct record_cb);
	}
	return at;
}

static __always_inline void locate_hook(struct hook_call *call, const struct context *c)
{
	if (CFG.netfilter || CFG.conntrack)
		find_hook(call, c);
	if (CFG.conntrack)
		find_connection(call, c->skb);
}

// Keeps for the call's return what else its entry would tell.
static __always_inline void keep_quietly(const struct context *c)
{
	struct told *t;
	struct room *room;
	u32 level;

	if (!c->calls)
		return;
	t = told_of(c);
	room = enter_room(&level);
	if (t && room) {
		fill_told(t->bytes, c, room);
		locate_hook(&room->call, c);
		if (CFG.netfilter)
			fill_hook(&t->hook, &room->call);
		if (CFG.conntrack)
			fill_conntrack(&t->conntrack, &room->call);
	}
	leave_room();
	if (t && CFG.track)
		fill_lineage(&t->lineage, c->branch);
}

// The last parts of a record. It spares its caller's stack.
static __noinline int fill_rest(u8 *at, const struct sk_buff *skb, const struct hook_call *call,
				const struct record_first *first)
{
	if (CFG.conntrack) {
		fill_conntrack((void *)at, call);
		at += sizeof(struct record_conntrack);
	}
	if (CFG.xdp) {
		((struct record_head *)at)->address = head_of((u64)skb);
		at += sizeof(struct record_head);
	}
	if (CFG.first)
		fill_first((void *)at, first);
	return 0;
}

// Keeps what the return, or the program's verdict, tells again.
static __always_inline void keep_entry(const struct context *c, const struct entry_parts *p)
{
	if (TELLS_RETURN(c) && c->calls)
		keep_told(c, p);
	if (CFG.programs && c->run)
		keep_run(c, p);
}

// Fills CFG.record_size and MAP_SIZE bytes, the parts one behind the other.
static __always_inline void fill_record(u8 *at, const struct context *c, u32 lost, struct room *room)
{
	struct entry_parts told = {};

	fill_core((void *)at, c, lost);
	told.first = at + sizeof(struct record_core);
	at = fill_told(at + sizeof(struct record_core), c, room);
	fill_dumps(at, c->skb);
	at += CFG.skb_size + CFG.shared_size + CFG.values_size;
	if (CFG.track) {
		fill_lineage((void *)at, c->branch);
		at += sizeof(struct record_lineage);
	}
	locate_hook(&room->call, c);
	if (CFG.netfilter) {
		fill_hook((void *)at, &room->call);
		told.hook = at;
		at += sizeof(struct record_hook);
	}
	if (MAP_SIZE(c)) {
		fill_map((void *)at, c->map);
		at += sizeof(struct record_map);
	}
	fill_rest(at, c->skb, &room->call, CFG.first ? find_first(c, room) : NULL);
	told.conntrack = at;
	keep_entry(c, &told);
}

// Puts return addresses behind the record, and returns their size in bytes. Where
// a register holds a function's return address, it may be no part of the kernel's stack
// yet: there the stack goes from the function to its caller's caller. At its return
// a function is no part of the stack any more.
static __always_inline u32 fill_stack(u64 *frames, const struct context *c)
{
	u32 most = CFG.stack ? MOST_FRAMES * FRAME_SIZE : CALLER_FRAMES * FRAME_SIZE;
	bool caller_missing = (!CALLER_UNWOUND || c->at_return) && c->kind == RECORD_FUNCTION;
	u32 first = caller_missing ? 1 : 0;
	long size;

	if (!CFG.stack && c->kind == RECORD_FUNCTION) {
		frames[0] = c->addr;
		frames[1] = c->caller;
		return 2 * FRAME_SIZE;
	}
	size = bpf_get_stack(c->program, frames + first, most - first * FRAME_SIZE, 0);
	if (size < 0 || size > most)
		size = 0;
	if (!caller_missing)
		return size;
	frames[0] = c->addr;
	frames[1] = c->caller;
	return size + FRAME_SIZE < 2 * FRAME_SIZE ? 2 * FRAME_SIZE : size + FRAME_SIZE;
}

// The reader is woken when enough has gathered, once; it also looks by itself
// now and then.
static __always_inline u64 wakeup(u64 size)
{
	u64 waiting = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);

	return waiting >= CFG.watermark && waiting < CFG.watermark + 8 * size ?
		       BPF_RB_FORCE_WAKEUP :
		       BPF_RB_NO_WAKEUP;
}

// Sends a record whose size is known.
static __always_inline bool send_fixed(const struct context *c, u32 lost, struct room *room)
{
	u32 size = CFG.record_size + MAP_SIZE(c);
	void *record = bpf_ringbuf_reserve(&events, size, 0);

	if (!record)
		return false;
	fill_record(record, c, lost, room);
	bpf_ringbuf_submit(record, wakeup(size));
	return true;
}

// Sends a record with a stack, which is put together elsewhere first.
static __always_inline bool send_varying(const struct context *c, u32 lost, struct room *room,
					 u32 level)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &level);
	u32 size = CFG.record_size + MAP_SIZE(c);

	if (!s)
		return false;
	fill_record(s->bytes, c, lost, room);
	size += fill_stack((void *)(s->bytes + size), c);
	if (size > SCRATCH_SIZE)
		return false;
	return !bpf_ringbuf_output(&events, s->bytes, size, wakeup(size));
}

static __always_inline bool send(const struct context *c, u32 lost)
{
	u32 level;
	struct room *room = enter_room(&level);
	bool sent = false;

	if (room && (CFG.stack || CFG.caller))
		sent = send_varying(c, lost, room, level);
	else if (room)
		sent = send_fixed(c, lost, room);
	leave_room();
	return sent;
}

// Whether an event may still be sent in this second. CPUs that ask at the same
// time may be a few too many.
static __always_inline bool within_limit(void)
{
	u64 now = bpf_ktime_get_ns();

	if (now - second_began >= 1000000000) {
		second_began = now;
		second_made = 0;
	}
	if (second_made >= CFG.most_per_second)
		return false;
	__sync_fetch_and_add(&second_made, 1);
	return true;
}

// Counts an event as made; NULL where it is not to be sent.
static __always_inline struct counters *count_made(void)
{
	struct counters *n;
	u32 zero = 0;

	n = bpf_map_lookup_elem(&counts, &zero);
	if (!n)
		return NULL;
	__sync_fetch_and_add(&n->made, 1);
	if (!CFG.most_per_second || within_limit())
		return n;
	__sync_fetch_and_add(&n->withheld, 1);
	return NULL;
}

// Whether the event is of a probe that only follows packets.
static __always_inline bool is_muted(const struct context *c)
{
	return CFG.only_drops && c->kind <= RECORD_TRACEPOINT && !(c->parts & PART_DROP);
}

static __always_inline void emit(const struct context *c)
{
	struct counters *n;

	if (is_muted(c))
		return;
	n = count_made();
	if (n && !send(c, n->lost))
		__sync_fetch_and_add(&n->lost, 1);
}
