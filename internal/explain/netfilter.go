// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// hookReads are the hook and the devices of a hook function's nf_hook_state.
//
// Verdicts: NF_DROP 0, NF_ACCEPT 1, NF_STOLEN 2, NF_QUEUE 3. On newer kernels, nft_do_chain frees a dropped packet and
// returns NF_STOLEN; on 5.10.223 and 6.1.176 it returns NF_DROP, and nf_hook_slow frees the packet. The causes depend on
// the location of the drop, not on the version: 6.1.192 behaves like 6.12.
var hookReads = reads(
	as(hookName, "hook", "state->hook"), num("pf", "state->pf"),
	where("state->in", as(lookup.String, "in", "state->in->name")), where("state->out", as(lookup.String, "out", "state->out->name")),
)

// nftExpressions are the functions that evaluate nftables expressions and can set the verdict NF_DROP. nft_match_eval
// (iptables-nft) is not among them: it is called for most rules, and drops malformed packets only. Modules call
// nft_register_expr to add further expressions.
var nftExpressions = []string{
	"nft_immediate_eval", "nft_lookup_eval", "nft_objref_eval", "nft_objref_map_eval", "nft_target_eval_xt", "nft_target_eval_bridge",
	"nft_reject_inet_eval", "nft_reject_ipv4_eval", "nft_reject_ipv6_eval", "nft_reject_bridge_eval", "nft_reject_netdev_eval",
	"nft_nat_eval", "nft_nat_inet_eval", "nft_masq_eval", "nft_masq_ipv4_eval", "nft_masq_ipv6_eval", "nft_masq_inet_eval",
	"nft_redir_eval", "nft_redir_ipv4_eval", "nft_redir_ipv6_eval", "nft_redir_inet_eval", "nft_synproxy_eval", "nft_tproxy_eval",
	"nft_ct_set_zone_eval", "nft_connlimit_eval", "nft_exthdr_tcp_strip_eval", "nft_fwd_netdev_eval", "nft_fwd_neigh_eval",
	"nft_register_expr",
}

const nftModules = "nf_tables nft_objref nft_compat nft_reject nft_reject_inet nft_reject_ipv4 nft_reject_ipv6 nft_reject_bridge nft_reject_netdev " +
	"nft_nat nft_chain_nat nft_masq nft_redir nft_synproxy nft_tproxy nft_ct nft_connlimit nft_exthdr nft_fwd_netdev"

// Texts of the causes by nftables, which are the same for drops in nft_do_chain and in nf_hook_slow.
const (
	nftRuleText   = "nftables rule {nft_rule.family}/{nft_rule.table}/{nft_rule.chain} handle {nft_rule.handle}; hook {nft_rule.hook}, priority {nft_rule.priority}[[: {rule}]]"
	nftPolicyText = "policy drop of the nftables chain {nft_rule.family}/{nft_rule.table}/{nft_rule.chain}: no rule accepted the packet; hook {nft_rule.hook}, priority {nft_rule.priority}"
	nftRemedy     = "`nft -a list chain {nft_rule.family} {nft_rule.table} {nft_rule.chain}`"
)

const ruleGroup = "{nft_rule.family}/{nft_rule.table}/{nft_rule.chain} handle {nft_rule.handle}"

// legacyReads describe a call for a table of iptables-legacy or ebtables.
var legacyReads = reads(as(hookOf, "hook", "state->pf << 8 | state->hook"), num("pf", "state->pf"), num("verdict", "ret & 0xff"))

// countedRule are the values of a rule that was found by its counter: its position in the table, and what shows
// whether the table was replaced since.
var countedRule = reads(num("offset"), num("size"), num("rules"), num("hash"))

const countedSpecial = "the BPF programs add up the counters of the rules that can drop packets before and after the call: the rule is the one whose counter grew"

const legacySpecial = "{rule}, {rule_name}: the BPF programs find the position of the rule by its counter; a resolver reads the table with getsockopt in the network namespace of the drop"

const ruleSpecial = "the BPF programs find the rule, its chain and table from the expression that set the verdict; {rule}: a resolver reads the rule's text by netlink in the network namespace of the drop"

var netfilter = family{
	name: "netfilter", title: "Firewalls",
	sites: []Site{
		{Name: "nft_do_chain", Functions: []string{"nft_do_chain"}, Reasons: []string{"NETFILTER_DROP", Unspecified}},
		{Name: "nf_queue", Functions: []string{"nf_queue", "nfqnl_enqueue_packet", "__nfqnl_enqueue_packet", "nf_reinject", "nfqnl_reinject"}, Reasons: []string{Unspecified, "NETFILTER_DROP"}},
	},
	decisions: []Decision{
		{
			// The functions evaluate the expressions that can set a verdict.
			Name: "nft_rule", Denies: true, Inside: "nft_chain", Special: "finds the rule, its chain and table from the expression that set the verdict",
			Functions: nftExpressions, Every: true, Module: nftModules,
			Reads: reads(num("handle"), num("policy"), num("base"), as(nftFamily, "family"), as(hookOf, "hook"), as(signed, "priority"), num("table_handle"), as(cutName, "table"), as(cutName, "chain")),
		},
		{
			Name: "nft_chain", Denies: true, Functions: []string{"nft_do_chain"}, Module: "nf_tables", Skb: "pkt->skb", Keep: "(ret & 0xff) == 0 || (ret & 0xff) == 2",
			Reads: reads(num("verdict", "ret & 0xff"), either(hookName, "hook", "pkt->state->hook", "pkt->xt.state->hook")),
		},
		{
			// priv is the table: iptables-legacy. Before 5.15 it is the last parameter, table.
			Name: "ipt_table", Denies: true, Functions: []string{"ipt_do_table", "ip6t_do_table", "arpt_do_table"}, Every: true, Module: "ip_tables ip6_tables arp_tables x_tables", Skb: "skb", Keep: "(ret & 0xff) == 0",
			Reads: join(legacyReads, reads(as(legacyTool, "tool", "state->pf"),
				either(lookup.String, "table", "((struct xt_table *)priv)->name", "((struct xt_table *)table)->name"))),
		},
		{
			Name: "xt_rule", Denies: true, Inside: "ipt_table", Special: countedSpecial, Functions: []string{"ipt_do_table", "ip6t_do_table", "arpt_do_table"}, Every: true, Reads: countedRule,
		},
		{
			// In the hook NF_BR_BROUTING (5), NF_DROP means that the frame is routed instead of bridged.
			Name: "ebt_table", Denies: true, Functions: []string{"ebt_do_table"}, Module: "ebtables x_tables", Skb: "skb", Keep: "state->hook != 5 && (ret & 0xff) == 0",
			Reads: join(legacyReads, reads(either(lookup.String, "table", "((struct ebt_table *)priv)->name", "table->name"))),
		},
		{
			Name: "ebt_rule", Denies: true, Inside: "ebt_table", Special: countedSpecial, Functions: []string{"ebt_do_table"}, Reads: countedRule,
		},
		{
			Name: "ipvs", Denies: true, Functions: []string{"ip_vs_in_hook", "ip_vs_out_hook"}, Every: true, Module: "ip_vs", Skb: "skb", Keep: "(ret & 0xff) == 0",
			Reads: join(hookReads, reads(num("verdict", "ret & 0xff"))),
		},
		{
			Name: "bpf_hook", Denies: true, Functions: []string{"nf_hook_run_bpf"}, Skb: "skb", Keep: "(ret & 0xff) == 0",
			Reads: reads(num("verdict", "ret & 0xff"), num("program", "((struct bpf_prog *)bpf_prog)->aux->id"), as(lookup.String, "name", "((struct bpf_prog *)bpf_prog)->aux->name"),
				as(hookName, "hook", "s->hook")),
		},
		{
			Name: "defrag", Denies: true, Functions: []string{"ipv4_conntrack_defrag", "ipv6_defrag"}, Every: true, Module: "nf_defrag_ipv4 nf_defrag_ipv6", Skb: "skb", Keep: "(ret & 0xff) == 0",
			Reads: reads(num("verdict", "ret & 0xff")),
		},
		{
			Name: "synproxy", Denies: true, Functions: []string{"ipv4_synproxy_hook", "ipv6_synproxy_hook"}, Every: true, Module: "nf_synproxy_core", Skb: "skb", Keep: "(ret & 0xff) == 0",
			Reads: reads(num("verdict", "ret & 0xff")),
		},
		{
			Name: "nat", Denies: true, Functions: []string{"nf_nat_inet_fn"}, Module: "nf_nat", Skb: "skb", Keep: "(ret & 0xff) == 0", Reads: join(hookReads, reads(num("verdict", "ret & 0xff"))),
		},
		{
			Name: "lsm_hook", Denies: true, Functions: []string{"selinux_ip_forward", "selinux_ip_postroute", "selinux_ip_output"}, Every: true, Skb: "skb", Keep: "(ret & 0xff) == 0",
			Reads: reads(num("verdict", "ret & 0xff")),
		},
		{
			// The queue's number is in the upper 16 bits of the verdict, 0x8000 is the flag bypass. The result is
			// 1 if another hook goes on; the errors stay within the function.
			Name: "queue", Functions: []string{"nf_queue"}, Skb: "skb", At: AtEntry,
			Reads: reads(num("number", "verdict >> 16"), num("bypass", "verdict >> 15 & 1"), as(hookName, "hook", "state->hook"),
				num("no_handler", "!*nf_queue_handler")),
		},
		{
			Name: "queue_result", Denies: true, Functions: []string{"__nf_queue"}, Skb: "skb", Keep: "ret < 0", Reads: reads(as(errno, "error", "-ret"), num("number", "queuenum")),
		},
	},
	causes: []Cause{
		{
			ID: "nft-rule", Site: "nft_do_chain", When: "nft_rule.handle != 0", Functions: []string{"nft_do_chain"},
			Text:   nftRuleText,
			Remedy: nftRemedy, Group: ruleGroup, Special: ruleSpecial,
			Limits: "If the rule or its table was deleted or replaced since, handle and chain are right, but there is no text. If tracer can't tell, the text says so: a rule that replaces another one gets its handle. Unknown if the ruleset changed while it was evaluated for the packet, and for expressions of modules that were loaded after the start. " +
				"Kernels before 5.11 do not describe nftables. For 5.10 (amd64, arm64), tracer has the layout as constants, which it tries at its start if nf_tables is loaded: it lets a table of its own drop a datagram, in a network namespace of its own, and compares what it reads with what netlink lists. If anything differs, or the trial fails, the cause is unknown. The trial can't notice members that change their meaning only elsewhere: in other families or modules, or after the start.",
		},
		{
			ID: "nft-policy", Site: "nft_do_chain", When: "nft_rule.handle == 0 && nft_rule.policy == 0 && nft_rule.base",
			Text:   nftPolicyText,
			Remedy: nftRemedy, Group: ruleGroup, Special: ruleSpecial,
			Limits: "As nft-rule. If a match of iptables-nft drops a malformed packet, the policy may be shown.",
		},
		{
			ID: "nft-rule-returned", Site: "nf_hook_slow", When: "nft_rule.handle != 0 && nft_chain.verdict == 0",
			Text:   nftRuleText,
			Remedy: nftRemedy, Group: ruleGroup, Special: ruleSpecial,
			Limits: "Kernels whose nft_do_chain returns NF_DROP (seen on 5.10.223 and 6.1.176).",
		},
		{
			ID: "nft-policy-returned", Site: "nf_hook_slow", When: "nft_rule.handle == 0 && nft_rule.policy == 0 && nft_rule.base && nft_chain.verdict == 0",
			Text:   nftPolicyText,
			Remedy: nftRemedy, Group: ruleGroup, Special: ruleSpecial,
		},
		{
			ID: "iptables-rule", Site: "nf_hook_slow", When: "ipt_table.verdict == 0 && xt_rule.size != 0", Refines: []string{"iptables"},
			Text:   "{ipt_table.tool}, table {ipt_table.table}, hook {ipt_table.hook}[[: {rule}]]",
			Remedy: "`{ipt_table.tool} -t {ipt_table.table} -vnL --line-numbers`", Group: "{ipt_table.tool} {ipt_table.table}[[ {rule_name}]]", Special: legacySpecial,
			Limits: "Unknown if the rule has another target than DROP or REJECT, if a match drops the packet, in tables with more than 16384 rules, and on kernels without CONFIG_KALLSYMS_ALL. During a flood of drops not all rules are found.",
		},
		{
			ID: "iptables", Site: "nf_hook_slow", When: "ipt_table.verdict == 0",
			Text: "{ipt_table.tool}, table {ipt_table.table}, hook {ipt_table.hook}", Remedy: "`{ipt_table.tool} -t {ipt_table.table} -vnL --line-numbers`",
			Limits: "7.3 builds the legacy tables only with CONFIG_NETFILTER_XTABLES_LEGACY.",
		},
		{
			ID: "ebtables-rule", Site: "nf_hook_slow", When: "ebt_table.verdict == 0 && ebt_rule.size != 0", Refines: []string{"ebtables"},
			Text:   "ebtables, table {ebt_table.table}, hook {ebt_table.hook}[[: {rule}]]",
			Remedy: "`ebtables-legacy -t {ebt_table.table} -L --Lc --Ln`", Group: "ebtables {ebt_table.table}[[ {rule_name}]]", Special: legacySpecial,
			Limits: "As iptables-rule. The policy of a chain is told if no rule of the hook has a match or a target that may drop packets.",
		},
		{
			ID: "ebtables", Site: "nf_hook_slow", When: "ebt_table.verdict == 0",
			Text: "ebtables, table {ebt_table.table}, hook {ebt_table.hook}", Remedy: "`ebtables-legacy -t {ebt_table.table} -L --Lc --Ln`",
		},
		{
			ID: "ipvs", Site: "nf_hook_slow", When: "ipvs.verdict == 0", Text: "IPVS drops the packet in hook {ipvs.hook}: no real server is available, or that of its connection was removed",
			Remedy: "`ipvsadm -Ln`; `sysctl net.ipv4.vs.expire_nodest_conn`",
		},
		{
			ID: "bpf-netfilter", Site: "nf_hook_slow", When: "bpf_hook.verdict == 0", Text: "BPF program {bpf_hook.program} {bpf_hook.name} attached to the netfilter hook {bpf_hook.hook} drops the packet",
			Remedy: "`bpftool prog show id {bpf_hook.program}`; `bpftool link show`", Limits: "Such programs exist since 6.4.",
		},
		{
			ID: "defrag-failed", Site: "nf_hook_slow", When: "defrag.verdict == 0", Text: "the fragments of the packet could not be reassembled for connection tracking", Remedy: "see the drops of its fragments; `sysctl net.ipv4.ipfrag_high_thresh net.netfilter.nf_conntrack_frag6_high_thresh`",
		},
		{
			ID: "synproxy", Site: "nf_hook_slow", When: "synproxy.verdict == 0", Text: "SYNPROXY drops the packet: it belongs to no handshake that the proxy knows", Remedy: "`sysctl -w net.netfilter.nf_conntrack_tcp_loose=0`; the SYNPROXY rule must match `ct state invalid,untracked`",
		},
		{
			ID: "nat-failed", Site: "nf_hook_slow", When: "nat.verdict == 0", Text: "NAT failed in hook {nat.hook}", Remedy: "`conntrack -S`; compare the rules of the nat chains with the packet: `nft list ruleset`",
		},
		{
			ID: "lsm-netfilter", Site: "nf_hook_slow", When: "lsm_hook.verdict == 0", Text: "a security module denies the packet (netfilter hook)", Remedy: "`ausearch -m avc` (SELinux); `dmesg`",
		},
		{
			ID: "nfqueue-no-listener", Site: "nf_queue", When: "queue_result.error == 3 && !queue.bypass", Refines: []string{"nfqueue-no-handler"},
			Text: "no program reads NFQUEUE {queue.number}, and the rule has no bypass (hook {queue.hook})", Remedy: "start the program that reads queue {queue.number}, or let the rule bypass it (nft: queue flags bypass to {queue.number}; iptables: --queue-bypass): then packets pass unchecked while no program reads",
			Limits: "__nf_queue is inlined on 6.12 and newer: see nfqueue-no-handler and nfqueue-refused.",
		},
		{
			ID: "nfqueue-no-handler", Site: "nf_queue", When: "queue.no_handler && !queue.bypass",
			Text: "NFQUEUE {queue.number} has no handler: the module nfnetlink_queue is not loaded, and the rule has no bypass (hook {queue.hook})", Remedy: "`modprobe nfnetlink_queue` and start the program that reads queue {queue.number}",
		},
		{
			ID: "nfqueue-full", Site: "nf_queue", When: "queue_result.error == 105",
			Text: "NFQUEUE {queue.number} is full (hook {queue.hook})[[: {queue_fill}]]", Remedy: "the program that reads the queue is too slow: a longer queue (NFQA_CFG_QUEUE_MAXLEN), several queues, or NFQA_CFG_F_FAIL_OPEN, with which packets pass unchecked while the queue is full",
			Special: "{queue_fill}: a resolver reads length, limit and reader of the queue from /proc/net/netfilter/nfnetlink_queue",
		},
		{
			ID: "nfqueue-refused", Site: "nf_queue", Functions: []string{"nf_queue"}, Reasons: []string{Unspecified}, When: "known(queue.number) && !queue.no_handler && !queue.bypass && !known(queue_result.error)",
			Text: "NFQUEUE {queue.number} did not take the packet (hook {queue.hook}): no program reads it, or it is full[[: {queue_fill}]]", Remedy: "`cat /proc/net/netfilter/nfnetlink_queue`",
			Special: "{queue_fill}: as nfqueue-full",
		},
	},
}
