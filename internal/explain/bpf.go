// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// classifier is the first BPF program of a tc filter (cls_bpf). list_head is behind the pointer to the program.
const classifier = "((struct cls_bpf_prog *)((u64)((struct cls_bpf_head *)tp->root)->plist.next - sizeof(struct bpf_prog *)))"

// attached are the first BPF program of a list (bpf_mprog), whether it is the only one, and whether there are more.
func attached(prefix, list string) []Read {
	first, second := list+"->fp_items[0].prog", list+"->fp_items[1].prog"
	return reads(
		num(prefix+"program", first+"->aux->id"), as(lookup.String, prefix+"name", first+"->aux->name"),
		num(prefix+"programs", "("+list+" && "+first+") + ("+list+" && "+second+")"),
	)
}

// onlyProgram are variants of an expression for the BPF program of a control group. If there are several, it is NULL, so
// that its members are unknown.
func onlyProgram(member string) (variants []string) {
	for _, list := range []string{
		"((struct cgroup *)sk->sk_cgrp_data.cgroup)->bpf.effective[atype]->items", // 5.15
		"((struct cgroup *)sk->sk_cgrp_data.cgroup)->bpf.effective[type]->items",
		"((struct cgroup *)sk->sk_cgrp_data.val)->bpf.effective[type]->items",
	} {
		variants = append(variants, "((struct bpf_prog *)((u64)"+list+"[0].prog * !"+list+"[1].prog))->"+member)
	}
	return variants
}

// tcx are the tcx programs of the packet's device, ingress or egress, and whether there are tc filters behind them: the
// list is in a struct behind a pointer, which is NULL without filters.
func tcx(side string) []Read {
	list := "skb->dev->tcx_" + side
	filters := "((struct tcx_entry *)((u64)" + list + "->parent - sizeof(struct mini_Qdisc *)))->miniq"
	return join(attached(side+"_", list), reads(num(side+"_filters", list+" && "+filters)))
}

var programs = family{
	name: "bpf", title: "BPF programs",
	sites: []Site{
		{Name: "xdp_generic", Functions: []string{"do_xdp_generic", "netif_receive_generic_xdp", "__netif_receive_skb_core", "generic_xdp_tx"}, Reasons: []string{"XDP", Unspecified},
			Reads: reads(device, num("program", "skb->dev->xdp_prog->aux->id"), as(lookup.String, "name", "skb->dev->xdp_prog->aux->name"))},
		{Name: "tc_program", Functions: []string{"__netif_receive_skb_core", "__dev_queue_xmit", "sch_handle_ingress", "sch_handle_egress", "tcx_run"}, Reasons: []string{"TC_INGRESS", "TC_EGRESS"}, Reads: join(reads(device), tcx("ingress"), tcx("egress"))},
		// The packet's device is already the peer when the programs run; one of the two is the primary device.
		{Name: "netkit", Functions: []string{"netkit_xmit"}, Reasons: []string{Unspecified}, Reads: reads(device, num("primary", behindDevice("skb->dev", "netkit")+"->primary"))},
		{Name: "cgroup_egress", Functions: []string{"ip_finish_output", "ip6_finish_output", "ip_mc_finish_output"}, Reasons: []string{"BPF_CGROUP_EGRESS", Unspecified}},
		{Name: "socket_filter", Reasons: []string{"SOCKET_FILTER", "SECURITY_HOOK", Unspecified}, Functions: []string{
			"sk_filter_trim_cap", "tcp_v4_rcv", "tcp_v6_rcv", "udp_queue_rcv_one_skb", "udpv6_queue_rcv_one_skb", "__sk_receive_skb", "packet_rcv", "tpacket_rcv", "sock_queue_rcv_skb_reason", "raw_rcv", "unix_dgram_sendmsg", "tcp_filter"}},
	},
	decisions: []Decision{
		{Name: "cgroup_program", Denies: true, Inside: "sk_filter", Functions: []string{"__cgroup_bpf_run_filter_skb"}, Skb: "skb", Keep: "ret != 0 && ret != 2", // NET_XMIT_CN: the packet goes on
			// BPF_CGROUP_INET_INGRESS is 0 and EGRESS 1, in enum cgroup_bpf_attach_type (5.15), too.
			Reads: reads(num("error", "-ret"), num("egress", "atype == CGROUP_INET_EGRESS", "type == BPF_CGROUP_INET_EGRESS"),
				either(lookup.String, "cgroup", "((struct cgroup *)sk->sk_cgrp_data.cgroup)->kn->name", "((struct cgroup *)sk->sk_cgrp_data.val)->kn->name"),
				num("cgroup_id", "((struct cgroup *)sk->sk_cgrp_data.cgroup)->kn->id", "((struct cgroup *)sk->sk_cgrp_data.val)->kn->id"),
				num("lport", "sk->__sk_common.skc_num"), num("program", onlyProgram("aux->id")...), either(lookup.String, "name", onlyProgram("aux->name")...))},
		{Name: "sk_filter", Denies: true, Functions: []string{"sk_filter_trim_cap"}, Skb: "skb", Keep: "ret != 0",
			// LSMs refuse with EACCES, filters with EPERM; since 6.16 the result is a drop reason.
			Reads: reads(num("error", "-(int)ret"), num("by_filter", "(int)ret == -1 || (int)ret == SKB_DROP_REASON_SOCKET_FILTER", "(int)ret == -1"), num("by_lsm", "(int)ret == -13 || (int)ret == SKB_DROP_REASON_SECURITY_HOOK", "(int)ret == -13"), num("lport", "sk->__sk_common.skc_num"), num("has_filter", "sk->sk_filter != 0"),
				where("sk->sk_filter && sk->sk_filter->prog->aux", num("program", "sk->sk_filter->prog->aux->id")),
				where("sk->sk_filter", num("classic", "sk->sk_filter->prog->orig_prog != 0")))},
		{
			// A filter with one program, which decides itself (direct action). TC_ACT_SHOT is 2.
			Name: "tc_program", Denies: true, Inside: "classified", Module: "cls_bpf", Functions: []string{"cls_bpf_classify"}, Skb: "skb",
			Keep:  "ret == 2 && ((struct cls_bpf_head *)tp->root)->plist.next == ((struct cls_bpf_head *)tp->root)->plist.prev && " + classifier + "->exts_integrated",
			Reads: reads(num("verdict", "ret"), num("program", classifier+"->filter->aux->id"), as(lookup.String, "name", classifier+"->filter->aux->name"), num("prio", "tp->prio >> 16"), num("chain", "tp->chain->index")),
		},
		{
			Name: "netkit_send", Functions: []string{"netkit_xmit"}, Skb: "skb", At: AtEntry,
			Reads: join(reads(as(lookup.String, "dev", "dev->name"), netnsOf("dev"), num("primary", behindDevice("dev", "netkit")+"->primary"), num("policy", behindDevice("dev", "netkit")+"->policy")),
				attached("", behindDevice("dev", "netkit")+"->active")),
		},
		{
			// XDP_PASS is 2, XDP_TX 3, XDP_REDIRECT 4.
			Name: "generic_xdp", Functions: []string{"bpf_prog_run_generic_xdp"}, Skb: "skb", Keep: "ret < 2 || ret > 4",
			Reads: reads(as(verdict, "verdict", "ret")),
		},
		{
			Name: "generic_redirect", Functions: []string{"xdp_do_generic_redirect"}, Skb: "skb", Keep: "ret != 0",
			Reads: reads(as(errno, "error", "-ret")),
		},
		{Name: xdpProgram, Special: "the event of the program's verdict has the values (--filter-trace-xdp)", Dies: true, Reads: reads(as(verdict, "verdict"), num("program"), as(lookup.String, "name"), as(lookup.String, "dev"))},
		{Name: xdpRedirect, Special: "the event of the program's verdict has the values, after the raw tracepoints xdp_redirect_err and xdp_redirect_map_err (--filter-trace-xdp)", Dies: true, Reads: reads(as(errno, "error"), num("program"), as(lookup.String, "name"), as(lookup.String, "dev"))},
	},
	causes: []Cause{
		// XDP_DROP has no reason; XDP is that of a redirect or a transmission that failed.
		{ID: "xdp-generic", Site: "xdp_generic", Reasons: []string{Unspecified}, Functions: []string{"do_xdp_generic", "netif_receive_generic_xdp"}, When: "program != 0 && !known(generic_redirect.error)", Text: "the XDP program {program} {name} on {dev} (generic mode) drops the packet[[: {generic_xdp.verdict}]]", Remedy: "`bpftool prog show id {program}`; `ip link show {dev}`", Limits: "If there is no memory to linearize the packet, the kernel drops it at the same place, without a verdict."},
		{ID: "xdp-generic-redirect", Site: "xdp_generic", Reasons: []string{"XDP", Unspecified}, When: "program != 0 && (reason.specified || known(generic_redirect.error))", Text: "the XDP program {program} {name} on {dev} (generic mode) could not redirect or send the packet[[: {generic_redirect.error}]]", Remedy: "check that the target device is up, and that its MTU is large enough: `ip link show`; `bpftool prog show id {program}`"},
		{ID: "xdp-veth", Site: "veth", Functions: []string{"veth_xdp_rcv_skb"}, When: "program != 0", Text: "the XDP program {program} {name} on {dev} drops the packet", Remedy: "`bpftool prog show id {program}`; `ip link show {dev}`", Limits: "If there is no memory to linearize the packet, veth drops it at the same place."},
		{ID: "xdp-native", Silent: xdpProgram, When: "xdp_program.verdict < 2 || xdp_program.verdict > 4", Text: "{xdp_program.verdict} by the XDP program {xdp_program.program} {xdp_program.name}[[ on {xdp_program.dev}]], before the packet has an sk_buff", Remedy: "`bpftool prog show id {xdp_program.program}`",
			Special: "needs --filter-trace-xdp, which traces the program and costs time for each of its packets", Limits: "Not for frames that are redirected to a veth device. The packet filter sees the frame before the program."},
		{ID: "xdp-redirect", Silent: xdpRedirect, When: "xdp_redirect.error != 0", Text: "the redirect by the XDP program {xdp_redirect.program} {xdp_redirect.name}[[ on {xdp_redirect.dev}]] fails: {xdp_redirect.error}", Remedy: "EINVAL: there is no such target; EOPNOTSUPP, ENXIO: it can't take XDP frames; ENETDOWN: it is down; EMSGSIZE: the frame is longer than its MTU; ENOSPC: its queue is full",
			Special: "needs --filter-trace-xdp, which traces the program and costs time for each of its packets", Limits: "Not for frames that the target's driver refuses later, several at a time."},
		{ID: "tc-program", Site: "tc_program", When: "tc_program.verdict == 2", Text: "the BPF program {tc_program.program} {tc_program.name} of a tc filter on {dev} (priority {tc_program.prio}) drops the packet (TC_ACT_SHOT)", Remedy: "`tc filter show dev {dev} ingress` (or egress); `bpftool prog show id {tc_program.program}`",
			Limits: "Programs that it calls by a tail call are not named. A filter with several programs is tc-classifier."},
		{ID: "tcx-ingress", Site: "tc_program", Reasons: []string{"TC_INGRESS"}, When: "ingress_programs == 1 && !ingress_filters && !known(classified.verdict)", Text: "the tcx program {ingress_program} {ingress_name} at the ingress of {dev} drops the packet", Remedy: "`bpftool net show dev {dev}`; `bpftool prog show id {ingress_program}`",
			Limits: "tcx exists since 6.6. With tc filters on the same side of the device, the cause is unknown."},
		{ID: "tcx-ingress-several", Site: "tc_program", Reasons: []string{"TC_INGRESS"}, When: "ingress_programs > 1 && !ingress_filters && !known(classified.verdict)", Text: "one of several tcx programs at the ingress of {dev} drops the packet; the first one is {ingress_program} {ingress_name}", Remedy: "`bpftool net show dev {dev}`; `tracer --filter-trace-tc` shows their verdicts",
			Limits: "tcx exists since 6.6. With tc filters on the same side of the device, the cause is unknown."},
		{ID: "tcx-egress", Site: "tc_program", Reasons: []string{"TC_EGRESS"}, When: "egress_programs == 1 && !egress_filters && !known(classified.verdict)", Text: "the tcx program {egress_program} {egress_name} at the egress of {dev} drops the packet", Remedy: "`bpftool net show dev {dev}`; `bpftool prog show id {egress_program}`",
			Limits: "tcx exists since 6.6. With tc filters on the same side of the device, the cause is unknown."},
		{ID: "tcx-egress-several", Site: "tc_program", Reasons: []string{"TC_EGRESS"}, When: "egress_programs > 1 && !egress_filters && !known(classified.verdict)", Text: "one of several tcx programs at the egress of {dev} drops the packet; the first one is {egress_program} {egress_name}", Remedy: "`bpftool net show dev {dev}`; `tracer --filter-trace-tc` shows their verdicts",
			Limits: "tcx exists since 6.6. With tc filters on the same side of the device, the cause is unknown."},
		{ID: "netkit-program", Netns: "netkit_send.netns", Site: "netkit", When: "primary != netkit_send.primary && netkit_send.programs == 1", Text: "the BPF program {netkit_send.program} {netkit_send.name} of the netkit device {netkit_send.dev} drops the packet", Remedy: "`bpftool net show dev {netkit_send.dev}`; `bpftool prog show id {netkit_send.program}`", Limits: "netkit exists since 6.7."},
		{ID: "netkit-programs", Netns: "netkit_send.netns", Site: "netkit", When: "primary != netkit_send.primary && netkit_send.programs > 1", Text: "one of several BPF programs of the netkit device {netkit_send.dev} drops the packet; the first one is {netkit_send.program} {netkit_send.name}", Remedy: "`bpftool net show dev {netkit_send.dev}`; `tracer --filter-trace-tc` shows their verdicts", Limits: "netkit exists since 6.7."},
		{ID: "netkit-policy", Netns: "netkit_send.netns", Site: "netkit", When: "primary != netkit_send.primary && !netkit_send.programs && netkit_send.policy == 2", Text: "the netkit device {netkit_send.dev} has no BPF program, and its policy is blackhole", Remedy: "the program that the device was made for (Cilium?) is not attached: `ip -d link show {netkit_send.dev}`", Limits: "netkit exists since 6.7."},
		{ID: "cgroup-egress", Site: "cgroup_egress", When: "cgroup_program.egress && cgroup_program.error != 0", Text: "a BPF program of the control group {cgroup_program.cgroup} (id {cgroup_program.cgroup_id}) denies the packet on output[[: {cgroup_program.program} {cgroup_program.name}]]", Remedy: "`bpftool cgroup tree`; for a service of systemd, IPAddressDeny= and IPAddressAllow= of its unit"},
		{ID: "cgroup-ingress", Site: "socket_filter", When: "known(cgroup_program.error) && !cgroup_program.egress && cgroup_program.error != 0", Refines: []string{"socket-filter"}, Text: "a BPF program of the control group {cgroup_program.cgroup} (id {cgroup_program.cgroup_id}) denies the packet to the socket on port {cgroup_program.lport}[[: {cgroup_program.program} {cgroup_program.name}]]", Remedy: "`bpftool cgroup tree`; for a service of systemd, IPAddressDeny= and IPAddressAllow= of its unit",
			Limits: "The kernel's reason is SOCKET_FILTER."},
		{ID: "security-module", Site: "socket_filter", When: "sk_filter.by_lsm && !known(cgroup_program.error)", Text: "a security module denies the packet to the socket on port {sk_filter.lport}", Remedy: "`ausearch -m avc` (SELinux); `dmesg`"},
		{ID: "socket-filter", Site: "socket_filter", Reasons: []string{"SOCKET_FILTER", Unspecified}, When: "sk_filter.has_filter && sk_filter.by_filter && !sk_filter.by_lsm && !known(cgroup_program.error)", Text: "the filter[[ (program {sk_filter.program})]] of the socket on port {sk_filter.lport} rejects the packet", Remedy: "`ss -abp` shows classic filters with their processes; `bpftool prog show` lists programs"},
	},
}
