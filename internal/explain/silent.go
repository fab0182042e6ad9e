// SPDX-License-Identifier: Apache-2.0

package explain

import "tracer/internal/lookup"

// icmpNames and icmp6Names are the counters that __icmp_send and icmp6_send change (ICMP_MIB_* and ICMP6_MIB_*,
// uapi/linux/snmp.h), with the names of nstat.
var (
	icmpNames  = map[uint64]string{14: "OutMsgs", 15: "OutErrors", 28: "OutRateLimitGlobal", 29: "OutRateLimitHost"}
	icmp6Names = map[uint64]string{3: "OutMsgs", 4: "OutErrors", 6: "OutRateLimitHost"}
)

const trapItem = "((struct devlink_trap_item *)trap_ctx)"

const silentSpecial = "tracer emits the drop: the kernel consumes the packet"

var silent = family{
	name: "silent", title: "Packets that end without a drop",
	decisions: []Decision{
		{Name: "ping_ignored", Functions: []string{"icmp_rcv"}, Skb: "skb", At: AtEntry, Dies: true,
			Keep:  "*(u8 *)(skb->head + skb->transport_header) == 8 && skb->dev->nd_net.net->ipv4.sysctl_icmp_echo_ignore_all",
			Reads: join(ends4, reads(num("ignore_all", "skb->dev->nd_net.net->ipv4.sysctl_icmp_echo_ignore_all")))},
		{Name: "arp_ignored", Functions: []string{"arp_ignore"}, Within: []string{"arp_process"}, Keep: "ret != 0", Dies: true,
			Reads: reads(num("ignored", "ret"), as(lookup.String, "dev", "in_dev->dev->name"), as(lookup.IPv4, "target", "tip"), num("arp_ignore", "in_dev->cnf.data[18]"), num("arp_ignore_all", "in_dev->dev->nd_net.net->ipv4.devconf_all->data[18]"))},
		// All kernels of the tests inline arp_filter, so the kernel's counter tells what it returned. The addresses in the packet
		// follow hardware addresses of 6 bytes.
		{Name: "arp_filtered", Functions: []string{"arp_process"}, Skb: "skb", At: AtEntry, Dies: true, Counters: &Counters{Base: "&skb->dev->nd_net.net->mib.net_statistics->mibs[LINUX_MIB_ARPFILTER]", Struct: "linux_mib", Number: 1},
			Reads: reads(moved(map[uint64]string{0: "ArpFilter"}), as(lookup.String, "dev", "skb->dev->name"), where("skb->dev->addr_len == 6", as(lookup.IPv4, "target", "*(u32 *)(skb->head + skb->network_header + 24)")),
				where("skb->dev->addr_len == 6", as(lookup.IPv4, "sender", "*(u32 *)(skb->head + skb->network_header + 14)")))},
		{Name: "arp_off", Functions: []string{"arp_rcv"}, Skb: "skb", At: AtEntry, Dies: true, Keep: "dev->flags & 0x80 && skb->pkt_type != 3 && skb->pkt_type != 5",
			Reads: reads(num("off", "dev->flags & 0x80"), as(lookup.String, "dev", "dev->name"))},
		{Name: "icmp_error", Functions: []string{"__icmp_send"}, Skb: "skb", At: AtEntry, Counters: &Counters{Base: dst + "->dev->nd_net.net->mib.icmp_statistics", Struct: "icmp_mib"},
			Reads: reads(moved(icmpNames), num("type", "type"), num("code", "code"), num("mtu", "ntohl(info)"))},
		{Name: "icmp6_error", Functions: []string{"icmp6_send"}, Skb: "skb", At: AtEntry, Counters: &Counters{Base: "skb->dev->nd_net.net->mib.icmpv6_statistics", Struct: "icmpv6_mib"},
			Reads: reads(moved(icmp6Names), num("type", "type"), num("code", "code"), num("mtu", "info"))},
		{Name: "ack_skipped", Functions: []string{"tcp_oow_rate_limited"}, Skb: "skb", Keep: "ret != 0",
			Reads: reads(num("skipped", "ret"))},
		{
			// Traps of type DROP (0): the driver consumes the packet behind the call. Others go on to the stack.
			Name: "devlink_trap", Functions: []string{"devlink_trap_report"}, Skb: "skb", At: AtEntry, Dies: true, Keep: trapItem + "->trap->type == 0",
			Reads: reads(as(lookup.String, "trap", trapItem+"->trap->name"), as(lookup.String, "group", trapItem+"->group_item->group->name"), as(lookup.String, "dev", "skb->dev->name")),
		},
		{Name: "nic", Special: "the counters of the device (rtnl_link_stats64, ethtool), read before and after the trace", Dies: true,
			Reads: reads(as(lookup.String, "dev"), as(lookup.String, "counter"), num("packets"))},
		{Name: "held", Special: "the journey of a packet that is in a queue when the trace ends", Reads: reads(as(lookup.String, "where"), as(elapsed, "since"))},
		{Name: "sender", Functions: []string{"__sys_sendto", "____sys_sendmsg"}, Special: "the result of the call that sent the packet, joined by process", Reads: reads(as(errno, "error"))},
	},
	causes: []Cause{
		{ID: "ping-ignored", Silent: "ping_ignored", When: "ping_ignored.ignore_all", Text: "icmp_echo_ignore_all=1: the echo request from {ping_ignored.src} is not answered", Remedy: "`sysctl -w net.ipv4.icmp_echo_ignore_all=0`", Special: silentSpecial},
		{ID: "arp-ignored", Silent: "arp_ignored", When: "arp_ignored.ignored", Text: "arp_ignore (all={arp_ignored.arp_ignore_all}, {arp_ignored.dev}={arp_ignored.arp_ignore}): {arp_ignored.dev} does not answer the ARP request for {arp_ignored.target}", Remedy: "`sysctl -w net.ipv4.conf.{arp_ignored.dev}.arp_ignore=0 net.ipv4.conf.all.arp_ignore=0`; a load balancer (LVS with direct routing) may have set it on purpose", Special: silentSpecial,
			Limits: "Unknown on kernels that inline arp_ignore."},
		{ID: "arp-filtered", Silent: "arp_filtered", When: "arp_filtered.moved == 0", Text: "arp_filter=1: the route back to {arp_filtered.sender} is not by {arp_filtered.dev}, so the ARP request for {arp_filtered.target} is not answered", Remedy: "a route to {arp_filtered.sender} by {arp_filtered.dev}, or `sysctl -w net.ipv4.conf.{arp_filtered.dev}.arp_filter=0 net.ipv4.conf.all.arp_filter=0`: then each device answers for all addresses", Special: silentSpecial},
		{ID: "arp-off", Silent: "arp_off", When: "arp_off.off", Text: "ARP is off on {arp_off.dev} (NOARP)", Remedy: "`ip link set {arp_off.dev} arp on`", Special: silentSpecial},
		{ID: "icmp-sent", Note: true, When: "icmp_error.moved == 14 && icmp_error.type == 3 && icmp_error.code == 4", Text: "ICMP fragmentation needed (MTU {icmp_error.mtu}) goes to its sender", Remedy: "let ICMP through on the way to the sender"},
		{ID: "icmp6-sent", Note: true, When: "icmp6_error.moved == 3 && icmp6_error.type == 2", Text: "ICMPv6 packet too big (MTU {icmp6_error.mtu}) goes to its sender", Remedy: "let ICMPv6 through on the way to the sender"},
		{ID: "icmp-rate-limited", Note: true, When: "icmp_error.moved == 29", Text: "the ICMP error for it (type {icmp_error.type}, code {icmp_error.code}) was not sent: its sender had too many (icmp_ratelimit)", Remedy: "`sysctl net.ipv4.icmp_ratelimit`", Limits: "The kernel counts it since 6.3."},
		{ID: "icmp-rate-limited-by-host", Note: true, When: "icmp_error.moved == 28", Text: "the ICMP error for it (type {icmp_error.type}, code {icmp_error.code}) was not sent: this host sends too many (icmp_msgs_per_sec)", Remedy: "`sysctl net.ipv4.icmp_msgs_per_sec`", Limits: "The kernel counts it since 6.3."},
		{ID: "icmp6-rate-limited", Note: true, When: "icmp6_error.moved == 6", Text: "the ICMPv6 error for it (type {icmp6_error.type}, code {icmp6_error.code}) was not sent: its sender had too many (icmp.ratelimit)", Remedy: "`sysctl net.ipv6.icmp.ratelimit`", Limits: "The kernel counts it since 6.3."},
		{ID: "ack-rate-limited", Note: true, When: "ack_skipped.skipped", Text: "the ACK that answers the segment was not sent (tcp_invalid_ratelimit)", Remedy: "`sysctl net.ipv4.tcp_invalid_ratelimit`"},
		{ID: "hardware-trap", Silent: "devlink_trap", Text: "{devlink_trap.dev} dropped the packet in hardware: {devlink_trap.trap} ({devlink_trap.group})", Remedy: "`devlink -s trap show`", Special: silentSpecial,
			Limits: "Only for traps whose action is trap; no kernel of the tests has a device with traps, since Debian builds no netdevsim."},
		{ID: "nic-counter", Silent: "nic", When: "nic.packets != 0", Text: "{nic.dev} dropped {nic.packets} packets before the kernel received them: {nic.counter}", Remedy: "`ethtool -S {nic.dev}`; a larger ring (`ethtool -G {nic.dev} rx N`), or more queues (`ethtool -L {nic.dev} combined N`)", Special: "a line at the end of the trace: no event, and not only packets that match",
			Untold: "the network card drops frames before there is a packet that a filter could match: see ethtool -S and ip -s link"},
		{ID: "send-denied", Silent: "sender", When: "sender.error == 1", Text: "the call that sent the packet failed with {sender.error}", Remedy: "see the packet's own drop", Special: "a note on the drop: the result of the sender's system call, joined by process",
			Untold: "the system call returns after the drop, whose own cause says why"},
		{ID: "still-waiting", Silent: "held", Text: "not dropped: the packet has been in {held.where} for {held.since}", Remedy: "find out why this queue is not emptied", Special: "would be reported at the end of the trace",
			Untold: "a packet that waits in a queue is not dropped, and --drop does not follow packets: see --filter-track-skb"},
	},
}
