// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// connections is the number of connections in the network namespace of the hook. Since 5.12 it is in the module's
// part of struct net, found by the module's number nf_conntrack_net_id.
var connections = num("count",
	"((struct nf_conntrack_net *)state->net->gen->ptr[*nf_conntrack_net_id])->count.counter",
	"state->net->ct.count.counter")

var conntrack = family{
	name: "conntrack", title: "Connection tracking",
	sites: []Site{{Name: "nf_hook_slow", Functions: []string{"nf_hook_slow", "nf_hook_slow_list", "br_handle_frame", "nf_hook_bridge_pre"}, Reasons: []string{"NETFILTER_DROP", Unspecified}}},
	decisions: []Decision{
		{
			// The verdict NF_DROP is 0.
			Name: "conntrack_in", Denies: true, Functions: []string{"nf_conntrack_in"}, Module: "nf_conntrack", Skb: "skb", Keep: "(ret & 0xff) == 0",
			Reads: reads(connections, num("max", "*nf_conntrack_max"), num("verdict", "ret & 0xff")),
		},
		{
			Name: "confirm", Denies: true, Functions: []string{"__nf_conntrack_confirm"}, Module: "nf_conntrack", Skb: "skb", Keep: "(ret & 0xff) == 0",
			// struct ip_conntrack_stat is an array of unsigned int: found, invalid, insert, insert_failed, ...
			Reads: reads(num("verdict", "ret & 0xff"),
				num("nat", "((struct nf_conn *)(skb->_nfct & ~7ul))->status & 0x30"),
				num("dying", "((struct nf_conn *)(skb->_nfct & ~7ul))->status & 0x200"),
				as(lookup.Protocol, "protocol", "((struct nf_conn *)(skb->_nfct & ~7ul))->tuplehash[0].tuple.dst.protonum"),
				as(lookup.ByFamily, "src", "((struct nf_conn *)(skb->_nfct & ~7ul))->tuplehash[0].tuple.src.u3.in6", "((struct nf_conn *)(skb->_nfct & ~7ul))->tuplehash[0].tuple.src.l3num"),
				as(lookup.ByFamily, "dst", "((struct nf_conn *)(skb->_nfct & ~7ul))->tuplehash[0].tuple.dst.u3.in6", "((struct nf_conn *)(skb->_nfct & ~7ul))->tuplehash[0].tuple.src.l3num"),
				as(lookup.ByFamily, "reply_dst", "((struct nf_conn *)(skb->_nfct & ~7ul))->tuplehash[1].tuple.dst.u3.in6", "((struct nf_conn *)(skb->_nfct & ~7ul))->tuplehash[0].tuple.src.l3num"),
				num("dport", "ntohs(((struct nf_conn *)(skb->_nfct & ~7ul))->tuplehash[0].tuple.dst.u.all)"),
				num("reply_port", "ntohs(((struct nf_conn *)(skb->_nfct & ~7ul))->tuplehash[1].tuple.dst.u.all)"),
			),
		},
		{
			// The kernel calls these functions whether or not nf_conntrack_log_invalid is set.
			Name: "invalid", Functions: []string{"nf_ct_l4proto_log_invalid", "nf_l4proto_log_invalid"}, Every: true, Module: "nf_conntrack", Skb: "skb", At: AtEntry,
			Reads: reads(either(lookup.String, "words", "fmt")),
		},
	},
	causes: []Cause{
		{
			ID: "conntrack-full", Site: "nf_hook_slow", When: "conntrack_in.verdict == 0 && conntrack_in.count >= conntrack_in.max && conntrack_in.max != 0",
			Text:    "the connection table is full: {conntrack_in.count} of {conntrack_in.max} in this network namespace[[; most from {top_sources}]]",
			Remedy:  "`sysctl -w net.netfilter.nf_conntrack_max=N` (takes memory; holds for every namespace); shorter timeouts; `conntrack -L` lists the connections",
			Limits:  "Unknown if the counter has fallen again when the function returns.",
			Special: "{top_sources}: a resolver counts the sources of all entries by ctnetlink; the cause holds without it.",
		},
		{
			ID: "conntrack-race", Site: "nf_hook_slow", When: "confirm.verdict == 0 && !confirm.nat && !confirm.dying",
			Text:    "the connection {confirm.src} -> {confirm.dst}:{confirm.dport}({confirm.protocol}) could not be inserted: another packet inserted it first (insert_failed), or its hash chain is too long (chaintoolong)",
			Remedy:  "one socket sends two packets at the same time (DNS A and AAAA): options single-request-reopen in resolv.conf, a DNS cache on the node, or TCP",
			Special: "which of insert_failed, chaintoolong and clash_resolve grew during the call: per-CPU counters of a module, whose address is in struct net.",
		},
		{
			ID: "conntrack-no-port", Site: "nf_hook_slow", When: "confirm.verdict == 0 && confirm.nat && !confirm.dying",
			Text:    "the connection {confirm.src} -> {confirm.dst}:{confirm.dport}({confirm.protocol}), translated to {confirm.reply_dst}:{confirm.reply_port}, exists already: no source port is free, or another packet inserted it first",
			Remedy:  "more source addresses for SNAT; --random-fully (iptables) or fully-random (nft); fewer connections to the same {confirm.dst}:{confirm.dport}",
			Special: "as conntrack-race: the counters would distinguish a taken port from a race.",
		},
		{
			ID: "conntrack-dying", Site: "nf_hook_slow", When: "confirm.verdict == 0 && confirm.dying",
			Text: "the connection {confirm.src} -> {confirm.dst}:{confirm.dport}({confirm.protocol}) was deleted before its first packet was confirmed", Remedy: "`conntrack -E -e DESTROY` shows deletions: find the program that deletes or flushes connections",
		},
		{
			ID: "conntrack-invalid", Site: "nf_hook_slow", When: "known(invalid.words) && conntrack_in.verdict == 0 && conntrack_in.count < conntrack_in.max",
			Text:    "connection tracking considers the packet invalid: {invalid.words}",
			Remedy:  "`sysctl -w net.netfilter.nf_conntrack_tcp_be_liberal=1` accepts TCP segments outside the window, for all connections of the namespace",
			Special: "the words: the argument's position and the va_format behind \"%pV\" differ between kernels and architectures (see nf_ct_l4proto_log_invalid); they also explain a later rule `ct state invalid drop`.",
		},
	},
}
