// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

const programSpecial = "a tracing program on the exit of each BPF program keeps its verdict (as --filter-trace-tc and --filter-trace-xdp do): id, name and verdict are its values"

const programUntold = "each BPF program needs a tracing program of its own, which --drop does not load yet: see --filter-trace-tc and --filter-trace-xdp"

var programs = family{
	name: "bpf", title: "BPF programs",
	sites: []Site{
		{Name: "xdp_generic", Functions: []string{"do_xdp_generic", "netif_receive_generic_xdp", "__netif_receive_skb_core", "generic_xdp_tx"}, Reasons: []string{"XDP", Unspecified},
			Reads: reads(device, num("program", "skb->dev->xdp_prog->aux->id"), as(lookup.String, "name", "skb->dev->xdp_prog->aux->name"))},
		{Name: "tc_program", Functions: []string{"__netif_receive_skb_core", "__dev_queue_xmit", "sch_handle_ingress", "sch_handle_egress", "tcx_run"}, Reasons: []string{"TC_INGRESS", "TC_EGRESS"}, Reads: reads(device)},
		{Name: "netkit", Functions: []string{"netkit_xmit"}, Reasons: []string{Unspecified}, Reads: reads(device)},
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
				num("lport", "sk->__sk_common.skc_num"))},
		{Name: "sk_filter", Denies: true, Functions: []string{"sk_filter_trim_cap"}, Skb: "skb", Keep: "ret != 0",
			// LSMs refuse with EACCES, filters with EPERM; since 6.16 the result is a drop reason.
			Reads: reads(num("error", "-(int)ret"), num("by_filter", "(int)ret == -1 || (int)ret == SKB_DROP_REASON_SOCKET_FILTER", "(int)ret == -1"), num("by_lsm", "(int)ret == -13 || (int)ret == SKB_DROP_REASON_SECURITY_HOOK", "(int)ret == -13"), num("lport", "sk->__sk_common.skc_num"), num("has_filter", "sk->sk_filter != 0"),
				where("sk->sk_filter && sk->sk_filter->prog->aux", num("program", "sk->sk_filter->prog->aux->id")),
				where("sk->sk_filter", num("classic", "sk->sk_filter->prog->orig_prog != 0")))},
		{Name: "tc_program", Denies: true, Inside: "classified", Special: programSpecial, Reads: reads(num("verdict"), num("program"), as(lookup.String, "name"))},
		{Name: "netkit_program", Denies: true, Special: programSpecial, Reads: reads(num("verdict"), num("program"), as(lookup.String, "name"))},
		{Name: "xdp_program", Special: programSpecial, Dies: true, Reads: reads(as(verdict, "verdict"), num("program"), as(lookup.String, "name"), as(lookup.String, "dev"), num("queue"))},
		// The raw tracepoints xdp_redirect_err and xdp_redirect_map_err: dev, xdp, tgt, err, map_type, map_id, index.
		{Name: "xdp_redirect", Special: "raw tracepoints xdp_redirect_err and xdp_redirect_map_err, which have no function", Dies: true,
			Reads: reads(as(errno, "error"), num("program"), as(lookup.String, "name"), as(lookup.String, "dev"), num("map"), num("index"))},
	},
	causes: []Cause{
		// XDP_DROP has no reason; XDP is that of a redirect or a transmission that failed.
		{ID: "xdp-generic", Site: "xdp_generic", Reasons: []string{Unspecified}, Functions: []string{"do_xdp_generic", "netif_receive_generic_xdp"}, When: "program != 0", Text: "the XDP program {program} {name} on {dev} (generic mode) drops the packet", Remedy: "bpftool prog show id {program}; ip link show {dev}", Limits: "If there is no memory to linearize the packet, the kernel drops it at the same place."},
		{ID: "xdp-generic-redirect", Site: "xdp_generic", Reasons: []string{"XDP"}, When: "program != 0", Text: "the XDP program {program} {name} on {dev} (generic mode) could not redirect or send the packet", Remedy: "check that the target device is up: ip link show; bpftool prog show id {program}"},
		{ID: "xdp-native", Silent: "xdp_program", When: "xdp_program.verdict < 2", Text: "{xdp_program.verdict} by the XDP program {xdp_program.program} {xdp_program.name} on {xdp_program.dev}, queue {xdp_program.queue}", Remedy: "bpftool prog show id {xdp_program.program}", Special: programSpecial, Untold: programUntold},
		{ID: "xdp-redirect", Silent: "xdp_redirect", When: "xdp_redirect.error != 0", Text: "the redirect by the XDP program {xdp_redirect.program} {xdp_redirect.name} on {xdp_redirect.dev} fails: {xdp_redirect.error}[[ (map {xdp_redirect.map}, index {xdp_redirect.index})]]", Remedy: "ENXIO, EOPNOTSUPP: the target does not support XDP frames; ENETDOWN: it is down; ENOSPC: its ring is full", Special: "needs the raw tracepoints xdp_redirect_err and xdp_redirect_map_err", Untold: "the frame has no packet (sk_buff) yet, and the tracepoints xdp_redirect_err and xdp_redirect_map_err are not attached yet"},
		{ID: "tc-program", Site: "tc_program", When: "tc_program.verdict == 2", Text: "the BPF program {tc_program.program} {tc_program.name} on {dev} drops the packet (TC_ACT_SHOT)", Remedy: "bpftool net show dev {dev}; bpftool prog show id {tc_program.program}", Special: programSpecial, Untold: programUntold},
		{ID: "netkit-program", Site: "netkit", When: "netkit_program.verdict == 2", Text: "the BPF program {netkit_program.program} {netkit_program.name} of the netkit device {dev} drops the packet", Remedy: "bpftool net show dev {dev}", Special: programSpecial, Limits: "netkit exists since 6.7.", Untold: programUntold},
		{ID: "cgroup-egress", Site: "cgroup_egress", When: "cgroup_program.egress && cgroup_program.error != 0", Text: "a BPF program of the control group {cgroup_program.cgroup} (id {cgroup_program.cgroup_id}) denies the packet on output", Remedy: "bpftool cgroup tree; for services of systemd: IPAddressDeny="},
		{ID: "cgroup-ingress", Site: "socket_filter", When: "known(cgroup_program.error) && !cgroup_program.egress && cgroup_program.error != 0", Refines: []string{"socket-filter"}, Text: "a BPF program of the control group {cgroup_program.cgroup} (id {cgroup_program.cgroup_id}) denies the packet to the socket on port {cgroup_program.lport}", Remedy: "bpftool cgroup tree; for services of systemd: IPAddressDeny=",
			Limits: "The kernel's reason is SOCKET_FILTER."},
		{ID: "security-module", Site: "socket_filter", When: "sk_filter.by_lsm && !known(cgroup_program.error)", Text: "a security module denies the packet to the socket on port {sk_filter.lport}", Remedy: "ausearch -m avc (SELinux); dmesg"},
		{ID: "socket-filter", Site: "socket_filter", Reasons: []string{"SOCKET_FILTER", Unspecified}, When: "sk_filter.has_filter && sk_filter.by_filter && !sk_filter.by_lsm && !known(cgroup_program.error)", Text: "the filter[[ (program {sk_filter.program})]] of the socket on port {sk_filter.lport} rejects the packet", Remedy: "ss -abp shows classic filters; bpftool prog show lists programs"},
	},
}
