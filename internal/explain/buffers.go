// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"

	"tracer/internal/lookup"
)

// socketReads describe a full socket. Most are read at decisions, since the drop tracepoint has the socket only since 6.11.
// udpQueue are the functions that free a datagram that the queue of a UDP socket did not take, tcpQueue those of TCP.
var (
	udpQueue = []string{"__udp_queue_rcv_skb", "udp_queue_rcv_one_skb", "udp_queue_rcv_skb", "__udpv6_queue_rcv_skb", "udpv6_queue_rcv_one_skb", "udp_unicast_rcv_skb", "__udp_enqueue_schedule_skb"}
	tcpQueue = []string{"tcp_data_queue", "tcp_data_queue_ofo", "tcp_try_rmem_schedule", "tcp_rcv_established", "tcp_rcv_state_process", "tcp_drop_reason"}
)

// socketReads describe a full socket. They are read at decisions, since the drop tracepoint has the socket only since 6.11.
func socketReads(sk string) []Read {
	return reads(
		as(size, "used", sk+"->sk_backlog.rmem_alloc.counter"), as(size, "rcvbuf", sk+"->sk_rcvbuf"), num("lport", sk+"->__sk_common.skc_num"),
		num("inode", "((struct socket_alloc *)"+sk+"->sk_socket)->vfs_inode.i_ino"),
		num("waiting", sk+"->sk_receive_queue.qlen"), num("drops", sk+"->sk_drops.counter", sk+"->sk_drop_counters->drops0.counter"),
		num("protocol", sk+"->sk_protocol"), num("family", sk+"->__sk_common.skc_family"), as(lookup.Protocol, "protocol_name", sk+"->sk_protocol"),
	)
}

// udpReads are the values by which __udp_enqueue_schedule_skb decides.
var udpReads = join(socketReads("sk"), memoryReads, reads(as(size, "rmem_min", "sk->__sk_common.skc_net.net->ipv4.sysctl_udp_rmem_min")))

// memoryReads are the memory that all sockets of the protocol use, in pages, and the limits (__sk_mem_raise_allocated): nothing
// is refused up to low, everything above limit. Between them, UDP refuses if the socket has udp_rmem_min in its queue, and TCP
// under memory pressure, depending on the socket. The control group is asked first.
var memoryReads = reads(num("allocated", "sk->__sk_common.skc_prot->memory_allocated->counter"),
	num("low", "sk->__sk_common.skc_prot->sysctl_mem[0]"), num("limit", "sk->__sk_common.skc_prot->sysctl_mem[2]"), num("memcg", "sk->sk_memcg != 0"))

// withPacket is what the sockets would use with the packet: the values are read before the kernel adds it, or after it has
// taken it away again.
func withPacket(decision string) string {
	return "(" + decision + ".allocated + (truesize + 4095 >> 12))"
}

// udpAtDrop are the same, read at the drop, whose reason stands for the error: ENOMEM for a full buffer, ENOBUFS for memory.
// So causes need a reason if the drop has the socket, see udpRefused.
func udpAtDrop(error string) []Read {
	own := atDrop("udp_queue", join(udpReads, reads(where("sk != 0", as(errno, "error", error)))))
	return join(reads(num("socket", "sk != 0")), own)
}

const udpRefused = "(reason.specified || !socket) && udp_queue.error == "

const ownerSpecial = "{owner}: a resolver finds the process of the socket by its inode"

var buffers = family{
	name: "buffers", title: "Socket buffers and memory",
	sites: []Site{
		{Name: "rcvbuf", Reasons: []string{"SOCKET_RCVBUFF", "PACKET_SOCK_ERROR", Unspecified}, Reads: join(reads(as(size, "truesize", "skb->truesize")), udpAtDrop("12")),
			Functions: []string{"__udp_queue_rcv_skb", "udp_queue_rcv_one_skb", "udp_queue_rcv_skb", "__udpv6_queue_rcv_skb", "udpv6_queue_rcv_one_skb", "udp_unicast_rcv_skb", "sock_queue_rcv_skb_reason", "__sock_queue_rcv_skb",
				"raw_rcv", "raw_rcv_skb", "rawv6_rcv", "ping_rcv", "ping_queue_rcv_skb", "packet_rcv", "tpacket_rcv", "netlink_unicast", "sock_queue_rcv_skb", "__udp_enqueue_schedule_skb"}},
		{Name: "proto_mem", Reasons: []string{"PROTO_MEM", Unspecified}, Functions: slices.Concat(tcpQueue, udpQueue),
			Reads: join(reads(as(size, "truesize", "skb->truesize")), udpAtDrop("105"))},
		{Name: "backlog", Reasons: []string{"SOCKET_BACKLOG", Unspecified}, Functions: []string{"tcp_add_backlog", "tcp_v4_rcv", "tcp_v6_rcv", "__sk_receive_skb"}, Reads: reads(as(size, "truesize", "skb->truesize"))},
		{Name: "pfmemalloc", Reasons: []string{"PFMEMALLOC", "NOMEM", "SOCKET_FILTER"}, Functions: []string{"sk_filter_trim_cap", "__sk_filter", "__netif_receive_skb_core", "sk_add_backlog", "tcp_add_backlog", "tcp_v4_rcv", "tcp_v6_rcv"},
			Reads: reads(num("pfmemalloc", "skb->pfmemalloc"))},
		{Name: "purge", Reasons: []string{"QUEUE_PURGE", "SOCKET_CLOSE", "UNIX_DISCONNECT", "UNIX_SKIP_OOB"}, Reads: reads(as(size, "len", "skb->len"))},
	},
	decisions: []Decision{
		{Name: "udp_queue", Denies: true, AtDrop: true, Functions: []string{"__udp_enqueue_schedule_skb"}, Skb: "skb", Keep: "ret != 0",
			Reads: join(udpReads, reads(as(errno, "error", "-ret")))},
		{Name: "sock_queue", Denies: true, Functions: []string{"__sock_queue_rcv_skb", "sock_queue_rcv_skb_reason", "sock_queue_rcv_skb"}, Skb: "skb", Keep: "ret != 0",
			Reads: join(socketReads("sk"), reads(num("result", "ret")))},
		{Name: "packet_queue", Denies: true, Functions: []string{"packet_rcv", "tpacket_rcv"}, Every: true, Skb: "skb", At: AtEntry,
			Keep:  "((struct sock *)pt->af_packet_priv)->sk_backlog.rmem_alloc.counter >= ((struct sock *)pt->af_packet_priv)->sk_rcvbuf",
			Reads: reads(as(size, "used", "((struct sock *)pt->af_packet_priv)->sk_backlog.rmem_alloc.counter"), as(size, "rcvbuf", "((struct sock *)pt->af_packet_priv)->sk_rcvbuf"), num("inode", "((struct socket_alloc *)((struct sock *)pt->af_packet_priv)->sk_socket)->vfs_inode.i_ino"))},
		{Name: "tcp_memory", Functions: []string{"tcp_data_queue"}, Skb: "skb", At: AtEntry,
			Reads: join(socketReads("sk"), memoryReads, reads(as(size, "forward", "sk->sk_forward_alloc")))},
		// The result is a bool until 6.18, and a drop reason since; the condition does not use it.
		{Name: "tcp_backlog", Denies: true, Functions: []string{"tcp_add_backlog"}, Skb: "skb", At: AtEntry,
			Keep: "sk->sk_backlog.len + sk->sk_backlog.rmem_alloc.counter > sk->sk_rcvbuf + (sk->sk_rcvbuf >> 1)",
			Reads: join(socketReads("sk"), reads(as(size, "backlog", "sk->sk_backlog.len"), as(size, "sndbuf", "sk->sk_sndbuf"),
				num("owned", "sk->sk_lock.owned"), as(size, "truesize", "skb->truesize")))},
	},
	causes: []Cause{
		{ID: "udp-rcvbuf", Site: "rcvbuf", Functions: udpQueue, When: udpRefused + "12 && udp_queue.used + truesize > udp_queue.rcvbuf",
			Text:   "the receive buffer of the {udp_queue.protocol_name} socket on port {udp_queue.lport} is full: {udp_queue.used} of {udp_queue.rcvbuf} in {udp_queue.waiting} datagrams[[, {owner}]]",
			Remedy: "the program reads too slowly: a larger SO_RCVBUF (at most net.core.rmem_max), or more sockets (SO_REUSEPORT)", Special: ownerSpecial},
		{ID: "udp-memory", Site: "proto_mem", Functions: udpQueue, When: udpRefused + "105 && " + withPacket("udp_queue") + " > udp_queue.low && (" + withPacket("udp_queue") + " > udp_queue.limit || udp_queue.used >= udp_queue.rmem_min)",
			Text:   "all UDP sockets together use {udp_queue.allocated} pages: more than udp_mem allows ({udp_queue.low} for a socket with more than udp_rmem_min={udp_queue.rmem_min} in its queue, else {udp_queue.limit}; port {udp_queue.lport} has {udp_queue.used})",
			Remedy: "`sysctl net.ipv4.udp_mem`; `ss -uamp` shows the memory of each socket"},
		{ID: "udp-memory-cgroup", Site: "proto_mem", Functions: udpQueue, When: udpRefused + "105 && udp_queue.memcg && " + withPacket("udp_queue") + " <= udp_queue.low",
			Text: "no memory for a datagram to port {udp_queue.lport}, although udp_mem is not reached ({udp_queue.allocated} of {udp_queue.low} pages): the control group's memory limit", Remedy: "raise memory.max of the control group of the socket: `ss -ulnp sport = :{udp_queue.lport}` shows its process"},
		{ID: "socket-rcvbuf", Site: "rcvbuf", When: "sock_queue.used >= sock_queue.rcvbuf",
			Text: "the receive buffer of a {sock_queue.protocol_name} socket (inode {sock_queue.inode}) is full: {sock_queue.used} of {sock_queue.rcvbuf}[[, {owner}]]", Remedy: "the program reads too slowly: a larger SO_RCVBUF (at most net.core.rmem_max)", Special: ownerSpecial},
		{ID: "packet-socket-full", Site: "rcvbuf", Functions: []string{"packet_rcv", "tpacket_rcv"}, When: "packet_queue.used >= packet_queue.rcvbuf",
			Text: "a packet socket (inode {packet_queue.inode}) is full: {packet_queue.used} of {packet_queue.rcvbuf}[[, {owner}]]; only this copy is dropped", Remedy: "the capture program is too slow: a larger buffer (`tcpdump -B KIB`)", Special: ownerSpecial, Benign: true,
			Limits: "The kernel reports it only if the packet has no other receiver, which is rare."},
		// tpacket_rcv has this reason, without a full buffer, if the ring has no free place.
		{ID: "packet-ring-full", Site: "rcvbuf", Reasons: []string{"PACKET_SOCK_ERROR"}, Functions: []string{"tpacket_rcv"}, When: "!known(packet_queue.used)",
			Text: "the ring of a packet socket is full, or it has no place for this packet; only this copy is dropped", Remedy: "the capture program is too slow: a larger buffer (`tcpdump -B KIB`)", Benign: true,
			Limits: "The kernel reports it only if the packet has no other receiver, which is rare."},
		{ID: "tcp-rcvbuf", Site: "proto_mem", Functions: tcpQueue, When: "tcp_memory.used > tcp_memory.rcvbuf && " + withPacket("tcp_memory") + " <= tcp_memory.limit",
			Text:   "the receive buffer of the TCP socket on port {tcp_memory.lport} is full: {tcp_memory.used} of {tcp_memory.rcvbuf}[[, {owner}]]",
			Remedy: "the program does not read; for larger buffers: `sysctl net.ipv4.tcp_rmem`", Special: ownerSpecial},
		{ID: "tcp-memory", Site: "proto_mem", Functions: tcpQueue, When: withPacket("tcp_memory") + " > tcp_memory.limit",
			Text: "all TCP sockets together use {tcp_memory.allocated} pages, and tcp_mem allows {tcp_memory.limit}", Remedy: "`sysctl net.ipv4.tcp_mem`; `ss -tamp` shows the memory of each socket"},
		{ID: "tcp-memory-cgroup", Site: "proto_mem", Functions: tcpQueue, When: "tcp_memory.memcg && tcp_memory.used <= tcp_memory.rcvbuf && " + withPacket("tcp_memory") + " <= tcp_memory.low && tcp_memory.low <= tcp_memory.limit", Reasons: []string{"PROTO_MEM"},
			Text: "no memory for a segment to port {tcp_memory.lport}, although neither the receive buffer ({tcp_memory.used} of {tcp_memory.rcvbuf}) nor tcp_mem ({tcp_memory.allocated} of {tcp_memory.low} pages) is used up: the control group's memory limit", Remedy: "raise memory.max of the control group of the socket: `ss -tanp sport = :{tcp_memory.lport}` shows its process"},
		{ID: "tcp-backlog", Site: "backlog", When: "tcp_backlog.owned && tcp_backlog.backlog + tcp_backlog.used > 2 * tcp_backlog.rcvbuf + (tcp_backlog.sndbuf >> 1) + 65536",
			Text:   "the backlog of the TCP socket on port {tcp_backlog.lport} is full: {tcp_backlog.backlog} wait while a process has locked the socket (buffer {tcp_backlog.used} of {tcp_backlog.rcvbuf})[[, {owner}]]",
			Remedy: "the process holds the lock of the socket too long: a long copy, or it does not get the CPU", Special: ownerSpecial, Limits: "Some older kernels have another limit, rcvbuf + sndbuf + 64 KiB; there the cause may be unknown."},
		{ID: "emergency-memory", Site: "pfmemalloc", When: "pfmemalloc", Text: "the packet was allocated from the emergency reserve: the host is out of memory", Remedy: "free memory, or `sysctl -w vm.min_free_kbytes=N` for a larger reserve", Limits: "Before 6.18, the drop reason is SOCKET_FILTER, or there is none."},
		{ID: "socket-closed", Site: "purge", Reasons: []string{"SOCKET_CLOSE"}, Text: "the socket was closed with {len} unread", Remedy: "none needed (TCP sends a reset if data was unread)", Benign: true},
		{ID: "queue-purged", Site: "purge", Reasons: []string{"QUEUE_PURGE"}, Text: "a queue with this packet of {len} was purged", Remedy: "none needed (normal when a socket or a device is closed)", Benign: true},
		{ID: "unix-disconnected", Site: "purge", Reasons: []string{"UNIX_DISCONNECT"}, Text: "a Unix datagram socket was disconnected with {len} unread", Remedy: "none needed (normal when the peer reconnects)", Benign: true},
		{ID: "unix-oob", Site: "purge", Reasons: []string{"UNIX_SKIP_OOB"}, Text: "out-of-band data of a Unix socket was skipped", Remedy: "none needed (the receiver did not read it in time)", Benign: true},
	},
}
