// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// vethQueue is the queue of the peer of a veth device that gets the packet.
var vethQueue = behindDevice(behindDevice("dev", "veth_priv")+"->peer", "veth_priv") + "->rq[skb->queue_mapping]"

// backlogOf is the struct with the backlog of a CPU, which may be an expression.
func backlogOf(cpu string) string {
	return "((struct softnet_data *)((u64)softnet_data + __per_cpu_offset[" + cpu + "]))"
}

// backlogReads are the values by which enqueue_to_backlog decides. The limit of a flow is half of the backlog.
func backlogReads(cpu string) []Read {
	return reads(num("cpu", cpu), num("qlen", backlogOf(cpu)+"->input_pkt_queue.qlen"),
		num("limit", "net_hotdata->max_backlog", "*netdev_max_backlog"), num("flow_limit", backlogOf(cpu)+"->flow_limit != 0"))
}

const (
	// receiveQueue is the index of the queue that the packet came by, as get_rps_cpu finds it. steers is whether that
	// queue has CPUs for RPS: otherwise the packet goes to the backlog of the CPU that it is on.
	receiveQueue = "(skb->queue_mapping - (skb->queue_mapping != 0))"
	steers       = receiveQueue + " < skb->dev->real_num_rx_queues && (skb->dev->_rx[" + receiveQueue + "].rps_map != 0 || skb->dev->_rx[" + receiveQueue + "].rps_flow_table != 0)"
	// steeredTo is the CPU that get_rps_cpu chose; a negative result stands for the current one.
	steeredTo = "((ret >= 0) * ret + (ret < 0) * (int)cpu)"
)

var deviceFamily = family{
	name: "device", title: "Devices",
	sites: []Site{
		{Name: "ip_rcv", Functions: []string{"ip_rcv_core", "ip_rcv", "ip6_rcv_core", "ipv6_rcv", "ip_list_rcv", "ipv6_list_rcv"}, Reasons: []string{"OTHERHOST", "IPV6DISABLED", Unspecified},
			Reads: reads(device, num("type", "skb->pkt_type"),
				as(lookup.LinkAddress, "to", "*(struct in6_addr *)"+macHeader+"->h_dest", "6"), as(lookup.LinkAddress, "own", "*(struct in6_addr *)skb->dev->dev_addr", "skb->dev->addr_len"),
				num("to_high", "ntohl(*(u32 *)"+macHeader+"->h_dest)"), num("to_low", "ntohs(*(u16 *)(skb->head + skb->mac_header + 4))"),
				num("own_high", "ntohl(*(u32 *)skb->dev->dev_addr)"), num("own_low", "ntohs(*(u16 *)((u8 *)skb->dev->dev_addr + 4))"),
				num("promiscuity", "skb->dev->promiscuity"), num("ethernet", "skb->dev->type == 1 && skb->mac_len == 14"),
				num("disable_ipv6", "skb->dev->ip6_ptr->cnf.disable_ipv6"))},
		{Name: "receive", Functions: []string{"__netif_receive_skb_core", "__netif_receive_skb_one_core", "__netif_receive_skb_list_core", "netif_receive_skb_internal"}, Reasons: []string{"UNHANDLED_PROTO", Unspecified},
			Reads: reads(device, as(hex16, "protocol", "ntohs(skb->protocol)"), num("protocol_number", "ntohs(skb->protocol)"), num("backup", "skb->dev->rx_handler != 0 && skb->dev->flags & 0x800"), num("vlan", "skb->vlan_tci & 0xfff"),
				num("vlan_present", "skb->vlan_all != 0", "skb->vlan_present"))},
		{Name: "backlog_cpu", Functions: []string{"enqueue_to_backlog", "netif_rx_internal", "netif_rx", "__netif_rx", "netif_receive_skb_internal", "netif_receive_skb_list_internal"}, Reasons: []string{"CPU_BACKLOG", "DEV_READY", Unspecified},
			Reads: join(reads(device, num("up", "skb->dev->state & 1"), num("rps", steers)), backlogReads("cpu"))},
		{Name: "transmit", Functions: []string{"__dev_queue_xmit", "dev_queue_xmit", "dev_direct_xmit", "__dev_direct_xmit"}, Reasons: []string{"DEV_READY", "RECURSION_LIMIT", Unspecified},
			Reads: reads(device, num("up", "skb->dev->flags & 1"), num("running", "skb->dev->state & 1"), as(queueState, "queue", "skb->dev->_tx[skb->queue_mapping].state"), num("stopped", "skb->dev->_tx[skb->queue_mapping].state & 7"),
				num("recursion", "((struct softnet_data *)((u64)softnet_data + __per_cpu_offset[cpu]))->xmit.recursion", "((struct task_struct *)0)->net_xmit.recursion"))},
		{Name: "validate", Functions: []string{"validate_xmit_skb", "validate_xmit_skb_list", "__dev_queue_xmit", "sch_direct_xmit", "skb_checksum_help", "qdisc_pkt_len_segs_init"}, Reasons: []string{"SKB_GSO_SEG", "SKB_BAD_GSO", "SKB_CSUM"},
			Reads: reads(device, num("gso_size", shared+"->gso_size"), as(lookup.Hexadecimal, "gso_type", shared+"->gso_type"), num("checksum", "skb->ip_summed == 3"))},
		{Name: "tun_xmit", Module: "tun", Functions: []string{"tun_net_xmit", "tun_automq_xmit"}, Reasons: []string{"DEV_READY", "FULL_RING", "TAP_FILTER", "TAP_TXFILTER", "SKB_UCOPY_FAULT", "SKB_TRIM", "NOMEM", Unspecified},
			Reads: reads(device, num("ring", "skb->dev->tx_queue_len"), num("queue", "skb->queue_mapping"))},
		{Name: "tap_handle", Module: "tap", Functions: []string{"tap_handle_frame", "tap_do_read", "tap_get_user"}, Reasons: []string{"FULL_RING", "SKB_GSO_SEG", "SKB_CSUM", "DEV_READY", "HDR_TRUNC", "SKB_UCOPY_FAULT"}, Reads: reads(device)},
		{
			// Behind the hand-over to the peer, the packet's device is the peer. Without tail calls (arm64), a function that
			// veth_xmit calls frees it.
			Name: "veth", Module: "veth", Functions: []string{"veth_xmit", "veth_forward_skb", "veth_xdp_rx", "__dev_kfree_skb_any", "dev_kfree_skb_any_reason", "veth_xdp_rcv_skb"}, Reasons: []string{Unspecified},
			Reads: reads(device, num("len", "skb->len"), num("index", "skb->dev->ifindex"),
				num("program", behindDevice("skb->dev", "veth_priv")+"->_xdp_prog->aux->id"), as(lookup.String, "name", behindDevice("skb->dev", "veth_priv")+"->_xdp_prog->aux->name")),
		},
		{
			// ndo_start_xmit of common drivers. A free in a hard interrupt has this location, too.
			Name: "driver", Reasons: []string{Unspecified}, Functions: []string{"start_xmit", "xennet_start_xmit", "netvsc_start_xmit", "ena_start_xmit", "gve_tx", "gve_start_xmit", "e1000_xmit_frame", "e1000_xmit_frame_ring", "igb_xmit_frame", "igb_xmit_frame_ring",
				"igc_xmit_frame", "ixgbe_xmit_frame", "ixgbe_xmit_frame_ring", "i40e_lan_xmit_frame", "i40e_xmit_frame_ring", "iavf_xmit_frame", "ice_start_xmit", "mlx4_en_xmit", "mlx5e_xmit", "bnxt_start_xmit", "tg3_start_xmit", "rtl8169_start_xmit", "vmxnet3_xmit_frame", "vmxnet3_tq_xmit", "nsim_start_xmit"},
			Reads: reads(device, num("up", "skb->dev->flags & 1"), as(queueState, "queue", "skb->dev->_tx[skb->queue_mapping].state"), num("queue_number", "skb->queue_mapping"), as(lookup.String, "driver", "skb->dev->dev.parent->driver->name")),
		},
		{Name: "exact", Reasons: []string{"DEV_HDR", "CAN_RX_INVALID_FRAME", "CANFD_RX_INVALID_FRAME", "CANXL_RX_INVALID_FRAME", "PSP_INPUT", "PSP_OUTPUT"}},
		{Name: "vlan_limits", Reasons: []string{"MACVLAN_BROADCAST_BACKLOG", "IPVLAN_MULTICAST_BACKLOG"}, Reads: reads(device)},
	},
	decisions: []Decision{
		{
			// The packet has no tag any more when ip_rcv_core drops it as for another host.
			Name: "untagged", Functions: []string{"vlan_do_receive"}, Skb: "*skbp", Keep: "!ret",
			Reads: reads(num("vlan", "(*skbp)->vlan_tci & 0xfff"), as(lookup.String, "dev", "(*skbp)->dev->name")),
		},
		{
			// Called only where RPS is in use. The queue is usually empty.
			Name: "steering", Functions: []string{"get_rps_cpu"}, Skb: "skb", Keep: backlogOf(steeredTo) + "->input_pkt_queue.qlen", Reads: backlogReads(steeredTo),
		},
		{Name: "tun_send", Module: "tun", Functions: []string{"tun_net_xmit"}, Skb: "skb", At: AtEntry,
			Reads: reads(num("no_reader", "!"+behindDevice("dev", "tun_struct")+"->tfiles[skb->queue_mapping]"),
				num("readers", behindDevice("dev", "tun_struct")+"->numqueues"), as(lookup.String, "dev", "dev->name"))},
		{
			// The ring is full if the place of the next packet is taken.
			Name: "veth_send", Module: "veth", Functions: []string{"veth_xmit"}, Skb: "skb", At: AtEntry,
			Keep: "!" + behindDevice("dev", "veth_priv") + "->peer || " + vethQueue + ".napi && " + vethQueue + ".xdp_ring.queue[" + vethQueue + ".xdp_ring.producer]",
			Reads: reads(num("no_peer", "!"+behindDevice("dev", "veth_priv")+"->peer"), netnsOf("dev"), as(lookup.String, "dev", "dev->name"), num("len", "skb->len"),
				num("peer_index", behindDevice("dev", "veth_priv")+"->peer->ifindex"), num("polled", vethQueue+".napi != 0"), num("size", vethQueue+".xdp_ring.size")),
		},
	},
	causes: []Cause{
		// ip_rcv_core and ip6_rcv_core drop frames for another host (PACKET_OTHERHOST 3) first, 5.10 without a reason.
		{ID: "wrong-mac", Site: "ip_rcv", Refines: afterReceive, Reasons: []string{"OTHERHOST", Unspecified}, When: "type == 3 && ethernet && (to_high != own_high || to_low != own_low)", Text: "the frame is for {to}, but {dev} has {own} (promiscuity {promiscuity})", Remedy: "none needed (normal on a promiscuous device, or where a bridge floods); otherwise the neighbour entry at the sender is wrong: `@ip neigh show` there", Benign: true},
		{ID: "vlan-without-device", Site: "ip_rcv", Reasons: []string{"OTHERHOST", Unspecified}, When: "untagged.vlan != 0 && type == 3 && ethernet && to_high == own_high && to_low == own_low", Refines: append([]string{"own-mac-otherhost"}, afterReceive...),
			Text: "VLAN {untagged.vlan} has no device on {untagged.dev}", Remedy: "`ip link add link {untagged.dev} name {untagged.dev}.{untagged.vlan} type vlan id {untagged.vlan}`, or correct the VLAN at the switch"},
		{ID: "own-mac-otherhost", Site: "ip_rcv", Refines: afterReceive, Reasons: []string{"OTHERHOST", Unspecified}, When: "type == 3 && ethernet && to_high == own_high && to_low == own_low", Text: "the frame is for {dev}'s own address {to}, but the kernel marked it as for another host: a VLAN tag without a device, or an upper device", Remedy: "`tcpdump -e -i {dev}` shows the VLAN tag"},
		{ID: "ipv6-disabled", Site: "ip_rcv", Refines: inHeader6, Reasons: []string{"IPV6DISABLED", Unspecified}, Functions: []string{"ip6_rcv_core", "ipv6_rcv", "ipv6_list_rcv"}, When: "disable_ipv6 && type != 3", Text: "disable_ipv6=1 on {dev}", Remedy: "`sysctl -w net.ipv6.conf.{dev}.disable_ipv6=0`"},
		{ID: "backup-port", Site: "receive", When: "backup", Reasons: []string{"UNHANDLED_PROTO"}, Text: "{dev} is an inactive port of a bond or team: it accepts only frames for handlers bound to this device", Remedy: "none needed (normal in mode active-backup); `ip -d link show {dev}`", Benign: true},
		{ID: "unknown-ethertype", Site: "receive", When: "!backup && protocol_number != 0x0800 && protocol_number != 0x86dd && protocol_number != 0x0806", Reasons: []string{"UNHANDLED_PROTO"}, Text: "no handler for EtherType {protocol} on {dev}", Remedy: "none needed (normal for LLDP, 0x88cc, and STP, 0x0004)", Benign: true},
		{ID: "cpu-backlog-full", Site: "backlog_cpu", Reasons: []string{"CPU_BACKLOG", Unspecified}, When: "up && !rps && qlen > limit", Text: "the backlog of CPU {cpu} is full: {qlen} of netdev_max_backlog={limit}", Remedy: "`sysctl -w net.core.netdev_max_backlog=N`; distribute the load over more CPUs: RPS, or more receive queues"},
		{ID: "cpu-backlog-full-rps", Site: "backlog_cpu", Reasons: []string{"CPU_BACKLOG", Unspecified}, When: "up && rps && steering.qlen > steering.limit", Text: "the backlog of CPU {steering.cpu}, which RPS chose for the packet, is full: {steering.qlen} of netdev_max_backlog={steering.limit}", Remedy: "`sysctl -w net.core.netdev_max_backlog=N`; more CPUs in rps_cpus of the queues of {dev}"},
		{ID: "cpu-flow-limit", Site: "backlog_cpu", Reasons: []string{"CPU_BACKLOG", Unspecified}, When: "up && !rps && flow_limit && qlen <= limit && qlen >= limit / 2", Text: "the flow limit of CPU {cpu} drops packets of the flow that fills its backlog ({qlen} of {limit})", Remedy: "`sysctl net.core.flow_limit_cpu_bitmap` shows the CPUs with a flow limit; distribute the flow's load"},
		{ID: "cpu-flow-limit-rps", Site: "backlog_cpu", Reasons: []string{"CPU_BACKLOG", Unspecified}, When: "up && rps && steering.flow_limit && steering.qlen <= steering.limit && steering.qlen >= steering.limit / 2", Text: "the flow limit of CPU {steering.cpu}, which RPS chose for the packet, drops packets of the flow that fills its backlog ({steering.qlen} of {steering.limit})", Remedy: "`sysctl net.core.flow_limit_cpu_bitmap` shows the CPUs with a flow limit; distribute the flow's load"},
		{ID: "receive-device-down", Site: "backlog_cpu", Reasons: []string{"DEV_READY", Unspecified}, When: "!up", Text: "{dev} is down", Remedy: "`ip link set {dev} up`"},
		{ID: "device-down", Site: "transmit", When: "(!up || !running) && !known(enqueue.result)", Text: "{dev} is down", Remedy: "`ip link set {dev} up`"},
		{ID: "queue-stopped", Site: "transmit", When: "up && running && stopped && !known(enqueue.result)", Text: "the transmit queue of {dev} is stopped ({queue}), and the device has no queueing discipline (noqueue)", Remedy: "the device is too slow, or its driver hangs: `ip -s link show {dev}`", Reasons: []string{"RECURSION_LIMIT", Unspecified}, Limits: "7.3 reports the reason RECURSION_LIMIT in this case, too."},
		{ID: "recursion", Site: "transmit", When: "up && running && !stopped && !known(enqueue.result)", Reasons: []string{"RECURSION_LIMIT"}, Text: "virtual devices send to each other in a loop; the last one is {dev}", Remedy: "find a tunnel whose remote address is routed into the tunnel: `ip route get REMOTE`", Limits: "6.18 and older have no reason for this drop."},
		{ID: "cannot-segment", Site: "validate", Reasons: []string{"SKB_GSO_SEG"}, Text: "the GSO packet can't be segmented for {dev} (gso_size {gso_size}, gso_type {gso_type})", Remedy: "`ethtool -k {dev}` shows its offloads; the headers from the sender (a VM?) are wrong"},
		{ID: "bad-gso", Site: "validate", Reasons: []string{"SKB_BAD_GSO"}, Text: "the GSO headers of the packet are wrong (gso_size {gso_size}, gso_type {gso_type})", Remedy: "a VM or a raw socket with a wrong virtio_net header"},
		{ID: "cannot-checksum", Site: "validate", Reasons: []string{"SKB_CSUM"}, When: "checksum", Text: "the checksum can't be computed for {dev}: the packet's checksum offset is outside its headers", Remedy: "a VM or a raw socket with a wrong virtio_net header"},
		{ID: "tun-no-reader", Site: "tun_xmit", Reasons: []string{"DEV_READY", Unspecified}, When: "tun_send.no_reader", Text: "no program has {tun_send.dev} open ({tun_send.readers} queues have readers)", Remedy: "start the program that reads the device (VPN, VM)"},
		{ID: "tun-full", Site: "tun_xmit", Reasons: []string{"FULL_RING"}, When: "!tun_send.no_reader", Text: "the ring of {tun_send.dev} is full ({ring} packets)", Remedy: "the program that reads the device (VPN, VM) is too slow: `ip link set {tun_send.dev} txqueuelen N`"},
		{ID: "tun-filter", Site: "tun_xmit", Reasons: []string{"TAP_FILTER"}, Text: "the BPF filter of {dev} rejects the packet", Remedy: "find the program that set it (TUNSETFILTEREBPF): `bpftool prog show`"},
		{ID: "tun-txfilter", Site: "tun_xmit", Reasons: []string{"TAP_TXFILTER"}, Text: "the address filter of {dev} rejects the packet", Remedy: "find the program that set it (ioctl TUNSETTXFILTER)"},
		{ID: "tap-full", Site: "tap_handle", Reasons: []string{"FULL_RING"}, Text: "the ring of the tap device on {dev} is full", Remedy: "the program that reads it (a VM) is too slow"},
		{ID: "tap-header", Site: "tap_handle", Reasons: []string{"HDR_TRUNC", "SKB_UCOPY_FAULT"}, Text: "the tap device on {dev} can't read a frame of its program", Remedy: "the program (a VM) writes frames with a short header, or from unreadable memory"},
		{ID: "veth-no-peer", Netns: "veth_send.netns", Site: "veth", Functions: []string{"veth_xmit"}, When: "veth_send.no_peer && len == veth_send.len && !known(handover.up)", Text: "the peer of {veth_send.dev} is gone", Remedy: "`ip -d link show {veth_send.dev}`: its peer or its peer's network namespace was deleted"},
		{ID: "driver", Site: "driver", When: "up", Text: "the driver[[ {driver}]] of {dev} did not send the packet (queue {queue_number}: {queue})", Remedy: "`ethtool -S {dev}`; `ip -s link show {dev}`", Limits: "Only for the drivers whose transmit functions are listed."},
		// The peer has taken the Ethernet header away (14 bytes), and what follows drops packets only for a full ring.
		{ID: "veth-ring-full", Site: "veth", Functions: []string{"veth_xmit", "veth_forward_skb", "veth_xdp_rx", "__dev_kfree_skb_any", "dev_kfree_skb_any_reason"}, When: "veth_send.polled && index == veth_send.peer_index && len + 14 == veth_send.len && !known(handover.up)", Text: "the ring of the peer of {veth_send.dev} is full ({veth_send.size} packets)", Remedy: "the peer's XDP program or its receiver (GRO, forwarding) is too slow, or gets no CPU; a queueing discipline on {veth_send.dev} holds the rest back since 6.16"},
		{ID: "macvlan-broadcasts", Site: "vlan_limits", Reasons: []string{"MACVLAN_BROADCAST_BACKLOG"}, Text: "the queue of broadcasts for the macvlan devices on {dev} is full", Remedy: "`ip link set MACVLAN type macvlan bcqueuelen N`"},
		{ID: "tap-virtio-header", Site: "exact", Reasons: []string{"DEV_HDR"}, Text: "a program wrote a packet to a macvtap or ipvtap device whose virtio-net header is not valid for it", Remedy: "the program (usually a hypervisor) is faulty, or its offloads do not fit the device"},
		{ID: "can-frame", Site: "exact", Reasons: []string{"CAN_RX_INVALID_FRAME", "CANFD_RX_INVALID_FRAME", "CANXL_RX_INVALID_FRAME"}, Text: "a CAN frame is not valid, or its device is no CAN device", Remedy: "the driver, or the program that sent the frame, is faulty"},
		{ID: "psp-input", Site: "exact", Reasons: []string{"PSP_INPUT"}, Text: "the segment does not have the PSP encryption that its socket requires, or has one although its socket has none", Remedy: "both ends need matching PSP keys and versions"},
		{ID: "psp-output", Site: "exact", Reasons: []string{"PSP_OUTPUT"}, Text: "the device can't send the segment with the PSP encryption of its socket", Remedy: "the route must leave by the device that has the PSP key of the socket"},
		{ID: "ipvlan-multicasts", Site: "vlan_limits", Reasons: []string{"IPVLAN_MULTICAST_BACKLOG"}, Text: "the queue of multicasts for the ipvlan devices on {dev} is full", Remedy: "send fewer broadcasts and multicasts, or use ipvlan mode l3"},
	},
}
