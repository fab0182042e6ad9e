// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tracer/internal/printable"
)

// preset is a named group of functions and tracepoints of Linux 5.10 to 7.x. Each element of names is an
// expression for whole names; those that a kernel does not have match nothing. Functions that take a
// netlink skb, or that only read or count something, are left out.
type preset struct {
	name  string
	names []string
}

// presets are all groups. No name is in two of them. docs/filtering.md describes each.
var presets = []preset{
	// from the driver to the protocol: GRO, the backlog, tc ingress, IP and ARP input
	{"rx", []string{
		`(?:__)?netif_rx(?:_internal|_ni|_any_context|(?:_ni)?_entry)?`,
		`(?:__)?netif_receive_skb(?:_one_core|_core|_internal|_entry|_list_entry)?`, `netif_receive_generic_xdp`, `do_xdp_generic`,
		`napi_gro_receive(?:_entry)?`, `napi_gro_frags(?:_entry)?`, `gro_receive_skb`, `gro_cells_receive`, `dev_gro_receive`,
		`gro_normal_one`, `(?:inet|ipv6|eth|vlan)_gro_receive`, `enqueue_to_backlog`, `eth_type_trans`, `skb_vlan_untag`,
		`(?:sch_)?handle_ingress`, `tcf_classify_ingress`, `deliver_skb`,
		`ip_(?:rcv|local_deliver)(?:_core|_finish|_finish_core)?`, `ip_protocol_deliver_rcu`, `ip_(?:check_)?defrag`,
		`ip6_rcv_(?:core|finish)`, `ipv6_rcv`, `ip6_(?:mc_)?input(?:_finish)?`, `ip6_protocol_deliver_rcu`, `ipv6_frag_rcv`,
		`raw6?_local_deliver`, `arp_(?:rcv|process)`, `icmpv?6?_rcv`, `igmp_rcv`, `ndisc_rcv`,
	}},
	// from IP output to the driver: fragments, neighbours, queueing disciplines
	{"tx", []string{
		`(?:__)?ip6?_local_out`, `(?:__)?ip_queue_xmit`, `inet6_csk_xmit`, `ip6_xmit`, `ip6?_send_skb`, `ip_build_and_send_pkt`,
		`ip6?_output`, `ip_mc_output`, `(?:__)?ip6?_finish_output2?`, `ip_mc_finish_output`, `ip_do_fragment`, `ip6_fragment`,
		`neigh_(?:resolve_output|connected_output|direct_output|xmit)`, `arp_xmit(?:_finish)?`, `ndisc_send_skb`,
		`(?:__)?dev_queue_xmit(?:_accel)?`, `(?:__)?dev_direct_xmit`, `dev_qdisc_enqueue`, `dev_loopback_xmit`,
		`(?:netdev|netdev_core)_pick_tx`, `validate_xmit_(?:skb|skb_list|xfrm)`, `(?:__)?skb_(?:mac_)?gso_segment`,
		`(?:[bp]fifo|pfifo_(?:fast|tail|head_drop)|fq|fq_codel|fq_pie|codel|cake|htb|tbf|prio|red|sfq|sfb|pie|hfsc|drr|ets|netem|multiq|taprio|etf|cbs|qfq|hhf|choke|gred|plug|noop)_enqueue`,
		`qdisc_(?:en|de)queue`, `sch_direct_xmit`, `dev_hard_start_xmit`, `packet_(?:direct_)?xmit`, `netpoll_start_xmit`,
		`net_dev_(?:queue|start_xmit|xmit)`, `(?:loopback|veth|netkit|dummy|macvlan|ipvlan)_(?:start_)?xmit`, `(?:[a-z0-9]+_)?start_xmit`, `[a-z0-9]+_xmit_frame`,
	}},
	// functions that drop packets, and the drop tracepoint
	{"drop", []string{
		`kfree_skb(?:_reason)?`, `sk_skb_reason_drop`, `qdisc_drop`, `bpf_qdisc_skb_drop`, `mptcp_drop`, `dst_discard(?:_out)?`,
		`ip6_pkt_(?:drop|discard|discard_out|prohibit|prohibit_out)`, `blackhole_(?:enqueue|neigh_output|netdev_xmit)`,
		`__sk_queue_drop_skb`,
	}},
	// netfilter without NAT: hooks, tables, connection tracking
	{"nf", []string{
		`nf_hook_(?:slow|direct_egress|run_bpf)`, `(?:__)?nf_queue`, `nf_reinject`, `nf_reroute`, `nf_ip6?_(?:checksum|reroute)`,
		`nft_do_chain(?:_[a-z0-9_]+)?`, `nf_route_table_(?:hook[46]|inet)`, `(?:ip|ip6|arp|eb)t_do_table`,
		`nf_conntrack_(?:in|attach|update)`, `nf_conntrack_[a-z0-9]+_(?:packet|error)`, `ipv[46]_conntrack_(?:in|local|defrag)`, `ipv6_defrag`,
		`(?:nf|ipv[46])_confirm`, `__nf_conntrack_confirm`, `(?:__)?nf_ct_resolve_clash`, `nf_ct_(?:attach|helper|handle_fragments|frag6_gather)`,
		`nf_ct_(?:seq_adjust|tcp_seqadj_set)`, `nf_flow_offload_[a-z0-9_]*hook`, `ip6?_route_me_harder`, `synproxy_.*`,
	}},
	// network address translation
	{"nat", []string{
		`(?:__)?nf_nat_.*`, `l4proto_manip_pkt`, `nft_nat_do_chain`, `ip6?table_nat_do_chain`, `nf_ct_nat(?:_execute)?`, `ovs_ct_nat_execute`, `tcf_ct_act_nat`,
	}},
	// bridges: learning, forwarding, flooding, VLANs, netfilter on bridges
	{"bridge", []string{
		`br_handle_(?:frame|frame_finish|local_finish|vlan|egress_vlan_tunnel|ingress_vlan_tunnel)`, `__br_handle_local_finish`,
		`br_pass_frame_up`, `br_netif_receive_skb`, `(?:__)?br_forward`, `br_forward_finish`, `br_(?:multicast_)?flood`, `maybe_deliver`, `deliver_clone`,
		`br_dev_xmit`, `br_dev_queue_push_xmit`, `br_allowed_(?:in|e)gress`, `br_should_learn`, `br_multicast_(?:rcv|ipv4_rcv|ipv6_rcv)`,
		`br_do_(?:proxy_suppress_arp|suppress_nd)`, `br_(?:nd|arp)_send`, `br_stp_rcv`, `br_send_bpdu_finish`, `stp_pdu_rcv`, `br_ip6_fragment`, `br_nf_.*`,
	}},
	// routing decisions and forwarding
	{"route", []string{
		`ip_route_(?:input|use_hint|output_key_hash).*`, `ip6_route_(?:input|lookup).*`, `ip6_pol_route(?:_.*)?`, `ipv6_route_input`,
		`(?:__)?fib_validate_source`, `ip_mc_validate_source`, `fib6?_select_path`, `fib_multipath_hash`, `rt6_multipath_hash`, `fib6_rule_lookup`, `rt6_lookup`,
		`ip6?_forward(?:_finish|_options)?`, `ip_error`, `ip_rt_bug`, `ip_handle_martian_source`, `ip_rt_send_redirect`,
		`(?:__)?ip_do_redirect`, `(?:rt6|ip6)_(?:do_)?redirect`, `ip6?_mr_(?:input|output|forward)`, `ip6mr_forward2`, `ipmr_(?:rt_fib_lookup|prepare_xmit|queue_xmit)`,
		`ip6?_rt_update_pmtu`, `ip(?:v4|6)_link_failure`, `lwtunnel_(?:input|output|xmit)`, `is_skb_forwardable`,
	}},
	// TCP, with its tracepoints
	{"tcp", []string{
		`tcp_v[46]_.*`, `tcp[46]_g[rs]o_.*`, `tcp_g[rs]o_.*`, `tcp6_check_fraglist_gro`, `__tcpv[46]_gso_segment_csum`,
		`__tcp_(?:transmit_skb|retransmit_skb|ecn_check_ce|v4_send_check|accecn_process)`, `cookie_(?:v[46]|tcp)_.*`,
		`tcp_(?:ack|ack_.*|accecn_process|add_backlog|ao_.*|bad_csum|hash_.*|inbound_.*|check_req|child_process|collapse|collapse_one|conn_request|create_openreq_child)`,
		`tcp_(?:data_.*|drop|drop_reason|eat_skb|ecn_create_request|established_options|event_.*|fastopen_add_skb|filter|finish_connect|fragment|get_cookie_sock|grow_window)`,
		`tcp_(?:init_transfer|make_synack|mark_.*|match_skb_to_sack|measure_rcv_mss|ooo_try_coalesce|oow_rate_limited|parse_options|probe|prune_ofo_queue|queue_rcv)`,
		`tcp_(?:rack_.*|rate_.*|rbtree_insert|rcv_.*|remove_empty_skb|reqsk_.*|reset|retransmit_skb|sacktag_.*|send_.*|shifted_skb|skb_.*|timewait_state_process)`,
		`tcp_(?:trim_head|try_.*|update_.*|urg|validate_incoming|wfree)`,
	}},
	// UDP, with its tracepoint
	{"udp", []string{
		`(?:__)?udp(?:v6)?_rcv`, `__udp[46]_lib_(?:rcv|lookup|err)`, `udp[46]_lib_lookup_skb`, `udp(?:v6)?_queue_rcv_(?:one_)?skb`, `udp6?_unicast_rcv_skb`,
		`__udp_enqueue_schedule_skb`, `udp_fail_queue_rcv_skb`, `udp_v[46]_early_demux`, `udp_send_skb`, `udp_v6_send_skb`, `udp(?:v6)?_err`,
		`udp[46]?_gro_(?:receive|complete)`, `__udp_gso_segment`, `__udpv[46]_gso_segment_csum`, `udp[46]_ufo_fragment`, `skb_udp_tunnel_segment`,
		`udp4_hwcsum`, `udp6?_set_csum`, `udp6_csum_init`, `udplite(?:v6)?_(?:rcv|err)`, `skb_consume_udp`, `udp_tunnel6?_xmit_skb`,
	}},
}

// presetName matches a preset in an expression; no function has an @ in its name.
var presetName = regexp.MustCompile(`@\w*`)

// ExpandPresets replaces each @preset in a function filter by an expression for its names.
func ExpandPresets(expr string) (string, error) {
	var unknown error
	expanded := presetName.ReplaceAllStringFunc(expr, func(word string) string {
		i := slices.IndexFunc(presets, func(p preset) bool { return "@"+p.name == word })
		if i < 0 {
			unknown = fmt.Errorf("preset %s: unknown, the presets are %s", printable.Quote(word), strings.Join(PresetNames(), ", "))
			return word
		}
		return "(?:" + strings.Join(presets[i].names, "|") + ")"
	})
	return expanded, unknown
}

// PresetNames returns the names of the presets, with the @.
func PresetNames() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = "@" + p.name
	}
	return names
}
