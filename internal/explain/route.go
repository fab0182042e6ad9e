// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"

	"tracer/internal/lookup"
)

// Errors in conditions: EACCES 13, EXDEV 18, EINVAL 22, ENETUNREACH 101, EHOSTUNREACH 113.

var receiving = []string{"ip_rcv_finish_core", "ip_rcv_finish", "ip_list_rcv_finish", "ip_sublist_rcv", "ip_rcv"}

// afterReceive are causes without a reason in ip_rcv, which calls ip_rcv_core before: what that finds comes first.
var afterReceive = slices.Concat([]string{"group-not-joined", "source-route-refused"}, ofSource)

// ofSource are those about the source and the destination.
var ofSource = []string{
	"rp-filter-strict", "rp-filter-no-route", "rp-filter-no-address", "martian-source", "martian-source-loopback", "martian-source-multicast", "martian-source-zero",
	"martian-destination-loopback", "martian-destination-zero",
}

// rpFilterOff is the part of a remedy that turns the check off: the larger setting of all and the device counts.
const rpFilterOff = "last resort: `sysctl -w[[if rp_dev > 0:  net.ipv4.conf.{dev}.rp_filter=0]][[if rp_all > 0:  net.ipv4.conf.all.rp_filter=0]]` lets spoofed sources through[[if rp_all > 0: , on every device whose own rp_filter is 0]]"

var route = family{
	name: "route", title: "Routing",
	sites: []Site{
		{
			// net/ipv4/ip_input.c
			Name: "ip_receive", Functions: receiving,
			Reasons: []string{"IP_RPFILTER", "IP_LOCAL_SOURCE", "IP_INVALID_SOURCE", "IP_INVALID_DEST", "IP_LOCALNET", Unspecified},
			Reads: join(reads(device), ends4, reads(
				num("ifindex", "skb->dev->ifindex"),
				num("src_number", "ntohl("+ip4Header+"->saddr)"), num("dst_number", "ntohl("+ip4Header+"->daddr)"),
				num("rp_all", settingOfAll("skb->dev", rpFilterSetting)), num("rp_dev", setting("skb->dev", rpFilterSetting)),
				num("accept_local", setting("skb->dev", acceptLocalSetting)+" | "+settingOfAll("skb->dev", acceptLocalSetting)),
				num("route_localnet", setting("skb->dev", routeLocalnetSetting)+" | "+settingOfAll("skb->dev", routeLocalnetSetting)),
				num("log_martians", setting("skb->dev", logMartiansSetting)+" | "+settingOfAll("skb->dev", logMartiansSetting)),
				num("no_address", "!skb->dev->ip_ptr->ifa_list"),
				num("mc_forwarding", setting("skb->dev", mcForwardingSetting)+" && "+settingOfAll("skb->dev", mcForwardingSetting)),
				num("source_route", "((struct inet_skb_parm *)skb->cb)->opt.srr"),
				num("accept_source_route", setting("skb->dev", sourceRouteSetting)+" && "+settingOfAll("skb->dev", sourceRouteSetting)),
			)),
		},
		{
			// net/ipv4/route.c
			Name: "ip_error", Functions: []string{"ip_error"}, Reasons: []string{"IP_INADDRERRORS", "IP_INNOROUTES", Unspecified},
			Reads: join(reads(device), ends4, reads(
				as(errno, "error", dst+"->error"), num("forwarding", setting("skb->dev", forwardingSetting)), as(lookup.Hexadecimal, "mark", "skb->mark"),
			)),
		},
		{
			// net/ipv4/ip_output.c
			Name: "ip_queue_xmit", Functions: []string{"__ip_queue_xmit", "ip_queue_xmit"}, Reasons: []string{"IP_OUTNOROUTES", Unspecified},
			Reads: reads(
				as(lookup.IPv4, "dst", "skb->sk->__sk_common.skc_daddr"), num("dport", "ntohs(skb->sk->__sk_common.skc_dport)"),
				num("lport", "skb->sk->__sk_common.skc_num"), num("bound", "skb->sk->__sk_common.skc_bound_dev_if"),
				as(lookup.Hexadecimal, "mark", "skb->sk->sk_mark"),
				num("policies", "skb->sk->__sk_common.skc_net.net->xfrm.policy_count[1] || skb->sk->sk_policy[1]"),
			),
		},
		{
			// net/ipv6/route.c; errors of IPv6 routes are negative.
			Name: "ip6_pkt_drop", Functions: []string{"ip6_pkt_drop", "ip6_pkt_discard", "ip6_pkt_discard_out", "ip6_pkt_prohibit", "ip6_pkt_prohibit_out"},
			Reads: join(reads(device), ends6, reads(
				as(errno, "error", "-(int)"+dst+"->error"),
				num("forwarding", "skb->dev->ip6_ptr->cnf.forwarding"),
			)),
		},
		{
			// net/core/dst.c
			Name: "dst_discard", Functions: []string{"dst_discard", "dst_discard_out", "dst_discard_sk"}, Reasons: []string{Unspecified},
			Reads: reads(
				num("obsolete", dst+"->obsolete"), as(errno, "error", "-(int)"+dst+"->error"), num("is_ipv6", isIPv6),
				where(isIPv6, as(lookup.IPv6, "dst6", ip6Header+"->daddr")),
				where(isIPv4, as(lookup.IPv4, "dst4", ip4Header+"->daddr")),
				either(lookup.String, "dev", dst+"->dev->name"), num("loopback", dst+"->dev->flags & 8"),
				num("next", nextHeader), where(isIPv6, as(lookup.IPv6, "src6", ip6Header+"->saddr")),
			),
		},
	},
	decisions: []Decision{
		{
			// net/ipv4/fib_frontend.c; the result is -EXDEV and -EINVAL, since 6.14 a negative drop reason.
			Name: "source_check", Denies: true, Functions: []string{"fib_validate_source"}, Skb: "skb", Keep: "ret < 0",
			Reads: reads(num("error", "-ret")),
		},
		{
			// net/ipv4/fib_trie.c. The last table in which the route to the source was looked up.
			Name: "way_back", Functions: []string{"fib_table_lookup"}, Within: []string{"fib_validate_source"},
			Reads: fibResult,
		},
		{
			// net/ipv4/igmp.c; a second call, for the VRF of the device, replaces the first one.
			Name: "group", Functions: []string{"ip_check_mc_rcu"}, Within: []string{"ip_route_input_noref"}, Reads: reads(num("joined", "ret")),
		},
		{
			// The last table in which the route to the destination was looked up.
			Name: "way", Functions: []string{"fib_table_lookup"},
			Within: []string{"ip_route_input_noref", "ip_route_input_slow", "ip_route_output_key_hash_rcu", "__ip_queue_xmit"},
			// A table without a route (EAGAIN) did not refuse the packet: a later table or rule did.
			Reads: join(fibResult, reads(where("ret < 0 && ret != -11", as(lookup.RouteTable, "refusing", "tb->tb_id")))),
		},
		{
			// net/ipv4/fib_rules.c. The last rule that the packet matched.
			Name: "route_rule", Functions: []string{"fib4_rule_action"}, Within: []string{"ip_route_input_noref", "ip_route_input_slow"},
			Reads: ruleResult,
		},
		{
			// net/ipv6/fib6_rules.c
			Name: "route_rule6", Functions: []string{"fib6_rule_action"}, Within: []string{"ip6_route_input"},
			Reads: ruleResult,
		},
	},
	causes: []Cause{
		{
			ID: "rp-filter", Site: "ip_receive", Reasons: []string{"IP_RPFILTER"},
			Text:   "rp_filter rejects the source {src} on {dev} (all={rp_all}, {dev}={rp_dev}; the larger one counts: 1 is strict, 2 loose)",
			Remedy: "compare `ip route get {src}` with {dev}[[if rp_all < 2 && rp_dev < 2 && !no_address: ; `sysctl -w net.ipv4.conf.{dev}.rp_filter=2` (loose) accepts {src} by any device if there is a route to it]][[if rp_all > 1 || rp_dev > 1 || no_address: ; a route to {src}, or an IPv4 address on {dev}, is missing]]",
			Limits: "5.10 has no drop reasons: there the other rp-filter causes use the result of fib_validate_source.",
		},
		{
			ID: "rp-filter-strict", Site: "ip_receive", Refines: []string{"rp-filter"}, Reasons: []string{"IP_RPFILTER", Unspecified},
			When:   "(reason.specified || source_check.error == 18) && rp_all < 2 && rp_dev < 2 && rp_all + rp_dev > 0 && way_back.error == 0 && way_back.ifindex != ifindex",
			Text:   "rp_filter=1 (strict; all={rp_all}, {dev}={rp_dev}): {src} came by {dev}, but the way back is {way_back.dev} (table {way_back.table})",
			Remedy: "a route to {src} by {dev}; or `sysctl -w net.ipv4.conf.{dev}.rp_filter=2` (loose: {dev} accepts every source that has a route by some device; the larger of all and {dev} counts)",
		},
		{
			// Loose mode needs a route, too.
			ID: "rp-filter-no-route", Site: "ip_receive", Refines: []string{"rp-filter"}, Reasons: []string{"IP_RPFILTER", Unspecified},
			When:   "(reason.specified || source_check.error == 18) && way_back.error != 0 && rp_all + rp_dev > 0",
			Text:   "rp_filter (all={rp_all}, {dev}={rp_dev}): there is no route back to {src}, which strict (1) and loose (2) require",
			Remedy: "add a route to {src}, also for the answers; " + rpFilterOff,
		},
		{
			// The kernel checks for an address before it distinguishes strict and loose.
			ID: "rp-filter-no-address", Site: "ip_receive", Refines: []string{"rp-filter", "rp-filter-strict"}, Reasons: []string{"IP_RPFILTER", Unspecified},
			When:   "(reason.specified || source_check.error == 18) && no_address && way_back.error == 0 && rp_all + rp_dev > 0",
			Text:   "rp_filter (all={rp_all}, {dev}={rp_dev}): {dev} has no IPv4 address, so it accepts only sources whose way back is {dev}[[if way_back.ifindex != ifindex: , and that of {src} is {way_back.dev}]]",
			Remedy: "`ip addr add ADDRESS dev {dev}`; " + rpFilterOff,
		},
		{
			ID: "local-source", Site: "ip_receive", Reasons: []string{"IP_LOCAL_SOURCE"}, When: "accept_local == 0",
			Text:   "the source {src} is an address of this host, and accept_local is 0 on {dev}",
			Remedy: "look for a loop or a duplicate address; `sysctl -w net.ipv4.conf.{dev}.accept_local=1` accepts it, and spoofed packets with an address of this host",
			Limits: "6.12 and older have no such reason: see martian-source.",
		},
		{
			ID: "martian-source", Site: "ip_receive", Reasons: []string{Unspecified}, When: "source_check.error == 22",
			Text:   "the source {src} is an address of this host, or its route is not unicast (martian)",
			Remedy: "look for a loop, a duplicate address or a spoofed source",
			Limits: "5.10 to 6.12 report both in the same way.",
		},
		{
			ID: "invalid-source", Site: "ip_receive", Reasons: []string{"IP_INVALID_SOURCE"},
			Text:   "the route to the source {src} is not unicast[[: {way_back.type} (table {way_back.table})]]",
			Remedy: "look for a spoofed source; `ip route get {src}`",
			Limits: "6.12 and older have no such reason: see martian-source.",
		},
		{
			ID: "martian-source-loopback", Site: "ip_receive", Refines: []string{"martian-source", "invalid-source"}, Reasons: []string{"IP_INVALID_SOURCE", "IP_LOCALNET", Unspecified},
			When:   "src_number >> 24 == 127 && route_localnet == 0",
			Text:   "the source {src} is a loopback address, but the packet arrived on {dev} (route_localnet=0, log_martians={log_martians})",
			Remedy: "the sender must not use 127.0.0.0/8; `sysctl -w net.ipv4.conf.{dev}.route_localnet=1` accepts it, but lets other hosts reach services on 127.0.0.1",
		},
		{
			ID: "martian-source-multicast", Site: "ip_receive", Refines: []string{"martian-source", "invalid-source"}, Reasons: []string{"IP_INVALID_SOURCE", Unspecified},
			When: "src_number >> 28 == 14 || src_number == 0xffffffff",
			Text: "the source {src} is a multicast or broadcast address (log_martians={log_martians})", Remedy: "the sender is faulty, or spoofs its address",
		},
		{
			ID: "martian-source-zero", Site: "ip_receive", Refines: []string{"martian-source", "invalid-source"}, Reasons: []string{"IP_INVALID_SOURCE", Unspecified},
			// Since 5.3 the rest of 0.0.0.0/8 is unicast (ipv4_is_zeronet).
			When: "src_number == 0 && dst_number != 0 && dst_number != 0xffffffff",
			Text: "the source is {src}, which only packets to 255.255.255.255 may have (log_martians={log_martians})", Remedy: "the sender has no address yet (DHCP?)",
		},
		{
			ID: "martian-destination-loopback", Site: "ip_receive", Reasons: []string{"IP_LOCALNET", Unspecified},
			When:   "dst_number >> 24 == 127 && src_number >> 24 != 127 && src_number != 0 && src_number >> 28 != 14 && src_number != 0xffffffff && route_localnet == 0",
			Text:   "the destination {dst} is a loopback address, but the packet arrived on {dev} (route_localnet=0)",
			Remedy: "`sysctl -w net.ipv4.conf.{dev}.route_localnet=1`, if NAT to a loopback address is intended; it lets other hosts on {dev} reach services on 127.0.0.1",
		},
		{
			ID: "martian-destination-zero", Site: "ip_receive", Reasons: []string{"IP_INVALID_DEST", Unspecified},
			When: "dst_number == 0 && src_number != 0 && src_number >> 24 != 127 && src_number >> 28 != 14 && src_number != 0xffffffff",
			Text: "the destination is {dst} (log_martians={log_martians})", Remedy: "the sender is faulty",
		},
		{
			// Before the kernel looks at the source.
			ID: "group-not-joined", Site: "ip_receive", Reasons: []string{Unspecified}, Refines: ofSource, When: "dst_number >> 28 == 14 && !group.joined && !mc_forwarding", Benign: true,
			Text: "nothing on this host has joined the multicast group {dst} on {dev}, or none that accepts the source {src}", Remedy: "none needed where switches flood multicasts; otherwise `ip maddr show dev {dev}`: the program must join the group on this device",
		},
		{
			// Behind the look-up of the route.
			ID: "source-route-refused", Site: "ip_receive", Reasons: []string{Unspecified}, Refines: append([]string{"group-not-joined"}, ofSource...), When: "source_route && !accept_source_route",
			Text: "the packet from {src} to {dst} has the option source route, which {dev} does not accept (accept_source_route=0)", Remedy: "source routing is a risk: accept it with net.ipv4.conf.{dev}.accept_source_route=1 and net.ipv4.conf.all.accept_source_route=1 only if it is intended",
		},
		{
			ID: "ip-forward-off", Site: "ip_error", When: "forwarding == 0 && error == 113",
			Text:   "IP forwarding is off on {dev} (forwarding=0), and {dst} is not an address of this host",
			Remedy: "`sysctl -w net.ipv4.conf.{dev}.forwarding=1`, or `sysctl -w net.ipv4.ip_forward=1` for all devices: the host becomes a router",
			Limits: "With forwarding off, the kernel reports a missing route in the same way.",
		},
		{
			ID: "ip-forward-off-no-route", Site: "ip_error", Refines: []string{"ip-forward-off"}, When: "forwarding == 0 && error == 113 && way.error != 0",
			Text:   "IP forwarding is off on {dev} (forwarding=0), and there is no route to {dst} (last table searched: {way.table})",
			Remedy: "add a route to {dst}, and `sysctl -w net.ipv4.conf.{dev}.forwarding=1`: the host becomes a router",
		},
		{
			ID: "no-route", Site: "ip_error", When: "error == 101",
			Text:   "no route to {dst} for a packet from {dev}[[ (last table searched: {way.table})]], mark {mark}",
			Remedy: "`ip route get {dst} from {src} iif {dev}`; `ip rule show`",
		},
		{
			ID: "route-unreachable", Site: "ip_error", When: "forwarding != 0 && error == 113",
			Text: "the route to {dst} is of type unreachable[[ (table {way.refusing})]]", Remedy: "`ip route show table all type unreachable`",
		},
		{
			ID: "route-prohibit", Site: "ip_error", When: "error == 13",
			Text: "the route or the rule for {dst} is of type prohibit[[ (table {way.refusing})]]", Remedy: "`ip route show table all type prohibit`; `ip rule show`",
		},
		{
			ID: "route-blackhole", Site: "ip_error", When: "error == 22",
			Text: "the route or the rule for {dst} is of type blackhole[[ (table {way.refusing})]]", Remedy: "`ip route show table all type blackhole`; `ip rule show`",
		},
		{
			ID: "rule-refuses", Site: "ip_error", Refines: []string{"no-route", "route-prohibit", "route-blackhole"}, When: "known(route_rule.type) && route_rule.error == error",
			Text: "the rule with priority {route_rule.priority} is of type {route_rule.type}: it refuses packets from {src} to {dst}", Remedy: "`ip rule show pref {route_rule.priority}`", Group: "{route_rule.priority}",
		},
		{
			// The only drop of this function.
			ID: "output-no-route", Site: "ip_queue_xmit", Reasons: []string{"IP_OUTNOROUTES", Unspecified}, When: "dport != 0 && !policies",
			Text:   "no route to {dst}:{dport} for the TCP socket on port {lport} (bound device {bound}, mark {mark})",
			Remedy: "`ip route get {dst}`; `ip rule show`",
			Limits: "UDP and raw sockets, and connect(), fail before a packet exists: see send-no-route.",
		},
		{
			// The look-up of the route asks the policies, too.
			ID: "output-no-route-or-policy", Site: "ip_queue_xmit", Reasons: []string{"IP_OUTNOROUTES", Unspecified}, When: "dport != 0 && policies",
			Text:   "no route to {dst}:{dport} for the TCP socket on port {lport} (bound device {bound}, mark {mark}), or an IPsec policy refuses it",
			Remedy: "`ip route get {dst}`; `ip rule`; `ip xfrm policy`; `ip xfrm state`",
		},
		{
			ID: "ipv6-no-route", Site: "ip6_pkt_drop", When: "error == 101",
			Text: "no route to {dst}[[ for a packet from {dev}]]", Remedy: "`ip -6 route get {dst}`; `ip -6 rule show`",
		},
		{
			ID: "ipv6-route-prohibit", Site: "ip6_pkt_drop", When: "error == 13",
			Text: "the route or the rule for {dst} is of type prohibit", Remedy: "`ip -6 route show table all type prohibit`; `ip -6 rule show`",
		},
		{
			ID: "ipv6-route-unreachable", Site: "ip6_pkt_drop", When: "error == 113",
			Text: "the route to {dst} is of type unreachable", Remedy: "`ip -6 route show table all type unreachable`",
		},
		{
			ID: "ipv6-route-blackhole", Site: "dst_discard", When: "is_ipv6 && error == 22 && obsolete != 2",
			Text: "the route or the rule for {dst6} is of type blackhole", Remedy: "`ip -6 route show table all type blackhole`; `ip -6 rule show`",
		},
		{
			ID: "ipv6-rule-refuses", Site: "ip6_pkt_drop", Refines: []string{"ipv6-no-route", "ipv6-route-prohibit"}, When: "known(route_rule6.type) && route_rule6.error == error",
			Text: "the rule with priority {route_rule6.priority} is of type {route_rule6.type}: it refuses packets from {src} to {dst}", Remedy: "`ip -6 rule show pref {route_rule6.priority}`", Group: "{route_rule6.priority}",
		},
		{
			ID: "ipv6-rule-blackhole", Site: "dst_discard", Refines: []string{"ipv6-route-blackhole"}, When: "is_ipv6 && obsolete != 2 && known(route_rule6.type) && route_rule6.error == error",
			Text: "the rule with priority {route_rule6.priority} is of type {route_rule6.type}: it discards packets to {dst6}", Remedy: "`ip -6 rule show pref {route_rule6.priority}`",
		},
		{
			// dst_discard is the handler of next header 59 (net/ipv6/exthdrs.c); the route is that of a delivered packet.
			ID: "ipv6-no-next-header", Site: "dst_discard", When: "is_ipv6 && next == 59 && error == 0 && obsolete != 2", Benign: true,
			Text: "the packet from {src6} to {dst6} ends after its headers (next header 59)", Remedy: "none needed: it has nothing to deliver", Group: "{route_rule6.priority}",
		},
		{
			// The device is blackhole_dev then; that of a route without an IPsec state is lo.
			ID: "route-gone", Site: "dst_discard", When: "obsolete == 2 && !loopback",
			Text:   "the route of the packet, or its device, was removed while the packet was queued",
			Remedy: "expected while a device or a route is removed; `ip monitor route link` shows each change",
		},
	},
}

// fibResult are the values of a look-up in one routing table.
var fibResult = reads(
	as(errno, "error", "-ret"), as(lookup.RouteTable, "table", "tb->tb_id"),
	where("ret == 0", as(lookup.String, "dev", "res->nhc->nhc_dev->name")),
	where("ret == 0", num("ifindex", "res->nhc->nhc_dev->ifindex")),
	where("ret == 0", as(lookup.RouteType, "type", "res->type")),
	where("ret == 0", as(lookup.Prefix4, "prefix", "res->prefix", "res->prefixlen")),
)

// ruleResult are the values of a rule that a packet matched. The types that refuse packets have the numbers of those of
// routes: FR_ACT_BLACKHOLE, FR_ACT_UNREACHABLE and FR_ACT_PROHIBIT.
var ruleResult = reads(
	as(errno, "error", "-ret"), num("priority", "rule->pref"),
	where("rule->action >= 6 && rule->action <= 8", as(lookup.RouteType, "type", "rule->action")),
)
