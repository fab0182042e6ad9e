// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

const portOf = "((struct net_bridge_port *)skb->dev->rx_handler_data)"

var portReads = reads(
	device, as(portState, "state", portOf+"->state"), num("state_number", portOf+"->state"), as(lookup.Hexadecimal, "flags", portOf+"->flags"),
	num("locked", portOf+"->flags >> 21 & 1"), as(lookup.String, "bridge", portOf+"->br->dev->name"),
	as(lookup.LinkAddress, "to", "*(struct in6_addr *)"+macHeader+"->h_dest", "6"),
	as(lookup.LinkAddress, "from", "*(struct in6_addr *)"+macHeader+"->h_source", "6"),
	num("from_multicast", macHeader+"->h_source[0] & 1"), num("to_link_local", "ntohl(*(u32 *)"+macHeader+"->h_dest) == 0x0180c200"), num("to_last", macHeader+"->h_dest[5]"),
	num("from_zero", "*(u32 *)"+macHeader+"->h_source == 0 && *(u16 *)(skb->head + skb->mac_header + 10) == 0"),
)

var bridge = family{
	name: "bridge", title: "Bridges and VLANs",
	sites: []Site{
		{Name: "br_handle", Module: "bridge", Functions: []string{"br_handle_frame", "br_handle_frame_finish", "br_nf_pre_routing_finish", "br_nf_hook_thresh"}, Reasons: []string{"MAC_INVALID_SOURCE", "MAC_IEEE_MAC_CONTROL", "BRIDGE_INGRESS_STP_STATE", Unspecified}, Reads: portReads},
		{Name: "br_flood", Module: "bridge", Functions: []string{"br_flood", "br_multicast_flood", "br_handle_frame_finish", "br_dev_xmit"}, Reasons: []string{"NO_TX_TARGET", Unspecified}, Reads: portReads},
		{Name: "br_forward", Module: "bridge", Functions: []string{"br_forward", "br_handle_frame_finish", "br_dev_xmit"}, Reasons: []string{Unspecified}, Reads: portReads},
		{Name: "br_vlan", Module: "bridge", Functions: []string{"__allowed_ingress", "br_allowed_ingress"}, Reasons: []string{Unspecified}},
	},
	decisions: []Decision{
		{
			// Read at the entry, since the packet is freed when the result is false. An expression cannot search the hash
			// table of VLANs, so the values are kept for every frame.
			Name: "vlan_check", Module: "bridge", Functions: []string{"br_allowed_ingress"}, Skb: "skb", At: AtEntry,
			Keep: "br->options & 1", // BROPT_VLAN_ENABLED
			Reads: reads(
				num("tagged", "skb->vlan_all != 0", "skb->vlan_present"), num("vlan", "skb->vlan_tci & 0xfff"), num("pvid", "vg->pvid"), num("vlans", "vg->num_vlans"),
				as(lookup.String, "bridge", "br->dev->name"), as(lookup.String, "dev", "skb->dev->name")),
		},
		{
			// br_flood consumes the frame unless the host takes it, too. Before 6.14 it drops it without a reason, as its
			// callers do with other frames.
			Name: "flood", Module: "bridge", Functions: []string{"br_flood"}, Skb: "skb", At: AtEntry, Keep: "!local_rcv",
			Reads: reads(as(floodedPacket, "packet", "pkt_type")),
		},
		{
			// The conditions of should_deliver, for a unicast frame with a forwarding entry. Port flags: BR_HAIRPIN_MODE is bit 0,
			// BR_ISOLATED bit 16.
			Name: "deliver", Denies: true, Module: "bridge", Functions: []string{"br_forward"}, Skb: "skb", At: AtEntry,
			Keep: "to->dev == skb->dev && !(to->flags & 1) || to->state != 3 || to->flags >> 16 & 1 && ((struct br_input_skb_cb *)skb->cb)->src_port_isolated",
			Reads: reads(
				num("same", "to->dev == skb->dev"), num("hairpin", "to->flags & 1"), num("isolated", "to->flags >> 16 & 1"),
				num("from_isolated", "((struct br_input_skb_cb *)skb->cb)->src_port_isolated"), num("state_number", "to->state"), as(portState, "state", "to->state"), as(lookup.String, "dev", "to->dev->name"), num("up", "to->dev->flags & 1")),
		},
	},
	causes: []Cause{
		{ID: "bridge-stp-state", Site: "br_handle", Reasons: []string{"BRIDGE_INGRESS_STP_STATE", Unspecified}, When: "state_number != 3 && state_number != 2 && !known(flood.packet)", Text: "the port {dev} of {bridge} is in the state {state}", Remedy: "`bridge -d link show dev {dev}`; STP sets the state, or it was set by hand"},
		{ID: "bridge-learning", Site: "br_handle", Reasons: []string{"BRIDGE_INGRESS_STP_STATE", Unspecified}, When: "state_number == 2 && !known(flood.packet)", Text: "the port {dev} of {bridge} is in the state {state} and does not forward yet", Remedy: "wait for forward_delay; a shorter one, in units of 10 ms: `ip link set {bridge} type bridge forward_delay N`"},
		// The kernel checks the source first (br_handle_frame), before 6.14 without a reason.
		{ID: "bridge-invalid-source", Site: "br_handle", Reasons: []string{"MAC_INVALID_SOURCE", Unspecified}, Functions: []string{"br_handle_frame"}, When: "from_multicast || from_zero",
			Refines: []string{"bridge-stp-state", "bridge-learning", "bridge-mac-control", "bridge-locked"}, Text: "the source address {from} is multicast or zero", Remedy: "the sender is faulty"},
		{ID: "bridge-mac-control", Site: "br_handle", Reasons: []string{"MAC_IEEE_MAC_CONTROL", Unspecified}, When: "to_link_local && to_last == 1 && state_number == 3 && !known(flood.packet)", Text: "a MAC control frame (pause) for {to} is never forwarded", Remedy: "none needed (normal with flow control)", Benign: true},
		{ID: "bridge-locked", Site: "br_handle", Reasons: []string{Unspecified}, When: "locked && state_number == 3 && !(to_link_local && to_last == 1) && !known(flood.packet)", Text: "the port {dev} of {bridge} is locked, and {from} has no forwarding entry on it (802.1X)", Remedy: "`bridge fdb add {from} dev {dev} master static`, after authentication", Limits: "Ports can be locked since 5.18."},
		{ID: "bridge-no-target", Site: "br_flood", Reasons: []string{"NO_TX_TARGET", Unspecified}, When: "reason.specified || known(flood.packet)",
			Text:   "{bridge} sends the frame[[ ({flood.packet})]] from {dev} for {to} to no port: the address is not in its forwarding table, and no other port floods such frames and is in their VLAN",
			Remedy: "`bridge vlan show shows the VLANs of each port; bridge -d link show` shows flood, mcast_flood and isolated; `bridge fdb show br {bridge}`",
			Limits: "Before 6.14, without a reason, br_flood also drops a frame for which it has no memory."},
		{ID: "bridge-same-port", Site: "br_forward", When: "deliver.same && !deliver.hairpin", Text: "{to} is behind {deliver.dev}, the port on which the frame arrived, and hairpin mode is off there", Remedy: "`bridge link set dev {deliver.dev} hairpin on`"},
		{ID: "bridge-isolated", Site: "br_forward", When: "!deliver.same && deliver.state_number == 3 && deliver.isolated && deliver.from_isolated", Text: "the ports {dev} and {deliver.dev} are both isolated", Remedy: "`bridge link set dev {deliver.dev} isolated off`, if the two may reach each other"},
		{ID: "bridge-out-state", Site: "br_forward", When: "!deliver.same && deliver.state_number != 3", Text: "the port {deliver.dev} is in the state {deliver.state}", Remedy: "`bridge link show dev {deliver.dev}`"},
		{ID: "bridge-vlan-untagged", Site: "br_vlan", When: "known(vlan_check.pvid) && (!vlan_check.tagged || vlan_check.vlan == 0) && vlan_check.pvid == 0", Text: "the untagged frame arrived on {vlan_check.dev}, which has no PVID on {vlan_check.bridge}", Remedy: "`bridge vlan add vid N dev {vlan_check.dev} pvid untagged`"},
		{ID: "bridge-vlan", Site: "br_vlan", When: "vlan_check.tagged && vlan_check.vlan != 0 && vlan_check.vlan != vlan_check.pvid", Text: "VLAN {vlan_check.vlan} is not allowed on the port {vlan_check.dev} of {vlan_check.bridge} (PVID {vlan_check.pvid}, {vlan_check.vlans} VLANs), or its STP state there is not forwarding", Remedy: "`bridge vlan show dev {vlan_check.dev}`; `bridge vlan add vid {vlan_check.vlan} dev {vlan_check.dev}`, if the port may be in this VLAN"},
	},
}
