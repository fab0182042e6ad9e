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

// errorReads say whether an ICMP error may answer a datagram, resetReads whether a reset may answer a segment without a
// connection: its destination must be an address of this host (RTN_LOCAL 2, RTF_LOCAL).
var (
	errorReads = reads(num("gets_error", "("+ip4Header+"->version == 4 && "+getsError+") || ("+ip4Header+"->version == 6 && skb->pkt_type == 0 && "+unicastEnds6+")"))
	resetReads = reads(num("gets_reset", "("+ip4Header+"->version == 4 && "+route4+"->rt_type == 2) || ("+ip4Header+"->version == 6 && ((struct rt6_info *)(skb->_skb_refdst & ~1ul))->rt6i_flags >> 31 & 1)"))
)

// tcpReceive are the functions that look up the socket of a segment. cookieCheck are those that complete a handshake
// with a SYN cookie; they free the packet if tcp_get_cookie_sock fails.
var (
	tcpReceive  = []string{"tcp_v4_rcv", "tcp_v6_rcv"}
	cookieCheck = []string{"cookie_v4_check", "cookie_v6_check"}
)

// sendUntold is why senders without a route have no row: a row is about a packet, with its bytes for the filter.
const sendUntold = "the route is looked up before there is a packet, so that the filter has nothing to match; the program gets the error (`strace -e network`, `ip route get`)"

// rawBucket is the first node of the raw sockets in a table with the same hash as a protocol (raw_hashfunc of 6.3, which
// stable kernels have, too: hash_32 with 8 bits), rawSocket the IPv4 socket that it belongs to.
func rawBucket(table, protocol string) string {
	return table + "->ht[((skb->dev->nd_net.net->hash_mix ^ " + protocol + ") * 0x61c88647 & 0xffffffff) >> 24].first"
}

var (
	rawFirst  = rawBucket("raw_v4_hashinfo", ip4Header+"->protocol")
	rawFirst6 = rawBucket("raw_v6_hashinfo", "*(u8 *)(skb->head + skb->network_header + ((struct inet6_skb_parm *)skb->cb)->nhoff)")
	rawSocket = "((struct sock *)((u64)" + rawFirst + " - (u64)&((struct sock *)0)->__sk_common.skc_node))"
	rawCommon = rawSocket + "->__sk_common."
)

// rawReads are about the first raw socket of the protocol's bucket: whether it takes the packet (raw_v4_match), and whether
// there is another one. Since 6.9, a socket with a full buffer counts as none (raw_v4_input).
var rawReads = reads(
	num("raw_takes", rawFirst+" && "+rawCommon+"skc_net.net == skb->dev->nd_net.net && "+rawCommon+"skc_num == "+ip4Header+"->protocol && "+
		"(!"+rawCommon+"skc_daddr || "+rawCommon+"skc_daddr == "+ip4Header+"->saddr) && (!"+rawCommon+"skc_rcv_saddr || "+rawCommon+"skc_rcv_saddr == "+ip4Header+"->daddr) && "+
		"(!"+rawCommon+"skc_bound_dev_if || "+rawCommon+"skc_bound_dev_if == skb->dev->ifindex)"),
	num("raw_others", rawFirst+" && "+rawFirst+"->next"), num("raw6", rawFirst6+" != 0"),
	where(rawFirst, as(size, "used", rawSocket+"->sk_backlog.rmem_alloc.counter")), where(rawFirst, as(size, "rcvbuf", rawSocket+"->sk_rcvbuf")),
	where(rawFirst, num("inode", "((struct socket_alloc *)"+rawSocket+"->sk_socket)->vfs_inode.i_ino")),
)

const listenersSpecial = "{listeners}: a resolver lists the sockets on the port, with address and device, by sock_diag in the network namespace of the drop"

var socket = family{
	name: "socket", title: "No socket",
	sites: []Site{
		{Name: "no_tcp_socket", Functions: slices.Concat(tcpReceive, cookieCheck), Reasons: []string{"NO_SOCKET", Unspecified}, Reads: join(l4Ports, resetReads, reads(num("syn", tcpHeader+"->syn && !"+tcpHeader+"->ack"), num("rst", tcpHeader+"->rst")))},
		{Name: "no_udp_socket", Functions: []string{"__udp4_lib_rcv", "__udp6_lib_rcv", "udp_rcv", "udpv6_rcv", "udp_unicast_rcv_skb"}, Reasons: []string{"NO_SOCKET", Unspecified}, Reads: join(l4Ports, errorReads, reads(num("checksum", "ntohs("+atTransport("u16", 6)+")")))},
		{Name: "no_protocol", Functions: []string{"ip_protocol_deliver_rcu", "ip6_protocol_deliver_rcu", "ip_local_deliver_finish", "ip6_input_finish", "ip6_input", "ip_local_deliver"}, Reasons: []string{"IP_NOPROTO", "UNHANDLED_PROTO", Unspecified},
			Reads: join(reads(device, as(lookup.Protocol, "protocol", ip4Header+"->protocol"), num("is_v4", ip4Header+"->version == 4")), rawReads)},
		{Name: "icmp", Functions: []string{"icmp_rcv"}, Reasons: []string{"UNHANDLED_PROTO", "INVALID_PROTO", "IP_INHDR", "PKT_TOO_SMALL", Unspecified},
			Reads: join(ends4, reads(num("type", "*(u8 *)(skb->head + skb->transport_header)"), num("ignore_broadcasts", dst+"->dev->nd_net.net->ipv4.sysctl_icmp_echo_ignore_broadcasts"),
				num("is_broadcast", route4+"->rt_flags & 0x30000000")))},
		{Name: "ping", Functions: []string{"icmp_rcv", "icmpv6_rcv", "ping_rcv"}, Reasons: []string{"NO_SOCKET"},
			Reads: reads(num("is_v4", ip4Header+"->version == 4"), as(lookup.IPv4, "src4", ip4Header+"->saddr"), as(lookup.IPv6, "src6", ip6Header+"->saddr"), num("id", "ntohs("+atTransport("u16", 4)+")"))},
	},
	decisions: []Decision{
		// Without reasons, the answer tells why these functions drop a packet: they send a reset without a socket only if there is
		// none, and the errors port and protocol unreachable.
		{Name: "reset", Functions: []string{"tcp_v4_send_reset", "tcp_v6_send_reset"}, Every: true, Skb: "skb", At: AtEntry, Keep: "!sk", Reads: reads(num("without_socket", "!sk"))},
		{Name: "unreachable", Functions: []string{"__icmp_send"}, Skb: "skb", At: AtEntry, Keep: "type == 3 && code >= 2 && code <= 3", Reads: reads(num("code", "code"))},
		{Name: "unreachable6", Functions: []string{"icmp6_send"}, Skb: "skb", At: AtEntry, Keep: "type == 1 && code == 4 || type == 4 && code == 1", Reads: reads(num("code", "code"))},
		{Name: "send_route", Functions: []string{"ip_route_output_flow"}, Within: []string{"udp_sendmsg", "tcp_v4_connect", "raw_sendmsg", "ping_v4_sendmsg", "ip4_datagram_connect", "__ip4_datagram_connect"},
			Keep: "(u64)ret >= (u64)-4095", Dies: true,
			Reads: reads(as(errno, "error", "-(int)(u64)ret"), as(lookup.IPv4, "dst", "fl4->daddr"), as(lookup.IPv4, "src", "fl4->saddr"), as(lookup.Hexadecimal, "mark", "fl4->__fl_common.flowic_mark"), num("oif", "fl4->__fl_common.flowic_oif"))},
	},
	causes: []Cause{
		{ID: "tcp-no-listener", Site: "no_tcp_socket", Functions: tcpReceive, When: "is_v4 && syn && !rst && (reason.specified || known(reset.without_socket))", Text: "no socket listens on {dst4}:{dport}(tcp)[[: {listeners}]]", Remedy: "`ss -tlnp sport = :{dport}`", Special: listenersSpecial},
		{ID: "tcp6-no-listener", Site: "no_tcp_socket", Functions: tcpReceive, When: "!is_v4 && syn && !rst && (reason.specified || known(reset.without_socket))", Text: "no socket listens on [{dst6}]:{dport}(tcp)[[: {listeners}]]", Remedy: "`ss -tlnp sport = :{dport}`", Special: listenersSpecial},
		{ID: "tcp-no-connection", Site: "no_tcp_socket", Functions: tcpReceive, When: "is_v4 && !syn && !rst && (reason.specified || known(reset.without_socket))", Text: "no connection {src4}:{sport} -> {dst4}:{dport}(tcp): it was closed, or never existed here[[if gets_reset: ; a reset is sent]]", Remedy: "`ss -tan dst {src4}`; a restart or a load balancer may have lost the connection"},
		{ID: "tcp6-no-connection", Site: "no_tcp_socket", Functions: tcpReceive, When: "!is_v4 && !syn && !rst && (reason.specified || known(reset.without_socket))", Text: "no connection [{src6}]:{sport} -> [{dst6}]:{dport}(tcp): it was closed, or never existed here[[if gets_reset: ; a reset is sent]]", Remedy: "`ss -tan dst '[{src6}]'`; a restart or a load balancer may have lost the connection"},
		{ID: "tcp-stray-reset", Site: "no_tcp_socket", Functions: tcpReceive, When: "rst && !syn && (reason.specified || known(reset.without_socket))", Text: "a reset for a connection that does not exist (port {dport})", Remedy: "none needed (normal after a connection was closed)", Benign: true},
		{ID: "tcp-cookie-refused", Site: "no_tcp_socket", Reasons: []string{"NO_SOCKET"}, Functions: cookieCheck, When: "is_v4", Text: "the handshake of {src4}:{sport} with port {dport} is complete (its SYN cookie is valid), but the accept queue is full or there is no memory; the client considers itself connected", Remedy: "`nstat -az TcpExtListenOverflows`; `ss -tln sport = :{dport}`; accept connections faster, or make the queue longer: listen(backlog) and net.core.somaxconn"},
		{ID: "tcp6-cookie-refused", Site: "no_tcp_socket", Reasons: []string{"NO_SOCKET"}, Functions: cookieCheck, When: "!is_v4", Text: "the handshake of [{src6}]:{sport} with port {dport} is complete (its SYN cookie is valid), but the accept queue is full or there is no memory; the client considers itself connected", Remedy: "`nstat -az TcpExtListenOverflows`; `ss -tln sport = :{dport}`; accept connections faster, or make the queue longer: listen(backlog) and net.core.somaxconn"},
		{ID: "udp-no-listener", Site: "no_udp_socket", When: "is_v4 && (reason.specified || known(unreachable.code))", Text: "no socket for {dst4}:{dport}(udp)[[: {listeners}]][[if gets_error: ; ICMP port unreachable is sent to {src4} unless it is rate-limited]]", Remedy: "`ss -ulnp sport = :{dport}`", Special: listenersSpecial},
		{ID: "udp6-no-listener", Site: "no_udp_socket", When: "!is_v4 && checksum != 0 && (reason.specified || known(unreachable6.code))", Text: "no socket for [{dst6}]:{dport}(udp)[[: {listeners}]][[if gets_error: ; ICMPv6 port unreachable is sent to [{src6}] unless it is rate-limited]]", Remedy: "`ss -ulnp sport = :{dport}`", Special: listenersSpecial},
		{ID: "udp6-zero-checksum", Site: "no_udp_socket", Reasons: []string{"NO_SOCKET"}, When: "!is_v4 && checksum == 0", Text: "the datagram from [{src6}] has no checksum, which IPv6 requires, and no socket has [{dst6}]:{dport}(udp); no ICMPv6 error is sent", Remedy: "the sender is faulty, unless it is a tunnel (RFC 6935) whose device is missing here; `ss -ulnp sport = :{dport}`"},
		{ID: "no-protocol-or-full", Site: "no_protocol", Reasons: []string{"IP_NOPROTO", Unspecified}, When: "is_v4 && (reason.specified || known(unreachable.code))", Text: "no handler and no raw socket takes IP protocol {protocol}: its module is not loaded, or the raw sockets for it are full", Remedy: "load its module: `modprobe ip_gre` (47), `modprobe sctp` (132) or `modprobe esp4` (50); `ss -wnp`"},
		{ID: "ipv6-no-protocol-or-full", Site: "no_protocol", Reasons: []string{"UNHANDLED_PROTO", "IP_NOPROTO", Unspecified}, When: "!is_v4 && (reason.specified || known(unreachable6.code))", Text: "no handler takes the next header of an IPv6 packet from {dev}: its module is not loaded, or the raw sockets for it are full", Remedy: "`tcpdump -nv -i {dev} ip6` shows the next header; `ss -wnp`"},
		{ID: "no-protocol", Site: "no_protocol", Reasons: []string{"IP_NOPROTO", Unspecified}, Refines: []string{"no-protocol-or-full"}, When: "is_v4 && !raw_takes && !raw_others && (reason.specified || known(unreachable.code))", Text: "no handler takes IP protocol {protocol}: its module is not loaded, and no raw socket is open for it", Remedy: "load its module: `modprobe ip_gre` (47), `modprobe sctp` (132) or `modprobe esp4` (50)",
			Limits: "IPv6: see ipv6-no-protocol."},
		{ID: "raw-rcvbuf", Site: "no_protocol", Reasons: []string{"IP_NOPROTO"}, Refines: []string{"no-protocol-or-full"}, When: "is_v4 && raw_takes && used >= rcvbuf", Text: "the receive buffer of the raw socket for IP protocol {protocol} (inode {inode}) is full: {used} of {rcvbuf}[[, {owner}]]; nothing else takes the packet", Remedy: "the program reads too slowly: a larger SO_RCVBUF (at most net.core.rmem_max)", Special: ownerSpecial,
			Limits: "Before 6.9 the kernel makes a copy for the full socket and drops that: see socket-rcvbuf."},
		{ID: "ipv6-no-protocol", Site: "no_protocol", Reasons: []string{"UNHANDLED_PROTO", "IP_NOPROTO", Unspecified}, Refines: []string{"ipv6-no-protocol-or-full"}, When: "!is_v4 && !raw6 && (reason.specified || known(unreachable6.code))", Text: "no handler for the next header of an IPv6 packet from {dev}: its module is not loaded", Remedy: "`tcpdump -nv -i {dev} ip6` shows the next header"},
		{ID: "icmp-broadcast", Site: "icmp", Reasons: []string{"INVALID_PROTO", Unspecified}, When: "(type == 8 || type == 13) && is_broadcast && ignore_broadcasts", Text: "icmp_echo_ignore_broadcasts=1: a ping to the broadcast address {dst} is not answered", Remedy: "`sysctl -w net.ipv4.icmp_echo_ignore_broadcasts=0` answers it, which others can use to flood a third host (smurf)", Benign: true},
		{ID: "icmp-type-broadcast", Site: "icmp", Reasons: []string{"INVALID_PROTO"}, When: "is_broadcast && type != 8 && type != 13", Text: "an ICMP message of type {type} from {src} to the broadcast or multicast address {dst} is ignored", Remedy: "the sender is faulty: only some types may be sent to such addresses"},
		{ID: "icmp-quoted-header", Site: "icmp", Reasons: []string{"IP_INHDR"}, Text: "the ICMP error of type {type} from {src} quotes a packet whose IP header is not valid", Remedy: "the sender is faulty, or spoofs the error"},
		{ID: "icmp-too-short", Site: "icmp", Reasons: []string{"PKT_TOO_SMALL"}, Text: "the ICMP message of type {type} from {src} is too short", Remedy: "the packet was truncated, or its sender is faulty"},
		{ID: "ping-no-socket", Site: "ping", When: "is_v4", Text: "no ping socket has the id {id} of the echo reply from {src4}", Remedy: "none needed: a program with a raw socket got a copy, or the program has ended", Benign: true},
		{ID: "ping6-no-socket", Site: "ping", When: "!is_v4", Text: "no ping socket has the id {id} of the echo reply from {src6}", Remedy: "none needed: a program with a raw socket got a copy, or the program has ended", Benign: true},
		{ID: "icmp-unknown-type", Site: "icmp", Reasons: []string{"UNHANDLED_PROTO"}, When: "type > 18", Text: "ICMP type {type} is unknown", Remedy: "none needed (Linux ignores this type)", Benign: true},
		{ID: "send-no-route", Silent: "send_route", When: "send_route.error == 101 || send_route.error == 113", Text: "no route to {send_route.dst} (source {send_route.src}, device {send_route.oif}, mark {send_route.mark}): the call fails with {send_route.error}", Remedy: "`ip route get {send_route.dst}`; `ip rule show`",
			Special: "there is no packet: needs an event with the calling process", Untold: sendUntold},
		{ID: "send-refused", Silent: "send_route", When: "send_route.error != 101 && send_route.error != 113", Text: "the route to {send_route.dst} can't be used: the call fails with {send_route.error}", Remedy: "`ip route get {send_route.dst}`; `ip xfrm policy`", Special: "there is no packet: needs an event with the calling process", Untold: sendUntold},
	},
}
