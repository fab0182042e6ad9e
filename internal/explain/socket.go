// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"

	"tracer/internal/lookup"
)

var l4Ports = reads(
	num("sport", "ntohs("+tcpHeader+"->source)"), num("dport", "ntohs("+tcpHeader+"->dest)"),
	num("is_v4", ip4Header+"->version == 4"),
	where(ip4Header+"->version == 4", as(lookup.IPv4, "dst4", ip4Header+"->daddr")), where(ip4Header+"->version == 4", as(lookup.IPv4, "src4", ip4Header+"->saddr")),
	where(ip4Header+"->version == 6", as(lookup.IPv6, "dst6", ip6Header+"->daddr")), where(ip4Header+"->version == 6", as(lookup.IPv6, "src6", ip6Header+"->saddr")),
	num("iif", "skb->skb_iif"),
)

// tcpReceive are the functions that look up the socket of a segment. cookieCheck are those that complete a handshake
// with a SYN cookie; they free the packet if tcp_get_cookie_sock fails.
var (
	tcpReceive  = []string{"tcp_v4_rcv", "tcp_v6_rcv"}
	cookieCheck = []string{"cookie_v4_check", "cookie_v6_check"}
)

// sendUntold is why senders without a route have no row: a row is about a packet, with its bytes for the filter.
const sendUntold = "the route is looked up before there is a packet, so that the filter has nothing to match; the program gets the error (`strace -e network`, `ip route get`)"

const listenersSpecial = "{listeners}: a resolver lists the sockets on the port, with address and device, by sock_diag in the network namespace of the drop"

var socket = family{
	name: "socket", title: "No socket",
	sites: []Site{
		{Name: "no_tcp_socket", Functions: slices.Concat(tcpReceive, cookieCheck), Reasons: []string{"NO_SOCKET"}, Reads: join(l4Ports, reads(num("syn", tcpHeader+"->syn && !"+tcpHeader+"->ack"), num("rst", tcpHeader+"->rst")))},
		{Name: "no_udp_socket", Functions: []string{"__udp4_lib_rcv", "__udp6_lib_rcv", "udp_rcv", "udpv6_rcv", "udp_unicast_rcv_skb"}, Reasons: []string{"NO_SOCKET"}, Reads: l4Ports},
		{Name: "no_protocol", Functions: []string{"ip_protocol_deliver_rcu", "ip6_protocol_deliver_rcu", "ip_local_deliver_finish", "ip6_input_finish", "ip_local_deliver"}, Reasons: []string{"IP_NOPROTO", "UNHANDLED_PROTO", Unspecified},
			Reads: reads(device, as(lookup.Protocol, "protocol", ip4Header+"->protocol"), num("is_v4", ip4Header+"->version == 4"))},
		{Name: "icmp", Functions: []string{"icmp_rcv"}, Reasons: []string{"UNHANDLED_PROTO", "INVALID_PROTO", Unspecified},
			Reads: join(ends4, reads(num("type", "*(u8 *)(skb->head + skb->transport_header)"), num("ignore_broadcasts", dst+"->dev->nd_net.net->ipv4.sysctl_icmp_echo_ignore_broadcasts"),
				num("is_broadcast", route4+"->rt_flags & 0x30000000")))},
	},
	decisions: []Decision{
		{Name: "send_route", Functions: []string{"ip_route_output_flow"}, Within: []string{"udp_sendmsg", "tcp_v4_connect", "raw_sendmsg", "ping_v4_sendmsg", "ip4_datagram_connect", "__ip4_datagram_connect"},
			Keep: "(u64)ret >= (u64)-4095", Dies: true,
			Reads: reads(as(errno, "error", "-(int)(u64)ret"), as(lookup.IPv4, "dst", "fl4->daddr"), as(lookup.IPv4, "src", "fl4->saddr"), as(lookup.Hexadecimal, "mark", "fl4->__fl_common.flowic_mark"), num("oif", "fl4->__fl_common.flowic_oif"))},
	},
	causes: []Cause{
		{ID: "tcp-no-listener", Site: "no_tcp_socket", Functions: tcpReceive, When: "is_v4 && syn && !rst", Text: "no socket listens on {dst4}:{dport}(tcp)[[: {listeners}]]", Remedy: "ss -tlnp sport = :{dport}", Special: listenersSpecial},
		{ID: "tcp6-no-listener", Site: "no_tcp_socket", Functions: tcpReceive, When: "!is_v4 && syn && !rst", Text: "no socket listens on [{dst6}]:{dport}(tcp)[[: {listeners}]]", Remedy: "ss -tlnp sport = :{dport}", Special: listenersSpecial},
		{ID: "tcp-no-connection", Site: "no_tcp_socket", Functions: tcpReceive, When: "is_v4 && !syn && !rst", Text: "no connection {src4}:{sport} -> {dst4}:{dport}(tcp): it was closed, or never existed here; a reset is sent", Remedy: "ss -tan dst {src4}; a restart or a load balancer may have lost the connection"},
		{ID: "tcp6-no-connection", Site: "no_tcp_socket", Functions: tcpReceive, When: "!is_v4 && !syn && !rst", Text: "no connection [{src6}]:{sport} -> [{dst6}]:{dport}(tcp): it was closed, or never existed here; a reset is sent", Remedy: "ss -tan dst '[{src6}]'; a restart or a load balancer may have lost the connection"},
		{ID: "tcp-stray-reset", Site: "no_tcp_socket", Functions: tcpReceive, When: "rst && !syn", Text: "a reset for a connection that does not exist (port {dport})", Remedy: "none needed (normal after a connection was closed)", Benign: true},
		{ID: "tcp-cookie-refused", Site: "no_tcp_socket", Functions: cookieCheck, When: "is_v4", Text: "the handshake of {src4}:{sport} with port {dport} is complete (its SYN cookie is valid), but the accept queue is full or there is no memory; the client considers itself connected", Remedy: "nstat -az TcpExtListenOverflows; ss -tln sport = :{dport}; accept connections faster, or make the queue longer: listen(backlog) and net.core.somaxconn"},
		{ID: "tcp6-cookie-refused", Site: "no_tcp_socket", Functions: cookieCheck, When: "!is_v4", Text: "the handshake of [{src6}]:{sport} with port {dport} is complete (its SYN cookie is valid), but the accept queue is full or there is no memory; the client considers itself connected", Remedy: "nstat -az TcpExtListenOverflows; ss -tln sport = :{dport}; accept connections faster, or make the queue longer: listen(backlog) and net.core.somaxconn"},
		{ID: "udp-no-listener", Site: "no_udp_socket", When: "is_v4", Text: "no socket for {dst4}:{dport}(udp)[[: {listeners}]]; ICMP port unreachable is sent to {src4} unless it is rate-limited", Remedy: "ss -ulnp sport = :{dport}", Special: listenersSpecial},
		{ID: "udp6-no-listener", Site: "no_udp_socket", When: "!is_v4", Text: "no socket for [{dst6}]:{dport}(udp)[[: {listeners}]]; ICMPv6 port unreachable is sent to [{src6}] unless it is rate-limited", Remedy: "ss -ulnp sport = :{dport}", Special: listenersSpecial},
		{ID: "no-protocol", Site: "no_protocol", Reasons: []string{"IP_NOPROTO"}, When: "is_v4", Text: "no handler and no raw socket takes IP protocol {protocol}: its module is not loaded, or the raw sockets for it are full", Remedy: "load its module: modprobe ip_gre (47), esp4 (50) or sctp (132)",
			Limits: "IPv6: see ipv6-no-protocol. Since 6.17 a full raw socket does not count as a receiver of the packet."},
		{ID: "ipv6-no-protocol", Site: "no_protocol", Reasons: []string{"UNHANDLED_PROTO", "IP_NOPROTO"}, When: "!is_v4", Text: "no handler for the next header of an IPv6 packet from {dev}: its module is not loaded", Remedy: "tcpdump -nv -i {dev} ip6 shows the next header"},
		{ID: "icmp-broadcast", Site: "icmp", When: "(type == 8 || type == 13) && is_broadcast && ignore_broadcasts", Text: "icmp_echo_ignore_broadcasts=1: a ping to the broadcast address {dst} is not answered", Remedy: "sysctl -w net.ipv4.icmp_echo_ignore_broadcasts=0", Benign: true},
		{ID: "icmp-unknown-type", Site: "icmp", Reasons: []string{"UNHANDLED_PROTO"}, When: "type > 18", Text: "ICMP type {type} is unknown", Remedy: "none needed (Linux ignores this type)", Benign: true},
		{ID: "send-no-route", Silent: "send_route", When: "send_route.error == 101 || send_route.error == 113", Text: "no route to {send_route.dst} (source {send_route.src}, device {send_route.oif}, mark {send_route.mark}): the call fails with {send_route.error}", Remedy: "ip route get {send_route.dst}; ip rule show",
			Special: "there is no packet: needs an event with the calling process", Untold: sendUntold},
		{ID: "send-refused", Silent: "send_route", When: "send_route.error != 101 && send_route.error != 113", Text: "the route to {send_route.dst} can't be used: the call fails with {send_route.error}", Remedy: "ip route get {send_route.dst}; ip xfrm policy", Special: "there is no packet: needs an event with the calling process", Untold: sendUntold},
	},
}
