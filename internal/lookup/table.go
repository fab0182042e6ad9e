// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// noSuch is true if the returned pointer is NULL or an error (IS_ERR_OR_NULL).
const noSuch = "!ret || (u64)ret >= (u64)-4095"

// connection is the nf_conn that contains the returned nf_conntrack_tuple_hash. An nf_conn has two
// of these, one per direction.
const connection = "((struct nf_conn *)((u64)ret - ret->tuple.dst.dir * sizeof(struct nf_conntrack_tuple_hash)" +
	" - (u64)&((struct nf_conn *)0)->tuplehash))"

// attached is the nf_conn of a packet. The lowest 3 bits of _nfct are its enum ip_conntrack_info.
const attached = "((struct nf_conn *)(skb->_nfct & ~7ul))"

// table has all look-ups, for Linux 5.8 and later.
var table = []Lookup{
	{
		// net/ipv4/fib_trie.c
		Kind: "route", Functions: []string{"fib_table_lookup"}, Missing: "ret != 0",
		Asked: []Field{
			{Key: "dst", Form: ipv4, Variants: values("fl4->daddr")},
			{Key: "src", Form: ipv4, Variants: values("fl4->saddr")},
			{Key: "iif", Form: rare(number), Variants: values("fl4->__fl_common.flowic_iif")},
			{Key: "oif", Form: rare(number), Variants: values("fl4->__fl_common.flowic_oif")},
			{Key: "mark", Form: rare(hexadecimal), Variants: values("fl4->__fl_common.flowic_mark")},
			// Linux 6.18 replaced flowic_tos by flowic_dscp, which has no ECN bits.
			{Key: "tos", Form: rare(number), Variants: [][]string{{"fl4->__fl_common.flowic_tos"}, {"fl4->__fl_common.flowic_dscp"}}},
			{Key: "table", Form: routeTable, Variants: values("tb->tb_id")},
		},
		Found: []Field{
			{Key: "type", Form: routeType, Variants: values("res->type")},
			{Key: "prefix", Form: prefix4, Variants: values("res->prefix", "res->prefixlen")},
			{Key: "dev", Form: device, Variants: values("res->nhc->nhc_dev->name")},
			where("res->nhc->nhc_gw_family", Field{Key: "via", Form: byFamily, Variants: values("res->nhc->nhc_gw.ipv6", "res->nhc->nhc_gw_family")}),
		},
	},
	{
		// net/ipv6/route.c
		Kind: "route", Functions: []string{"fib6_table_lookup"}, Missing: "res->f6i == net->ipv6.fib6_null_entry",
		Asked: []Field{
			{Key: "dst", Form: ipv6, Variants: values("fl6->daddr")},
			{Key: "src", Form: ipv6, Variants: values("fl6->saddr")},
			{Key: "iif", Form: rare(number), Variants: values("fl6->__fl_common.flowic_iif")},
			{Key: "oif", Form: rare(number), Variants: values("oif")},
			{Key: "mark", Form: rare(hexadecimal), Variants: values("fl6->__fl_common.flowic_mark")},
			{Key: "table", Form: routeTable, Variants: values("tb->tb6_id")},
		},
		Found: []Field{
			{Key: "type", Form: routeType, Variants: values("res->fib6_type")},
			{Key: "prefix", Form: prefix6, Variants: values("res->f6i->fib6_dst.addr", "res->f6i->fib6_dst.plen")},
			{Key: "dev", Form: device, Variants: values("res->nh->nh_common.nhc_dev->name")},
			where("res->nh->nh_common.nhc_gw_family",
				Field{Key: "via", Form: byFamily, Variants: values("res->nh->nh_common.nhc_gw.ipv6", "res->nh->nh_common.nhc_gw_family")}),
		},
	},
	{
		// net/core/neighbour.c
		Kind: "neigh", Functions: []string{"neigh_lookup", "__neigh_create"}, Missing: noSuch,
		Asked: []Field{
			{Key: "dst", Form: byLength, Variants: values("*(struct in6_addr *)pkey", "tbl->key_len")},
			{Key: "dev", Form: device, Variants: values("dev->name")},
		},
		Found: neighbour("ret"),
	},
	{
		Kind: "neigh", Functions: []string{"neigh_resolve_output", "neigh_connected_output"},
		Asked: neighbourKey, Found: neighbour("neigh"),
	},
	{
		Kind: "neigh", Functions: []string{"neigh_update"},
		Asked: append(neighbourKey[:len(neighbourKey):len(neighbourKey)],
			Field{Key: "new_state", Form: nud, Variants: values("new")},
			where("lladdr", Field{Key: "new_lladdr", Form: linkAddress, Variants: values("*(struct in6_addr *)lladdr", "neigh->dev->addr_len")}),
		),
		Found: neighbour("neigh"),
	},
	{
		// net/netfilter/nf_conntrack_core.c
		Kind: "conntrack", Functions: []string{"__nf_conntrack_find_get"}, Missing: "!ret",
		Asked: append(tuple("tuple"), Field{Key: "zone", Form: rare(number), Variants: values("zone->id")}),
		Found: append(direction("ret"), entry(connection)...),
	},
	{
		Kind: "conntrack", Functions: []string{"nf_conntrack_in", "__nf_conntrack_confirm"}, Missing: "!(skb->_nfct & ~7ul)",
		Found: append([]Field{{Key: "ctinfo", Form: conntrackState, Variants: values("skb->_nfct & 7")}}, entry(attached)...),
	},
	{
		// net/ipv4/inet_hashtables.c
		Kind: "socket", Functions: []string{"__inet_lookup_established", "__inet_lookup_listener"}, Missing: noSuch,
		Asked: socketKey(ipv4, "saddr", "daddr", "hnum"), Found: socket(ipv4, "skc_rcv_saddr", "skc_daddr"),
	},
	{
		// net/ipv4/udp.c
		Kind: "socket", Functions: []string{"__udp4_lib_lookup"}, Missing: noSuch,
		Asked: socketKey(ipv4, "saddr", "daddr", "ntohs(dport)"), Found: socket(ipv4, "skc_rcv_saddr", "skc_daddr"),
	},
	{
		// net/ipv6/inet6_hashtables.c
		Kind: "socket", Functions: []string{"__inet6_lookup_established", "inet6_lookup_listener"}, Missing: noSuch,
		Asked: socketKey(ipv6, "*saddr", "*daddr", "hnum"), Found: socket(ipv6, "skc_v6_rcv_saddr", "skc_v6_daddr"),
	},
	{
		// net/ipv6/udp.c
		Kind: "socket", Functions: []string{"__udp6_lib_lookup"}, Missing: noSuch,
		Asked: socketKey(ipv6, "*saddr", "*daddr", "ntohs(dport)"), Found: socket(ipv6, "skc_v6_rcv_saddr", "skc_v6_daddr"),
	},
	{
		// net/sched/sch_generic.c; sch_direct_xmit also sends packets that bypass an empty queue.
		Kind: "qdisc", Functions: []string{"sch_direct_xmit"}, Enqueue: true,
		Found: []Field{
			{Key: "qdisc", Form: device, Variants: values("q->ops->id")},
			{Key: "handle", Form: handle, Variants: values("q->handle")},
			{Key: "parent", Form: handle, Variants: values("q->parent")},
			{Key: "dev", Form: device, Variants: values("q->dev_queue->dev->name")},
			where(wholeQueue, Field{Key: "qlen", Form: number, Variants: values("q->q.qlen")}),
			where(wholeQueue, Field{Key: "backlog", Form: number, Variants: values("q->qstats.backlog")}),
			where(wholeQueue, Field{Key: "drops", Form: number, Variants: values("q->qstats.drops")}),
		},
	},
}

// wholeQueue is true for a queueing discipline without per-CPU statistics
// (TCQ_F_CPUSTATS).
const wholeQueue = "!(q->flags & 0x20)"

// where makes a field depend on a condition.
func where(condition string, f Field) Field {
	f.Where = condition
	return f
}

// neighbourKey has the fields that identify a neighbour.
var neighbourKey = []Field{
	{Key: "dst", Form: byLength, Variants: values("*(struct in6_addr *)neigh->primary_key", "neigh->tbl->key_len")},
	{Key: "dev", Form: device, Variants: values("neigh->dev->name")},
}

func neighbour(n string) []Field {
	return []Field{
		{Key: "state", Form: nud, Variants: values(n + "->nud_state")},
		where(n+"->nud_state & 0xde", // NUD_VALID
			Field{Key: "lladdr", Form: linkAddress, Variants: values("*(struct in6_addr *)"+n+"->ha", n+"->dev->addr_len")}),
	}
}

// tuple returns the fields of one direction of a connection.
func tuple(t string) []Field {
	return append([]Field{{Key: "protocol", Form: protocol, Variants: values(t + "->dst.protonum")}}, ends("", t+"->")...)
}

// direction returns the field for the direction that was found.
func direction(hash string) []Field {
	return []Field{{Key: "direction", Form: directionName, Variants: values(hash + "->tuple.dst.dir")}}
}

// entry returns the fields of a connection.
func entry(ct string) []Field {
	original := ct + "->tuplehash[0].tuple"
	return append([]Field{
		{Key: "status", Form: conntrackStatus, Variants: values(ct + "->status")},
		where(original+".dst.protonum == 6", Field{Key: "tcp_state", Form: conntrackTCP, Variants: values(ct + "->proto.tcp.state")}),
		{Key: "mark", Form: rare(hexadecimal), Variants: values(ct + "->mark")},
		{Key: "zone", Form: rare(number), Variants: values(ct + "->zone.id")},
	}, ends("orig_", original+".")...)
}

// ends returns the fields for the addresses of a tuple, and for its ports unless it is ICMP.
func ends(prefix, tuple string) []Field {
	ports := fmt.Sprintf("%[1]sdst.protonum != %d && %[1]sdst.protonum != %d", tuple, unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6)
	var fields []Field
	for _, end := range []string{"src", "dst"} {
		fields = append(fields,
			Field{Key: prefix + end, Form: byFamily, Variants: values(tuple+end+".u3.in6", tuple+"src.l3num")},
			where(ports, Field{Key: prefix + end[:1] + "port", Form: number, Variants: values("ntohs(" + tuple + end + ".u.all)")}))
	}
	return fields
}

// socketKey returns the fields of the key of a socket look-up.
func socketKey(address Form, source, dest, destPort string) []Field {
	return []Field{
		{Key: "src", Form: address, Variants: values(source)},
		{Key: "sport", Form: number, Variants: values("ntohs(sport)")},
		{Key: "dst", Form: address, Variants: values(dest)},
		{Key: "dport", Form: number, Variants: values(destPort)},
		{Key: "dif", Form: rare(number), Variants: values("dif")},
	}
}

func socket(address Form, local, remote string) []Field {
	// In TCP_TIME_WAIT and TCP_NEW_SYN_RECV, the struct is smaller than struct sock
	// (inet_timewait_sock, request_sock).
	const state = "ret->__sk_common.skc_state"
	const whole = state + " != 6 && " + state + " != 12"
	return []Field{
		{Key: "state", Form: socketState, Variants: values(state)},
		{Key: "laddr", Form: address, Variants: values("ret->__sk_common." + local)},
		{Key: "lport", Form: number, Variants: values("ret->__sk_common.skc_num")},
		{Key: "raddr", Form: address, Variants: values("ret->__sk_common." + remote)},
		{Key: "rport", Form: number, Variants: values("ntohs(ret->__sk_common.skc_dport)")},
		{Key: "bound", Form: rare(number), Variants: values("ret->__sk_common.skc_bound_dev_if")},
		where(whole, Field{Key: "uid", Form: number, Variants: values("ret->sk_uid.val")}),
		where(whole+" && ret->sk_socket", Field{Key: "inode", Form: number, Variants: values("((struct socket_alloc *)ret->sk_socket)->vfs_inode.i_ino")}),
	}
}
