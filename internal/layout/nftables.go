// SPDX-License-Identifier: Apache-2.0

package layout

// nftables510 is the layout of nftables in Linux 5.10, of 64-bit kernels. The offsets were read in the code of Debian's nf_tables.ko
// 5.10.223 for amd64; in that for arm64, those of the functions that packets pass and of nft_table.name. The trial checks all of them
// before they are used.
var nftables510 = layout{
	structs: []structure{
		{"list_head", 16, []member{{name: "next", of: "*list_head"}, {name: "prev", at: 8, of: "*list_head"}}},
		{"nf_hook_state", 48, []member{{name: "hook", of: "u32"}, {name: "pf", at: 4, of: "u8"}}},
		{"nf_hook_ops", 40, []member{{name: "pf", at: 24, of: "u8"}, {name: "hooknum", at: 28, of: "u32"}, {name: "priority", at: 32, of: "s32"}}},
		{"nft_table", 272, []member{
			{name: "chains", at: 152, of: "list_head"}, {name: "handle", at: 224, of: "u64"}, {name: "family", at: 236, of: "u16", bits: 6}, {name: "name", at: 240, of: "*u8"},
		}},
		{"nft_chain", 128, []member{
			{name: "rules_gen_0", of: "**nft_rule"}, {name: "rules_gen_1", at: 8, of: "**nft_rule"}, {name: "list", at: 32, of: "list_head"},
			{name: "table", at: 64, of: "*nft_table"}, {name: "handle", at: 72, of: "u64"}, {name: "name", at: 88, of: "*u8"},
		}},
		{"nft_base_chain", 208, []member{{name: "ops", of: "nf_hook_ops"}, {name: "policy", at: 64, of: "u8"}, {name: "chain", at: 80, of: "nft_chain"}}},
		{"nft_rule", 24, []member{
			{name: "handle", at: 16, of: "u64", bits: 42}, {name: "dlen", at: 16, of: "u64", from: 44, bits: 12}, {name: "data", at: 24, of: "u8[]"},
		}},
		{"nft_verdict", 16, []member{{name: "code", of: "u32"}, {name: "chain", at: 8, of: "*nft_chain"}}},
		{"nft_data", 16, []member{{name: "verdict", of: "nft_verdict"}}},
		{"nft_regs", 80, []member{{name: "verdict", of: "nft_verdict"}}},
		{"xt_action_param", 40, []member{{name: "state", at: 16, of: "*nf_hook_state"}}},
		{"nft_pktinfo", 56, []member{{name: "skb", of: "*sk_buff"}, {name: "xt", at: 16, of: "xt_action_param"}}},
		{"nft_expr", 8, []member{{name: "ops", of: "*void"}, {name: "data", at: 8, of: "u8[]"}}},
		{"nft_immediate_expr", 24, []member{{name: "data", of: "nft_data"}, {name: "dreg", at: 16, of: "u8"}, {name: "dlen", at: 17, of: "u8"}}},
		{"nft_set", 208, []member{{name: "flags", at: 200, of: "u16", bits: 14}}},
		{"nft_lookup", 32, []member{{name: "set", of: "*nft_set"}, {name: "sreg", at: 8, of: "u8"}, {name: "dreg", at: 9, of: "u8"}, {name: "invert", at: 10, of: "u8"}}},
	},
	functions: map[string][]string{
		"nf_tables":  {"nft_do_chain", "nft_immediate_eval", "nft_lookup_eval", "nft_exthdr_tcp_strip_eval", "nft_register_expr"},
		"nft_objref": {"nft_objref_eval", "nft_objref_map_eval"}, "nft_compat": {"nft_target_eval_xt", "nft_target_eval_bridge"},
		"nft_reject_inet": {"nft_reject_inet_eval"}, "nft_reject_ipv4": {"nft_reject_ipv4_eval"}, "nft_reject_ipv6": {"nft_reject_ipv6_eval"},
		"nft_reject_bridge": {"nft_reject_bridge_eval"}, "nft_nat": {"nft_nat_eval", "nft_nat_inet_eval"},
		"nft_masq": {"nft_masq_ipv4_eval", "nft_masq_ipv6_eval", "nft_masq_inet_eval"}, "nft_redir": {"nft_redir_eval"},
		"nft_synproxy": {"nft_synproxy_eval"}, "nft_tproxy": {"nft_tproxy_eval"}, "nft_ct": {"nft_ct_set_zone_eval"},
		"nft_connlimit": {"nft_connlimit_eval"}, "nft_fwd_netdev": {"nft_fwd_netdev_eval", "nft_fwd_neigh_eval"},
	},
}

// nftParameters are the parameters of a function of nftables.
func nftParameters(function string) []member {
	switch function {
	case "nft_do_chain":
		return []member{{name: "pkt", of: "*nft_pktinfo"}, {name: "priv", of: "*void"}}
	case "nft_register_expr":
		return []member{{name: "type", of: "*void"}}
	}
	return []member{{name: "expr", of: "*nft_expr"}, {name: "regs", of: "*nft_regs"}, {name: "pkt", of: "*nft_pktinfo"}}
}
