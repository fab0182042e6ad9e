// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"

	"tracer/internal/lookup"
)

// segment is the control block of a TCP segment (TCP_SKB_CB). It is valid once tcp_v4_fill_cb has run.
const segment = "((struct tcp_skb_cb *)skb->cb)"

// socketInode is the inode number of the socket sk, by which its process is found. It is unknown for a socket without a file.
const socketInode = "((struct socket_alloc *)sk->sk_socket)->vfs_inode.i_ino"

// connectionReads describe a TCP connection and a segment of it. tp is an expression for the struct tcp_sock.
func connectionReads(tp string) []Read {
	return reads(
		as(lookup.SocketState, "state", "sk->__sk_common.skc_state"), num("state_number", "sk->__sk_common.skc_state"), num("lport", "sk->__sk_common.skc_num"),
		num("inode", socketInode), num("seq", segment+"->seq"), num("end_seq", segment+"->end_seq"), num("ack_seq", segment+"->ack_seq"),
		num("rcv_nxt", tp+"->rcv_nxt"), num("window", tp+"->rcv_wnd"),
		// The number of bytes that the peer may still send, as tcp_receive_window computes it; the kernel takes 0 if it is
		// negative.
		num("left", "(u32)("+tp+"->rcv_wup + "+tp+"->rcv_wnd - "+tp+"->rcv_nxt)"), num("snd_una", tp+"->snd_una"), num("snd_nxt", tp+"->snd_nxt"),
		as(size, "used", "sk->sk_backlog.rmem_alloc.counter"), as(size, "rcvbuf", "sk->sk_rcvbuf"), num("max_window", tp+"->max_window"),
		num("tsval", tp+"->rx_opt.rcv_tsval"), num("ts_recent", tp+"->rx_opt.ts_recent"),
		num("syn", tcpHeader+"->syn"), num("ack", tcpHeader+"->ack"), num("rst", tcpHeader+"->rst"),
	)
}

// established are the functions that free a segment of a connection.
var established = []string{"tcp_data_queue", "tcp_data_queue_ofo", "tcp_rcv_established", "tcp_validate_incoming", "tcp_drop_reason", "tcp_rcv_state_process", "tcp_v4_do_rcv", "tcp_v6_do_rcv", "tcp_v4_rcv", "tcp_v6_rcv", "tcp_ofo_queue", "tcp_prune_ofo_queue", "tcp_check_req", "tcp_timewait_state_process", "tcp_try_coalesce", "tcp_ack"}

// listening describes a listening socket.
var listening = reads(
	num("lport", "sk->__sk_common.skc_num"), num("waiting", "sk->sk_ack_backlog"), num("limit", "sk->sk_max_ack_backlog"),
	num("inode", socketInode),
	num("abort", "sk->__sk_common.skc_net.net->ipv4.sysctl_tcp_abort_on_overflow"),
)

// tcpCounter is a counter of the socket's network namespace.
func tcpCounter(name string) *Counters {
	return &Counters{Base: "&sk->__sk_common.skc_net.net->mib.net_statistics->mibs[" + name + "]", Struct: "linux_mib", Number: 1}
}

const refusedSpecial = "tracer emits the drop: tcp_conn_request frees the SYN with consume_skb; " + ownerSpecial

var tcp = family{
	name: "tcp", title: "TCP",
	sites: []Site{
		{Name: "tcp_segment", Functions: established, Reads: reads(num("len", "skb->len"))},
		// With a SYN cookie, tcp_v4_do_rcv drops the third packet, since 6.9 cookie_v4_check (NO_SOCKET).
		{Name: "tcp_handshake", Functions: slices.Concat([]string{"tcp_v4_rcv", "tcp_v6_rcv", "tcp_v4_do_rcv", "tcp_v6_do_rcv", "tcp_child_process", "tcp_check_req"}, cookieCheck), Reasons: []string{"TCP_LISTEN_OVERFLOW", "NO_SOCKET", Unspecified}},
		{Name: "tcp_keys", Functions: []string{"tcp_v4_rcv", "tcp_v6_rcv", "tcp_v4_do_rcv", "tcp_v6_do_rcv", "tcp_check_req"},
			Reasons: []string{"TCP_MD5NOTFOUND", "TCP_MD5UNEXPECTED", "TCP_MD5FAILURE", "TCP_AONOTFOUND", "TCP_AOUNEXPECTED", "TCP_AOKEYNOTFOUND", "TCP_AOFAILURE", "TCP_AUTH_HDR", "TCP_MINTTL"},
			Reads:   join(l4Ports, reads(num("ttl", ip4Header+"->ttl")))},
	},
	decisions: []Decision{
		{Name: "tcp_input", Functions: []string{"tcp_validate_incoming"}, Skb: "skb", At: AtEntry, Reads: connectionReads("((struct tcp_sock *)sk)")},
		{Name: "tcp_data", Functions: []string{"tcp_data_queue"}, Skb: "skb", At: AtEntry, Reads: connectionReads("((struct tcp_sock *)sk)")},
		{Name: "tcp_state", Functions: []string{"tcp_rcv_state_process"}, Skb: "skb", At: AtEntry, Reads: connectionReads("((struct tcp_sock *)sk)")},
		{
			// The third packet of a handshake: no child socket is created.
			Name: "accept_queue", Denies: true, Functions: []string{"tcp_v4_syn_recv_sock", "tcp_v6_syn_recv_sock"}, Every: true, Skb: "skb", Keep: "!ret", Reads: listening,
		},
		// All kernels free a refused SYN with consume_skb, so there is no drop event. The kernel's own counters tell whether and
		// why it refused one: the comparison with the limit of the SYN queue is not the same on all kernels, and others change
		// the queues meanwhile.
		{
			Name: "conn_request", Functions: []string{"tcp_conn_request"}, Skb: "skb", At: AtEntry, Dies: true, Counters: tcpCounter("LINUX_MIB_LISTENDROPS"),
			Reads: join(reads(moved(map[uint64]string{0: "ListenDrops"})), listening, reads(
				num("syn_queue", "((struct inet_connection_sock *)sk)->icsk_accept_queue.qlen.counter"),
				num("syncookies", "sk->__sk_common.skc_net.net->ipv4.sysctl_tcp_syncookies"),
				num("max_syn_backlog", "sk->__sk_common.skc_net.net->ipv4.sysctl_max_syn_backlog"),
				num("somaxconn", "sk->__sk_common.skc_net.net->core.sysctl_somaxconn"), num("is_v4", isIPv4),
				where(isIPv4, as(lookup.IPv4, "src", ip4Header+"->saddr")))),
		},
		{Name: "accept_overflow", Functions: []string{"tcp_conn_request"}, Skb: "skb", At: AtEntry, Counters: tcpCounter("LINUX_MIB_LISTENOVERFLOWS"), Reads: reads(moved(map[uint64]string{0: "ListenOverflows"}))},
		{Name: "syn_overflow", Functions: []string{"tcp_conn_request"}, Skb: "skb", At: AtEntry, Counters: tcpCounter("LINUX_MIB_TCPREQQFULLDROP"), Reads: reads(moved(map[uint64]string{0: "TCPReqQFullDrop"}))},
		{Name: "syn_route", Functions: []string{"ip_route_output_flow"}, Within: []string{"tcp_conn_request"}, Keep: "(u64)ret >= (u64)-4095", Reads: reads(as(errno, "error", "-(int)(u64)ret"))},
	},
	causes: []Cause{
		{ID: "accept-queue-full", Site: "tcp_handshake", Refines: []string{"tcp-cookie-refused", "tcp6-cookie-refused"}, When: "accept_queue.waiting > accept_queue.limit",
			Text:   "the accept queue of port {accept_queue.lport} is full: {accept_queue.waiting} of {accept_queue.limit}[[ ({owner})]]; the client believes that it is connected",
			Remedy: "the program does not accept fast enough; a longer queue: listen(backlog) and net.core.somaxconn", Special: ownerSpecial},
		{ID: "syn-accept-queue-full", Silent: "conn_request", Refines: []string{"syn-refused"}, When: "accept_overflow.moved == 0 && !known(syn_overflow.moved)",
			Text:   "SYN refused: the accept queue of port {conn_request.lport} is full, {conn_request.waiting} of {conn_request.limit} (somaxconn {conn_request.somaxconn})[[ ({owner})]]",
			Remedy: "the program does not accept fast enough; a longer queue: listen(backlog) and net.core.somaxconn", Special: refusedSpecial},
		{ID: "syn-queue-full", Silent: "conn_request", Refines: []string{"syn-refused"}, When: "syn_overflow.moved == 0",
			Text:   "SYN refused: the SYN queue of port {conn_request.lport} is full, {conn_request.syn_queue} of {conn_request.limit}, and tcp_syncookies is 0[[ ({owner})]]",
			Remedy: "`sysctl -w net.ipv4.tcp_syncookies=1`, or a longer queue: listen(backlog) and net.core.somaxconn", Special: refusedSpecial},
		{ID: "syn-no-route", Silent: "conn_request", Refines: []string{"syn-refused"}, When: "conn_request.is_v4 && syn_route.error != 0 && !known(accept_overflow.moved) && !known(syn_overflow.moved)",
			Text:   "SYN refused: there is no route back to {conn_request.src} (port {conn_request.lport}, error {syn_route.error})",
			Remedy: "`ip route get {conn_request.src}`", Special: refusedSpecial},
		// The last quarter is for hosts with an entry in the TCP metrics (tcp_peer_is_proven). The kernel looks up the route first.
		{ID: "syn-queue-reserved", Silent: "conn_request", Refines: []string{"syn-refused"},
			When: "conn_request.is_v4 && !known(syn_route.error) && !known(accept_overflow.moved) && !known(syn_overflow.moved) && conn_request.syncookies == 0 && " +
				"conn_request.syn_queue > conn_request.max_syn_backlog - (conn_request.max_syn_backlog >> 2)",
			Text:   "SYN refused: {conn_request.syn_queue} handshakes of port {conn_request.lport} are pending, tcp_syncookies is 0, and the last quarter of tcp_max_syn_backlog={conn_request.max_syn_backlog} is for hosts that connected before[[ ({owner})]]",
			Remedy: "`sysctl -w net.ipv4.tcp_syncookies=1`, or a larger net.ipv4.tcp_max_syn_backlog", Special: refusedSpecial},
		{ID: "syn-refused", Silent: "conn_request", When: "!known(accept_overflow.moved) && !known(syn_overflow.moved)",
			Text:   "SYN refused by port {conn_request.lport}, although neither queue is full: no memory or no route back, options that are not valid, or without SYN cookies the last quarter of tcp_max_syn_backlog={conn_request.max_syn_backlog} ({conn_request.syn_queue} pending)[[ ({owner})]]",
			Remedy: "look for a route back to the sender; `dmesg`; `sysctl net.ipv4.tcp_syncookies net.ipv4.tcp_max_syn_backlog`", Special: refusedSpecial},
		{ID: "tcp-window-closed", Site: "tcp_segment", Reasons: []string{"TCP_ZEROWINDOW"}, When: "tcp_data.left == 0 || tcp_data.left >= 0x80000000",
			Text: "the receive window of port {tcp_data.lport} is closed: the program does not read (buffer {tcp_data.used} of {tcp_data.rcvbuf})[[, {owner}]]", Remedy: "find out why the program does not read: `ss -tmp sport = :{tcp_data.lport}`", Special: ownerSpecial},
		{ID: "tcp-over-window", Site: "tcp_segment", Reasons: []string{"TCP_OVERWINDOW"},
			Text: "the segment begins beyond the window: seq {tcp_data.seq}, expected {tcp_data.rcv_nxt}, window {tcp_data.window}", Remedy: "the sender ignores the window, or the segment belongs to an older connection"},
		{ID: "tcp-old-data", Site: "tcp_segment", Reasons: []string{"TCP_OLD_DATA"}, When: "(tcp_data.rcv_nxt - tcp_data.end_seq & 0xffffffff) < 0x80000000",
			Text: "the data was received already: seq {tcp_data.seq} to {tcp_data.end_seq}, expected {tcp_data.rcv_nxt} (a retransmission)", Remedy: "none needed after loss; otherwise look for lost ACKs", Benign: true},
		// 6.1 has one reason for both ends of the window.
		{ID: "tcp-old-sequence", Site: "tcp_segment", Reasons: []string{"TCP_OLD_SEQUENCE", "TCP_INVALID_SEQUENCE"}, When: "(tcp_input.rcv_nxt - tcp_input.end_seq & 0xffffffff) < 0x80000000",
			Text: "the segment ends before the expected sequence number: seq {tcp_input.seq} to {tcp_input.end_seq}, expected {tcp_input.rcv_nxt} (a retransmission or a keepalive probe)", Remedy: "none needed (normal after loss and on idle connections)", Benign: true},
		{ID: "tcp-invalid-sequence", Site: "tcp_segment", Reasons: []string{"TCP_INVALID_SEQUENCE"}, When: "(tcp_input.rcv_nxt - tcp_input.end_seq & 0xffffffff) >= 0x80000000",
			Text: "the sequence numbers are outside the window: seq {tcp_input.seq} to {tcp_input.end_seq}, expected {tcp_input.rcv_nxt}, window {tcp_input.window}", Remedy: "a stray segment of an older connection, or a middlebox rewrites sequence numbers"},
		{ID: "tcp-invalid-end-sequence", Site: "tcp_segment", Reasons: []string{"TCP_INVALID_END_SEQUENCE"},
			Text: "the segment ends beyond the window: seq {tcp_input.seq} to {tcp_input.end_seq}, expected {tcp_input.rcv_nxt}, window {tcp_input.window}", Remedy: "the sender ignores the window"},
		{ID: "tcp-beyond-closed-window", Site: "tcp_segment", Reasons: []string{"TCP_INVALID_END_SEQUENCE"}, Refines: []string{"tcp-invalid-end-sequence"}, When: "tcp_input.left == 0 || tcp_input.left >= 0x80000000",
			Text: "the receive window of port {tcp_input.lport} is closed, but the sender sends more: the program does not read (buffer {tcp_input.used} of {tcp_input.rcvbuf})[[, {owner}]]", Remedy: "find out why the program does not read: `ss -tmp sport = :{tcp_input.lport}`", Special: ownerSpecial},
		{ID: "tcp-paws", Site: "tcp_segment", Reasons: []string{"TCP_RFC7323_PAWS", "TCP_RFC7323_PAWS_ACK"}, When: "(tcp_input.ts_recent - tcp_input.tsval & 0xffffffff) < 0x80000000",
			Text: "the TCP timestamp {tcp_input.tsval} is older than {tcp_input.ts_recent}, the latest on this connection (PAWS)", Remedy: "reordering, or several hosts behind one NAT address"},
		{ID: "tcp-timewait-paws", Site: "tcp_segment", Reasons: []string{"TCP_RFC7323_TW_PAWS"}, Text: "the TCP timestamp is older than the latest on the connection in TIME_WAIT with the same ports (PAWS)", Remedy: "several hosts behind one NAT address, or ports reused too fast"},
		{ID: "tcp-timestamp-echo", Site: "tcp_segment", Reasons: []string{"TCP_RFC7323_TSECR"}, Text: "the segment echoes a TCP timestamp that was never sent", Remedy: "a stray SYN-ACK, or a middlebox rewrites timestamps"},
		// A reset that ends a connection is freed by __kfree_skb, without a drop event.
		{ID: "tcp-reset-ignored", Site: "tcp_segment", Reasons: []string{"TCP_RESET"}, Text: "a reset was ignored[[: its seq is {tcp_input.seq}, port {tcp_input.lport} expects {tcp_input.rcv_nxt}; a challenge ACK is sent unless it is rate-limited]]", Remedy: "a stray or spoofed reset, or one for a listening socket; a peer without the connection answers the challenge ACK with another reset", Benign: true},
		{ID: "tcp-invalid-syn", Site: "tcp_segment", Reasons: []string{"TCP_INVALID_SYN"}, When: "tcp_input.syn", Text: "a SYN on an existing connection (port {tcp_input.lport}, state {tcp_input.state}); a challenge ACK is sent unless it is rate-limited", Remedy: "the peer lost its state (a restart?) and reuses the port"},
		{ID: "tcp-close", Site: "tcp_segment", Reasons: []string{"TCP_CLOSE"}, Text: "the socket was closed[[ (port {tcp_state.lport}, state {tcp_state.state})]]", Remedy: "none needed (the segment arrived after the close)"},
		{ID: "tcp-abort-on-data", Site: "tcp_segment", Reasons: []string{"TCP_ABORT_ON_DATA"}, Text: "data arrived for a socket that the program has closed[[ (port {tcp_state.lport}, state {tcp_state.state})]]: a reset is sent", Remedy: "the program closes before it has read everything"},
		{ID: "tcp-flags", Site: "tcp_segment", Reasons: []string{"TCP_FLAGS"}, Text: "the flags do not fit the state[[ {tcp_input.state} (syn {tcp_input.syn}, ack {tcp_input.ack}, rst {tcp_input.rst})]]", Remedy: "a stray or crafted segment"},
		{ID: "tcp-old-ack", Site: "tcp_segment", Reasons: []string{"TCP_OLD_ACK", "TCP_TOO_OLD_ACK"}, Text: "the acknowledgement is too old[[: {tcp_input.ack_seq}, unacknowledged from {tcp_input.snd_una}]]", Remedy: "none needed (a late or duplicate ACK)", Benign: true},
		{ID: "tcp-ack-unsent", Site: "tcp_segment", Reasons: []string{"TCP_ACK_UNSENT_DATA"}, Text: "the segment acknowledges data that was never sent[[: {tcp_input.ack_seq}, sent up to {tcp_input.snd_nxt}]]", Remedy: "a stray segment of an older connection, or a middlebox rewrites sequence numbers"},
		{ID: "tcp-invalid-ack", Site: "tcp_segment", Reasons: []string{"TCP_INVALID_ACK_SEQUENCE"}, Text: "the acknowledgement is outside the window[[: {tcp_input.ack_seq}, unacknowledged from {tcp_input.snd_una} to {tcp_input.snd_nxt}]]", Remedy: "a stray segment, or a blind attack"},
		{ID: "tcp-ofo-merge", Site: "tcp_segment", Reasons: []string{"TCP_OFOMERGE"}, Text: "the data is already in the out-of-order queue (a duplicate)", Remedy: "none needed (normal after loss)", Benign: true},
		{ID: "tcp-ofo-drop", Site: "tcp_segment", Reasons: []string{"TCP_OFO_DROP"}, Text: "data of the out-of-order queue arrived again, in order", Remedy: "none needed (normal after loss)", Benign: true},
		{ID: "tcp-ofo-prune", Site: "tcp_segment", Reasons: []string{"TCP_OFO_QUEUE_PRUNE"}, Text: "the out-of-order queue was emptied, since the receive buffer is full", Remedy: "the program reads too slowly, or net.ipv4.tcp_rmem is too small"},
		{ID: "tcp-fastopen", Site: "tcp_segment", Reasons: []string{"TCP_FASTOPEN"}, Text: "the segment does not complete the handshake of a Fast Open connection", Remedy: "none needed (normal after loss, and for duplicates)", Benign: true},
		{ID: "tcp-md5-missing", Site: "tcp_keys", Reasons: []string{"TCP_MD5NOTFOUND"}, When: "is_v4", Text: "{src4} sends no TCP MD5 signature, but a key is set for it (port {dport})", Remedy: "set the same key on both ends (BGP: password)"},
		{ID: "tcp-md5-unexpected", Site: "tcp_keys", Reasons: []string{"TCP_MD5UNEXPECTED"}, When: "is_v4", Text: "{src4} sends a TCP MD5 signature, but no key is set for it (port {dport})", Remedy: "set the same key on both ends (BGP: password)"},
		{ID: "tcp-md5-wrong", Site: "tcp_keys", Reasons: []string{"TCP_MD5FAILURE"}, When: "is_v4", Text: "the TCP MD5 signature of {src4} is wrong (port {dport})", Remedy: "the keys differ, or NAT changes addresses or ports"},
		{ID: "tcp-ao", Site: "tcp_keys", Reasons: []string{"TCP_AONOTFOUND", "TCP_AOUNEXPECTED", "TCP_AOKEYNOTFOUND", "TCP_AOFAILURE", "TCP_AUTH_HDR"}, When: "is_v4", Text: "the TCP-AO option of {src4} is missing, unexpected or wrong, or the segment has two signatures (port {dport})", Remedy: "compare the keys (TCP_AO_ADD_KEY) of both ends"},
		{ID: "tcp-min-ttl", Site: "tcp_keys", Reasons: []string{"TCP_MINTTL"}, When: "is_v4", Text: "the TTL {ttl} of {src4} is below the socket's minimum (IP_MINTTL, port {dport})", Remedy: "the peer is more hops away than the socket allows (BGP: ttl-security)"},
	},
}
