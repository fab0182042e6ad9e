// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"maps"
	"testing"
)

// TestUnspecified explains drops for which some kernels have no reason, or the same as for others: what they read and decided
// must tell them apart. The places are those of the kernels' sources.
func TestUnspecified(t *testing.T) {
	table := load(t)
	port := Values{
		"dev": {Text: "p0"}, "bridge": {Text: "br0"}, "to": {Text: "02:00:00:00:00:77"}, "from": {Text: "02:00:00:00:00:06"}, "state": {Text: "FORWARDING"}, "state_number": number(3),
		"locked": number(0), "from_multicast": number(0), "from_zero": number(0), "to_link_local": number(0), "to_last": number(0x77),
	}
	frame := Values{
		"type": number(0), "version": number(4), "ihl": number(5), "disable_ipv6": number(0), "dev": {Text: "eth0"}, "to": {Text: "to"}, "own": {Text: "own"}, "promiscuity": number(1),
		"ethernet": number(1), "to_high": number(1), "to_low": number(2), "own_high": number(1), "own_low": number(2),
	}
	raw := Values{
		"is_v4": number(1), "protocol": {Text: "254"}, "dev": {Text: "eth0"}, "raw_takes": number(0), "raw_others": number(0), "raw6": number(0),
		"used": number(2304), "rcvbuf": number(2304), "inode": number(7),
	}
	segment := Values{"tcp_input.seq": number(4900), "tcp_input.end_seq": number(4950), "tcp_input.rcv_nxt": number(5000), "tcp_input.window": number(1000)}
	queue := Values{"accept_queue.lport": number(80), "accept_queue.waiting": number(1), "accept_queue.limit": number(0), "is_v4": number(1), "dport": number(80), "sport": number(4000), "src4": {Text: "10.0.0.1"}}
	neighbour := Values{"neigh_send.via": {Text: "10.0.0.9"}, "neigh_send.dev": {Text: "eth0"}, "neigh_send.multicast_probes": number(0), "neigh_send.app_probes": number(0), "neigh_send.dead": number(0), "neigh_send.state_number": number(0x20)}
	port80 := Values{
		"is_v4": number(1), "dport": number(80), "sport": number(4000), "syn": number(1), "rst": number(0), "dst4": {Text: "10.0.0.2"}, "src4": {Text: "10.0.0.1"},
		"dst6": {Text: "fd00::2"}, "src6": {Text: "fd00::1"}, "bound": number(0), "mark": number(0), "lport": number(4000), "dst": {Text: "10.0.0.2"},
	}
	inactive := Values{"enqueue.noop": number(1), "enqueue.to": {Text: "eth0"}, "enqueue.result": number(2)}
	for _, test := range []struct {
		reason, location string
		values           Values
		cause            string
	}{
		{Unspecified, "br_handle_frame+0x1", port.and("from_multicast", 1), "bridge-invalid-source"},
		{"", "br_handle_frame+0x1", port.and("from_zero", 1).and("state_number", 1), "bridge-invalid-source"},
		{Unspecified, "br_handle_frame_finish+0x1", port.and("from_multicast", 1), ""},
		{Unspecified, "br_handle_frame_finish+0x1", port.and("locked", 1), "bridge-locked"},
		{Unspecified, "br_handle_frame_finish+0x1", port.and("locked", 1).and("flood.packet", 0), "bridge-no-target"},
		{Unspecified, "br_flood+0x1", port.and("flood.packet", 0), "bridge-no-target"},
		{Unspecified, "br_handle_frame_finish+0x1", port, ""},
		{"NO_TX_TARGET", "br_flood+0x1", port, "bridge-no-target"},

		{"", "ip_rcv_core+0x1", frame.and("type", 3), "own-mac-otherhost"},
		{"", "ip_rcv_core+0x1", frame.and("type", 3).and("to_low", 9).and("version", 7), "wrong-mac"},
		{"", "ip_rcv_core+0x1", frame, ""},
		{"", "ip_rcv_core+0x1", frame.and("version", 7), "ip-version"},
		{"", "ip_rcv_core+0x1", frame.and("ihl", 3), "ip-header-length"},
		{"", "ip6_rcv_core+0x1", frame.and("disable_ipv6", 1), "ipv6-disabled"},
		{"", "ip_rcv_core+0x1", frame.and("disable_ipv6", 1), ""},

		{"IP_NOPROTO", "ip_protocol_deliver_rcu+0x1", raw, "no-protocol"},
		{"IP_NOPROTO", "ip_protocol_deliver_rcu+0x1", raw.and("raw_takes", 1), "raw-rcvbuf"},
		{"IP_NOPROTO", "ip_protocol_deliver_rcu+0x1", raw.and("raw_takes", 1).and("used", 9), "no-protocol-or-full"},
		{"IP_NOPROTO", "ip_protocol_deliver_rcu+0x1", raw.and("raw_others", 1), "no-protocol-or-full"},
		{"IP_NOPROTO", "ip_protocol_deliver_rcu+0x1", Values{"is_v4": number(1), "protocol": {Text: "254"}}, "no-protocol-or-full"},
		{"IP_NOPROTO", "ip6_protocol_deliver_rcu+0x1", raw.and("is_v4", 0), "ipv6-no-protocol"},
		{"IP_NOPROTO", "ip6_protocol_deliver_rcu+0x1", raw.and("is_v4", 0).and("raw6", 1), "ipv6-no-protocol-or-full"},

		{"TCP_INVALID_SEQUENCE", "tcp_validate_incoming+0x1", segment, "tcp-old-sequence"},
		{"TCP_INVALID_SEQUENCE", "tcp_validate_incoming+0x1", segment.and("tcp_input.end_seq", 5000), "tcp-old-sequence"},
		{"TCP_INVALID_SEQUENCE", "tcp_validate_incoming+0x1", segment.and("tcp_input.end_seq", 7000), "tcp-invalid-sequence"},
		{"TCP_OLD_SEQUENCE", "tcp_validate_incoming+0x1", segment, "tcp-old-sequence"},

		{"NO_SOCKET", "cookie_v4_check+0x1", queue, "accept-queue-full"},
		{Unspecified, "tcp_v4_do_rcv+0x1", queue, "accept-queue-full"},
		{"NO_SOCKET", "cookie_v4_check+0x1", queue.and("accept_queue.limit", 5), "tcp-cookie-refused"},

		{"", "__neigh_event_send+0x1", neighbour, "neigh-failed"},
		{"", "__neigh_event_send+0x1", neighbour.and("neigh_send.state_number", 1), ""},
		{"", "__neigh_event_send+0x1", neighbour.and("neigh_send.dead", 1), "neigh-dead"},
		{"", "kfree_skb_list+0x1", inactive, "qdisc-inactive"},

		{"", "tcp_v4_rcv+0x1", port80, ""},
		{"NO_SOCKET", "tcp_v4_rcv+0x1", port80, "tcp-no-listener"},
		{"", "tcp_v4_rcv+0x1", port80.and("reset.without_socket", 1), "tcp-no-listener"},
		{"", "tcp_v4_rcv+0x1", port80.and("reset.without_socket", 1).and("syn", 0), "tcp-no-connection"},
		{"", "__udp4_lib_rcv+0x1", port80, ""},
		{"", "__udp4_lib_rcv+0x1", port80.and("unreachable.code", 3), "udp-no-listener"},
		{"", "__udp6_lib_rcv+0x1", port80.and("unreachable6.code", 4).and("is_v4", 0).and("checksum", 1), "udp6-no-listener"},
		{"", "ip_protocol_deliver_rcu+0x1", raw, ""},
		{"", "ip_protocol_deliver_rcu+0x1", raw.and("unreachable.code", 2), "no-protocol"},
		{"", "ip6_input+0xbb", raw.and("unreachable6.code", 1).and("is_v4", 0), "ipv6-no-protocol"},
		{"", "__ip_queue_xmit+0x1", port80.and("policies", 0), "output-no-route"},
		{"", "__ip_queue_xmit+0x1", port80.and("policies", 1), "output-no-route-or-policy"},
	} {
		a := table.Explain(&Drop{Reason: test.reason, Location: test.location, Values: test.values})
		if got := causeOf(a); got != test.cause {
			t.Errorf("%s at %s, %v: %q, want %q (contradicting: %v)", test.reason, test.location, test.values, got, test.cause, a.Contradicting)
		}
	}
}

// and returns the values with another number.
func (v Values) and(key string, n uint64) Values {
	all := maps.Clone(v)
	all[key] = number(n)
	return all
}
