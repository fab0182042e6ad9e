// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

var queueReads = reads(
	as(lookup.String, "kind", "q->ops->id"), as(lookup.Handle, "handle", "q->handle"), as(lookup.Handle, "parent", "q->parent"),
	as(lookup.String, "dev", "q->dev_queue->dev->name"), as(lookup.String, "to", "skb->dev->name"), num("limit", "q->limit"),
	where("!(q->flags & 0x20)", num("qlen", "q->q.qlen")), where("!(q->flags & 0x20)", as(size, "backlog", "q->qstats.backlog")),
	num("result", "ret"), num("txqueuelen", "q->dev_queue->dev->tx_queue_len"),
	num("in_bytes", `q->ops->id == "bfifo" || q->ops->id == "tbf" || q->ops->id == "red"`),
	num("pfifo_fast", `q->ops->id == "pfifo_fast"`), num("noop", `q->ops->id == "noop"`),
)

// transmitting are the functions that free what a queueing discipline dropped; most are inlined. Those that free a list
// have other callers, too: the causes depend on the decision.
var transmitting = []string{"__dev_queue_xmit", "__dev_xmit_skb", "__tcf_kfree_skb_list", "tcf_kfree_skb_list", "kfree_skb_list_reason", "kfree_skb_list", "__dev_direct_xmit", "sch_direct_xmit", "__qdisc_run", "qdisc_dequeue_drop", "net_tx_action"}

var qdisc = family{
	name: "qdisc", title: "Queueing disciplines",
	sites: []Site{
		{Name: "qdisc_drop", Functions: transmitting, Reads: reads(device, as(size, "len", "skb->len"),
			as(lookup.String, "root", "skb->dev->_tx->qdisc->ops->id"), num("max_burst", "net_hotdata->qdisc_max_burst"))},
		{Name: "classify", Functions: append([]string{"tcf_classify", "__netif_receive_skb_core", "sch_handle_ingress", "sch_handle_egress", "tcf_qevent_handle"}, transmitting...),
			Reasons: []string{"TC_INGRESS", "TC_EGRESS", "TC_CHAIN_NOTFOUND", "TC_RECLASSIFY_LOOP", "TC_COOKIE_ERROR"}, Reads: reads(device)},
	},
	decisions: []Decision{
		{
			// The leaf at the moment of enqueueing. NET_XMIT_DROP is 1. After NET_XMIT_CN (2) the packet may be queued
			// and another one dropped, as fq_codel does. Functions are those with the type of an enqueue function, as in
			// --output-lookups.
			Name: "enqueue", Denies: true, Innermost: true, Functions: []string{
				"pfifo_enqueue", "bfifo_enqueue", "pfifo_tail_enqueue", "pfifo_fast_enqueue", "noop_enqueue", "noqueue_enqueue", "fq_codel_enqueue", "fq_enqueue", "tbf_enqueue", "codel_qdisc_enqueue", "red_enqueue", "sfq_enqueue",
				"netem_enqueue", "htb_enqueue", "hfsc_enqueue", "prio_enqueue", "pie_qdisc_enqueue", "fq_pie_qdisc_enqueue", "choke_enqueue", "cake_enqueue", "drr_enqueue", "qfq_enqueue", "gred_enqueue", "sfb_enqueue", "plug_enqueue", "dualpi2_qdisc_enqueue"},
			Every: true, Module: "sch_fq_codel sch_fq sch_tbf sch_codel sch_red sch_sfq sch_netem sch_htb sch_hfsc sch_prio sch_pie sch_fq_pie sch_choke sch_cake sch_drr sch_qfq sch_gred sch_sfb sch_plug sch_dualpi2",
			Skb: "skb", Keep: `ret == 1 || ret == 2 && q->ops->id == "noop"`, Reads: queueReads,
		},
		{
			Name: "classified", Denies: true, Functions: []string{"tcf_classify"}, Skb: "skb", Keep: "ret == 2", // TC_ACT_SHOT
			Reads: reads(num("verdict", "ret"), as(lookup.Hexadecimal, "classid", "res->classid"), num("goto", "res->goto_tp != 0"), as(lookup.String, "kind", "tp->ops->kind"), num("prio", "tp->prio >> 16"), num("chain", "tp->chain->index")),
		},
		{
			Name: "action", Denies: true, Inside: "classified", Functions: []string{"tcf_action_exec"}, Skb: "skb", Keep: "ret == 2",
			Reads: reads(num("verdict", "ret"), as(lookup.String, "kind", "actions[0]->ops->kind"), num("index", "actions[0]->tcfa_index"), num("count", "nr_actions")),
		},
		{
			// TC_ACT_STOLEN 4, QUEUED 5, TRAP 8: the caller consumes the packet. On egress, mirred returns TC_ACT_STOLEN, too, after
			// it has sent a clone. An expression can't search all actions for it.
			Name: "action_took", Functions: []string{"tcf_action_exec"}, Skb: "skb", Dies: true,
			Keep:  `(ret == 4 || ret == 5 || ret == 8) && nr_actions == 1 && actions[0]->ops->kind != "mirred"`,
			Reads: reads(num("verdict", "ret"), as(lookup.String, "kind", "actions[0]->ops->kind"), num("index", "actions[0]->tcfa_index"), num("count", "nr_actions")),
		},
	},
	causes: []Cause{
		{ID: "qdisc-full", Site: "qdisc_drop", Reasons: []string{"QDISC_DROP", "QDISC_OVERLIMIT", "QDISC_DROP_OVERLIMIT", "QDISC_DROP_GENERIC", "FQ_BAND_LIMIT", "FQ_FLOW_LIMIT", "QDISC_DROP_BAND_LIMIT", "QDISC_DROP_FLOW_LIMIT", Unspecified},
			When: "enqueue.result == 1 && !enqueue.in_bytes && !enqueue.pfifo_fast && !enqueue.noop && enqueue.limit != 0 && enqueue.qlen >= enqueue.limit",
			Text: "{enqueue.kind} {enqueue.handle} on {enqueue.dev} is full: {enqueue.qlen} packets of {enqueue.limit} ({enqueue.backlog})", Remedy: "`tc -s qdisc show dev {enqueue.dev}`; the link is the bottleneck: send or shape at a lower rate, or make the queue longer",
			Limits: "On 5.10, which has no types of modules, a full discipline of a module has an unknown cause."},
		{ID: "qdisc-full-bytes", Site: "qdisc_drop", Reasons: []string{"QDISC_DROP", "QDISC_OVERLIMIT", "QDISC_DROP_OVERLIMIT", "QDISC_DROP_GENERIC", Unspecified},
			When: "enqueue.result == 1 && enqueue.in_bytes && enqueue.limit != 0 && enqueue.backlog + len > enqueue.limit",
			Text: "{enqueue.kind} {enqueue.handle} on {enqueue.dev} is full: {enqueue.backlog} of {enqueue.limit} B", Remedy: "`tc -s qdisc show dev {enqueue.dev}`; for tbf, a larger limit or latency", Limits: "Other kinds count packets: see qdisc-full."},
		{ID: "qdisc-pfifo-fast-full", Site: "qdisc_drop", Refines: []string{"qdisc-full-bytes"}, Reasons: []string{"QDISC_DROP", "QDISC_DROP_OVERLIMIT", "QDISC_DROP_GENERIC", Unspecified}, When: "enqueue.result == 1 && enqueue.pfifo_fast",
			Text: "pfifo_fast on {enqueue.dev} is full: the queue of the packet's band holds no more packets (txqueuelen {enqueue.txqueuelen})", Remedy: "`tc -s qdisc show dev {enqueue.dev}`; `ip link set {enqueue.dev} txqueuelen N`"},
		{ID: "qdisc-inactive", Site: "qdisc_drop", Refines: []string{"qdisc-full-bytes", "qdisc-pfifo-fast-full"}, Reasons: []string{"QDISC_DROP", "QDISC_DROP_GENERIC", Unspecified}, When: "enqueue.noop", Text: "{enqueue.to} has no active queueing discipline (noop): it is down, or has no carrier", Remedy: "`ip link show {enqueue.to}`"},
		{ID: "qdisc-congested", Site: "qdisc_drop", Reasons: []string{"QDISC_CONGESTED", "QDISC_DROP_CONGESTED"},
			Text: "the active queue management on {dev} drops the packet, since its queueing delay is too long[[ ({enqueue.kind} {enqueue.handle})]]", Remedy: "`tc -s qdisc show dev {dev}`: target and interval of codel, or the curve of red"},
		{ID: "qdisc-flow-limit", Site: "qdisc_drop", Reasons: []string{"FQ_FLOW_LIMIT", "QDISC_DROP_FLOW_LIMIT"}, Refines: []string{"qdisc-full", "qdisc-full-bytes", "qdisc-pfifo-fast-full"},
			Text: "the packet's flow has too many packets in the queue of {dev} (flow_limit)", Remedy: "`tc -s qdisc show dev {dev}`; for fq, a larger flow_limit"},
		{ID: "qdisc-horizon", Site: "qdisc_drop", Reasons: []string{"FQ_HORIZON_LIMIT", "QDISC_DROP_HORIZON_LIMIT"}, Text: "the packet's departure time is too far in the future for fq on {dev} (horizon)", Remedy: "the sender paces too slowly, or uses another clock; for fq, a larger horizon, or horizon_cap"},
		{ID: "qdisc-band-limit", Site: "qdisc_drop", Reasons: []string{"FQ_BAND_LIMIT", "QDISC_DROP_BAND_LIMIT"}, Refines: []string{"qdisc-full", "qdisc-full-bytes", "qdisc-pfifo-fast-full"}, Text: "the packet's priority band in fq on {dev} is full", Remedy: "`tc -s qdisc show dev {dev}`; for fq, a larger limit"},
		{ID: "qdisc-flows", Site: "qdisc_drop", Reasons: []string{"QDISC_DROP_MAXFLOWS"}, Text: "the queueing discipline on {dev} has too many flows", Remedy: "`tc -s qdisc show dev {dev}`"},
		{ID: "qdisc-flood", Site: "qdisc_drop", Reasons: []string{"CAKE_FLOOD", "QDISC_DROP_FLOOD_PROTECTION"}, Text: "the flood protection of cake or sfb on {dev} drops the packet of an unresponsive flow", Remedy: "the flow does not slow down when packets are dropped: limit it at its source"},
		{ID: "qdisc-l4s", Site: "qdisc_drop", Reasons: []string{"DUALPI2_STEP_DROP", "QDISC_DROP_L4S_STEP_NON_ECN"}, Text: "dualpi2 on {dev} drops a packet without ECN above the step threshold", Remedy: "enable ECN at the sender, or set a higher step_thresh"},
		{ID: "qdisc-burst", Site: "qdisc_drop", Reasons: []string{"QDISC_BURST_DROP"}, Text: "more than net.core.qdisc_max_burst={max_burst} packets wait for the lock of the queueing discipline on {dev}", Remedy: "`sysctl -w net.core.qdisc_max_burst=N`, or more transmit queues"},
		{ID: "tc-classifier", Site: "classify", Reasons: []string{"TC_INGRESS", "TC_EGRESS"}, When: "classified.verdict == 2 && !known(action.verdict) && !known(tc_program.verdict)",
			Text: "the tc filter {classified.kind} on {dev} drops the packet (chain {classified.chain}, first priority {classified.prio})", Remedy: "`tc -s filter show dev {dev} ingress` (or egress)"},
		{ID: "tc-action", Site: "classify", Reasons: []string{"TC_INGRESS", "TC_EGRESS"}, When: "action.verdict == 2 && action.count == 1", Text: "the tc action {action.kind} index {action.index} on {dev} drops the packet", Remedy: "`tc -s actions get action {action.kind} index {action.index}`"},
		{ID: "tc-actions", Site: "classify", Reasons: []string{"TC_INGRESS", "TC_EGRESS"}, When: "action.verdict == 2 && action.count > 1", Text: "one of {action.count} tc actions on {dev}, the first of which is {action.kind} index {action.index}, drops the packet", Remedy: "`tc -s filter show dev {dev} ingress` (or egress)"},
		{ID: "tc-chain", Site: "classify", Reasons: []string{"TC_CHAIN_NOTFOUND"}, Text: "a tc filter on {dev} goes to a chain that does not exist", Remedy: "`tc filter show dev {dev} ingress`; `tc chain show dev {dev}`"},
		{ID: "tc-loop", Site: "classify", Reasons: []string{"TC_RECLASSIFY_LOOP"}, Text: "the tc filters on {dev} reclassify the packet in a loop", Remedy: "`tc filter show dev {dev}`"},
		{ID: "tc-cookie", Site: "classify", Reasons: []string{"TC_COOKIE_ERROR"}, Text: "the tc filter on {dev} at which classification should continue after the hardware no longer exists", Remedy: "none needed (the filter was changed meanwhile)"},
		{ID: "tc-action-took", Silent: "action_took", When: "action_took.count != 0", Text: "the tc action {action_took.kind} index {action_took.index} consumes the packet (stolen, queued or trapped)", Remedy: "`tc -s actions get action {action_took.kind} index {action_took.index}`",
			Special: silentSpecial, Limits: "Only for filters with one action: with several, one of them may redirect the packet."},
	},
}
