// SPDX-License-Identifier: Apache-2.0

package explain

import "testing"

// TestMemoryLimits checks the causes of refused memory at the limits: the kernel compares the pages in use with the packet's
// own, and between the first and the last limit the socket decides.
func TestMemoryLimits(t *testing.T) {
	const low, limit, pages = 100, 200, 2 // of a packet of 8192 bytes
	udp := func(allocated, used, memcg uint64) Values {
		return Values{
			"socket": number(1), "truesize": number(8192), "udp_queue.error": number(105), "udp_queue.allocated": number(allocated), "udp_queue.low": number(low),
			"udp_queue.limit": number(limit), "udp_queue.memcg": number(memcg), "udp_queue.used": number(used), "udp_queue.rmem_min": number(4096), "udp_queue.lport": number(53),
		}
	}
	tcp := func(allocated, used, memcg uint64) Values {
		return Values{
			"truesize": number(8192), "tcp_memory.allocated": number(allocated), "tcp_memory.low": number(low), "tcp_memory.limit": number(limit),
			"tcp_memory.memcg": number(memcg), "tcp_memory.used": number(used), "tcp_memory.rcvbuf": number(6000), "tcp_memory.lport": number(80),
		}
	}
	for _, test := range []struct {
		name   string
		at     string
		values Values
		want   string
	}{
		{"UDP, under all limits", "__udp_queue_rcv_skb", udp(low-pages, 5000, 0), ""},
		{"UDP, under all limits, with a control group", "__udp_queue_rcv_skb", udp(low-pages, 5000, 1), "udp-memory-cgroup"},
		{"UDP, above the first limit", "__udp_queue_rcv_skb", udp(low-pages+1, 4096, 1), "udp-memory"},
		{"UDP, above the first limit, with little in the queue", "__udp_queue_rcv_skb", udp(low-pages+1, 4095, 1), ""},
		{"UDP, up to the last limit", "__udp_queue_rcv_skb", udp(limit-pages, 0, 0), ""},
		{"UDP, above the last limit", "__udp_queue_rcv_skb", udp(limit-pages+1, 0, 0), "udp-memory"},
		{"TCP, under all limits", "tcp_data_queue", tcp(low-pages, 5000, 0), ""},
		{"TCP, under all limits, with a control group", "tcp_data_queue", tcp(low-pages, 5000, 1), "tcp-memory-cgroup"},
		{"TCP, above the first limit", "tcp_data_queue", tcp(low-pages+1, 5000, 1), ""},
		{"TCP, up to the last limit", "tcp_data_queue", tcp(limit-pages, 5000, 1), ""},
		{"TCP, above the last limit", "tcp_data_queue", tcp(limit-pages+1, 5000, 1), "tcp-memory"},
		{"TCP, full buffer", "tcp_data_queue", tcp(low, 6001, 1), "tcp-rcvbuf"},
		{"TCP, buffer just not full", "tcp_data_queue", tcp(low, 6000, 0), ""},
	} {
		if got := causeOf(load(t).Explain(&Drop{Reason: "PROTO_MEM", Location: test.at, Values: test.values})); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestFullSocketBuffer checks that a socket's buffer is full if it has no byte left, whatever the size of the packet.
func TestFullSocketBuffer(t *testing.T) {
	for used, want := range map[uint64]string{1999: "", 2000: "socket-rcvbuf"} {
		values := Values{"truesize": number(768), "sock_queue.used": number(used), "sock_queue.rcvbuf": number(2000), "sock_queue.inode": number(1), "sock_queue.protocol_name": {Text: "icmp"}}
		if got := causeOf(load(t).Explain(&Drop{Reason: "SOCKET_RCVBUFF", Location: "raw_rcv", Values: values})); got != want {
			t.Errorf("%d of 2000: %q, want %q", used, got, want)
		}
	}
}

// TestFullBacklog checks that a packet that fits into the backlog of a locked socket was dropped for another reason.
func TestFullBacklog(t *testing.T) {
	const limit = 2*10000 + 8000/2 + 64*1024
	for waiting, want := range map[uint64]string{limit - 500: "", limit - 499: "tcp-backlog"} {
		values := Values{
			"tcp_backlog.owned": number(1), "tcp_backlog.backlog": number(waiting), "tcp_backlog.used": number(500), "tcp_backlog.rcvbuf": number(10000),
			"tcp_backlog.sndbuf": number(8000), "tcp_backlog.lport": number(80), "truesize": number(768),
		}
		if got := causeOf(load(t).Explain(&Drop{Reason: "SOCKET_BACKLOG", Location: "tcp_add_backlog", Values: values})); got != want {
			t.Errorf("%d waiting: %q, want %q", waiting, got, want)
		}
	}
}
