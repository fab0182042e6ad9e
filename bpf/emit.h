// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Telling user space: the record is reserved in the ring and filled in place.
#pragma once

// The size is a constant once the settings are known, as the ring demands.
#define RECORD_SIZE                                             \
	(sizeof(struct record_core) +                           \
	 (CFG.meta ? sizeof(struct record_meta) : 0) +          \
	 (CFG.tuple ? sizeof(struct record_tuple) : 0))

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
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	r->cpu = bpf_get_smp_processor_id();
	r->kind = c->kind;
	r->parts = c->parts | (CFG.meta ? PART_META : 0) | (CFG.tuple ? PART_TUPLE : 0);
	r->pad = 0;
}

// The route's MTU, or else the device's.
static __always_inline u32 skb_mtu(const struct sk_buff *skb, const struct net_device *dev)
{
	const struct dst_entry *dst = (void *)(BPF_CORE_READ(skb, _skb_refdst) & ~1UL);
	const u32 *metrics;
	u32 mtu = 0;

	if (dst) {
		metrics = (void *)(BPF_CORE_READ(dst, _metrics) & ~3UL);
		read_kernel(&mtu, sizeof(mtu), &metrics[RTAX_MTU - 1]);
		if (mtu)
			return mtu;
		mtu = BPF_CORE_READ(dst, dev, mtu);
	}
	return mtu ? mtu : dev ? BPF_CORE_READ(dev, mtu) : 0;
}

static __always_inline void fill_meta(struct record_meta *m, const struct sk_buff *skb)
{
	const struct net_device *dev = BPF_CORE_READ(skb, dev);

	__builtin_memset(m, 0, sizeof(*m));
	m->netns = skb_netns(skb, dev);
	m->mark = BPF_CORE_READ(skb, mark);
	m->len = BPF_CORE_READ(skb, len);
	m->protocol = bpf_ntohs(BPF_CORE_READ(skb, protocol));
	m->mtu = skb_mtu(skb, dev);
	if (!dev)
		return;
	m->ifindex = BPF_CORE_READ(dev, ifindex);
	bpf_probe_read_kernel_str(m->ifname, sizeof(m->ifname), dev->name);
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

static __always_inline void emit(const struct context *c)
{
	struct counters *n;
	void *record;
	u32 zero = 0;

	n = bpf_map_lookup_elem(&counts, &zero);
	if (!n)
		return;
	__sync_fetch_and_add(&n->made, 1);
	record = bpf_ringbuf_reserve(&events, RECORD_SIZE, 0);
	if (!record) {
		__sync_fetch_and_add(&n->lost, 1);
		return;
	}
	fill_core(record, c, n->lost);
	if (CFG.meta)
		fill_meta(record + sizeof(struct record_core), c->skb);
	if (CFG.tuple) {
		struct record_tuple *t = record + RECORD_SIZE - sizeof(struct record_tuple);

		__builtin_memset(t, 0, sizeof(*t));
		fill_tuple(t, c->skb);
	}
	bpf_ringbuf_submit(record, wakeup(RECORD_SIZE));
}
