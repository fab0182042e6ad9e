// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"maps"
	"testing"
)

// TestMeasured checks the causes of drops whose reason, location and values were read on Linux 6.18.44 with the
// expressions of the table, in network namespaces in which the cause was provoked.
func TestMeasured(t *testing.T) {
	table := load(t)
	forwarding := func(error, forwarding uint64) Values {
		return Values{"error": number(error), "forwarding": number(forwarding), "dev": {Text: "i16v1"}, "dst": {Text: "10.77.2.1"}, "mark": number(0)}
	}
	size := func(ttl, length, dev, route, pmtu uint64) Values {
		return Values{
			"type": number(0), "ttl": number(ttl), "is_v4": number(1), "len": number(length), "gso_size": number(0), "dev_mtu": number(dev), "route_mtu": number(route), "pmtu": number(pmtu),
			"use_pmtu": number(0), "locked": number(0), "out": {Text: "i16v2"}, "src": {Text: "10.77.1.1"}, "dst": {Text: "10.77.2.1"},
		}
	}
	ports := func(dport, syn, rst uint64) Values {
		return Values{"is_v4": number(1), "dport": number(dport), "sport": number(60278), "syn": number(syn), "rst": number(rst), "dst4": {Text: "10.77.1.2"}, "src4": {Text: "10.77.1.1"}}
	}
	frame := func(high, low uint64) Values {
		return Values{"type": number(3), "ethernet": number(1), "to_high": number(high), "to_low": number(low), "own_high": number(2721569399), "own_low": number(27756), "promiscuity": number(1),
			"dev": {Text: "i16v1"}, "to": {Text: "02:00:00:00:00:99"}, "own": {Text: "a2:37:d2:77:6c:6c"}}
	}
	for cause, d := range map[string]Drop{
		"ip-forward-off":     {Reason: "IP_INADDRERRORS", Location: "ip_error+0x94", Values: forwarding(113, 0)},
		"no-route":           {Reason: "IP_INNOROUTES", Location: "ip_error+0x94", Values: forwarding(101, 1)},
		"route-blackhole":    {Reason: Unspecified, Location: "ip_error+0x94", Values: forwarding(22, 1)},
		"route-prohibit":     {Reason: Unspecified, Location: "ip_error+0x94", Values: forwarding(13, 1)},
		"ttl":                {Reason: "IP_INHDR", Location: "ip_forward+0x2c0", Values: size(1, 84, 1500, 0, 0)},
		"forward-mtu-device": {Reason: "PKT_TOO_BIG", Location: "ip_forward+0x2c0", Values: size(64, 1428, 1300, 0, 0)},
		"rp-filter": {Reason: "IP_RPFILTER", Location: "ip_rcv_finish_core+0x25b", Values: Values{
			"src": {Text: "10.77.2.9"}, "dev": {Text: "i16v1"}, "rp_all": number(0), "rp_dev": number(1), "ifindex": number(2)}},
		"tcp-no-listener": {Reason: "NO_SOCKET", Location: "tcp_v4_rcv+0x99", Values: ports(81, 1, 0)},
		"udp-no-listener": {Reason: "NO_SOCKET", Location: "__udp4_lib_rcv+0x4bc", Values: ports(82, 0, 1)},
		"wrong-mac":       {Reason: "OTHERHOST", Location: "ip_rcv_core+0x22c", Values: frame(33554432, 153)},
		"udp-checksum":    {Reason: "UDP_CSUM", Location: "__udp4_lib_rcv+0x1eb", Values: Values{"udp_sum": number(4660)}},
		"neigh-no-answer": {Reason: "NEIGH_FAILED", Location: "neigh_invalidate+0x7e", Values: Values{
			"unresolved.via": {Text: "10.77.1.77"}, "unresolved.dev": {Text: "i16v0"}, "unresolved.probes": number(3), "unresolved.multicast_probes": number(3), "unresolved.unicast_probes": number(3), "unresolved.app_probes": number(0)}},
		"peer-mtu": {Reason: Unspecified, Location: "__dev_forward_skb2+0x87", Values: Values{
			"handover.up": number(1), "handover.gso_size": number(0), "handover.len": number(1342), "handover.mtu": number(1000), "handover.header": number(14), "handover.dev": {Text: "i16v1"}}},
	} {
		a := table.Explain(&d)
		switch {
		case a.Cause == nil:
			t.Errorf("%s at %s: unknown (contradicting: %v), want %s", d.Reason, d.Location, a.Contradicting, cause)
		case a.Cause.ID != cause:
			t.Errorf("%s at %s: %s, want %s", d.Reason, d.Location, a.Cause.ID, cause)
		}
	}
}

// TestZeroNetwork checks that only 0.0.0.0 is a martian: the rest of 0.0.0.0/8 is unicast since Linux 5.3.
func TestZeroNetwork(t *testing.T) {
	table := load(t)
	for _, test := range []struct {
		src, dst      uint64
		reason, cause string
	}{
		{0, 0x0a470101, "IP_INVALID_SOURCE", "martian-source-zero"},
		{9, 0x0a470101, "IP_INVALID_SOURCE", "invalid-source"},
		{0x0a470101, 0, "IP_INVALID_DEST", "martian-destination-zero"},
		{0x0a470101, 9, "IP_INVALID_DEST", ""},
	} {
		a := table.Explain(&Drop{Reason: test.reason, Location: "ip_rcv_finish_core+0x25b", Values: Values{
			"src": {Text: "src"}, "dst": {Text: "dst"}, "src_number": number(test.src), "dst_number": number(test.dst), "log_martians": number(0), "route_localnet": number(0), "dev": {Text: "eth0"},
		}})
		if got := causeOf(a); got != test.cause {
			t.Errorf("%#x to %#x: %q, want %q", test.src, test.dst, got, test.cause)
		}
	}
}

func causeOf(a Answer) string {
	if a.Cause == nil {
		return ""
	}
	return a.Cause.ID
}

// TestUnlockedMTUOfIPv6Route checks that only a locked MTU of a route is the reason why an IPv6 router refuses a packet.
func TestUnlockedMTUOfIPv6Route(t *testing.T) {
	table := load(t)
	for locked, want := range map[uint64]string{0: "forward6-mtu-device", 4: "forward6-mtu-route"} {
		a := table.Explain(&Drop{Reason: "PKT_TOO_BIG", Location: "ip6_forward+0x2c0", Values: Values{
			"type": number(0), "len": number(1500), "gso_size": number(0), "dev_mtu": number(1400), "dev_mtu6": number(1400), "route_mtu": number(1300), "route_locked": number(locked),
			"out": {Text: "eth1"}, "src": {Text: "fd00::1"}, "dst": {Text: "fd01::1"},
		}})
		if got := causeOf(a); got != want {
			t.Errorf("locks %#x: %q, want %q", locked, got, want)
		}
	}
}

// TestNotForwarded checks what ip_forward and ip6_forward look at before TTL and MTU: whether IPv6 forwarding is on, and
// whether the frame is for this host.
func TestNotForwarded(t *testing.T) {
	table := load(t)
	for _, test := range []struct {
		reason, function     string
		isV4, frame, on, ttl uint64
		want                 string
	}{
		{Unspecified, "ip_forward", 1, 1, 0, 1, "forward-l2-broadcast"},
		{Unspecified, "ip_forward", 1, 2, 0, 64, "forward-l2-broadcast"},
		{"", "ip_forward", 1, 0, 0, 1, "ttl"},
		{Unspecified, "ip_forward", 1, 0, 0, 64, ""},
		{Unspecified, "ip6_forward", 0, 1, 1, 1, "forward6-l2-broadcast"},
		{"IP_INADDRERRORS", "ip6_forward", 0, 0, 0, 64, "ipv6-forward-off"},
		{"IP_INADDRERRORS", "ip6_forward", 0, 0, 1, 64, ""},
		{"", "ip6_forward", 0, 1, 0, 1, "ipv6-forward-off"},
		{"", "ip6_forward", 0, 0, 1, 1, "hop-limit"},
	} {
		values := Values{
			"is_v4": number(test.isV4), "type": number(test.frame), "forwarding6": number(test.on), "forced": number(0), "ttl": number(test.ttl), "hop_limit": number(test.ttl),
			"dev": {Text: "eth0"}, "src": {Text: "10.0.0.1"}, "dst": {Text: "10.0.0.2"}, "src6": {Text: "fd00::1"}, "dst6": {Text: "fd00::2"},
			"len": number(84), "gso_size": number(0), "dev_mtu": number(1500), "dev_mtu6": number(1500), "route_mtu": number(0), "route_locked": number(0),
		}
		a := table.Explain(&Drop{Reason: test.reason, Location: test.function + "+0x2c0", Values: values})
		if got := causeOf(a); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

// TestProvoked checks the causes of drops that scenarios in e2e/guest provoke, with reason and location of Linux 6.18.44.
func TestProvoked(t *testing.T) {
	table := load(t)
	program := Values{"program": number(7), "name": {Text: "fw"}, "dev": {Text: "eth0"}}
	window := func(left uint64) Values {
		return Values{
			"tcp_input.left": number(left), "tcp_input.lport": number(80), "tcp_input.used": number(2304), "tcp_input.rcvbuf": number(2304),
			"tcp_input.seq": number(5), "tcp_input.end_seq": number(6), "tcp_input.rcv_nxt": number(5), "tcp_input.window": number(1000),
		}
	}
	with := func(values Values, more Values) Values {
		all := maps.Clone(values)
		maps.Copy(all, more)
		return all
	}
	// Of a device with tcx programs, and with tc filters.
	tcx := func(programs, filters uint64) Values {
		return Values{"dev": {Text: "eth0"}, "ingress_program": number(7), "ingress_name": {Text: "fw"}, "ingress_programs": number(programs), "ingress_filters": number(filters),
			"egress_programs": number(0), "egress_filters": number(0)}
	}
	classified := Values{"classified.verdict": number(2), "classified.kind": {Text: "bpf"}, "classified.chain": number(0), "classified.prio": number(1)}
	shot := with(classified, Values{"tc_program.verdict": number(2), "tc_program.program": number(7), "tc_program.name": {Text: "fw"}, "tc_program.prio": number(1)})
	netkit := func(primary, programs, policy uint64) Values {
		return Values{"primary": number(primary), "netkit_send.primary": number(1), "netkit_send.programs": number(programs), "netkit_send.policy": number(policy),
			"netkit_send.program": number(7), "netkit_send.name": {Text: "fw"}, "netkit_send.dev": {Text: "nk0"}}
	}
	veth := func(length uint64) Values {
		return Values{"len": number(length), "veth_send.len": number(154), "veth_send.no_peer": number(0), "veth_send.polled": number(1), "index": number(3), "veth_send.peer_index": number(3), "dev": {Text: "veth1"}, "program": number(0), "veth_send.size": number(256), "veth_send.dev": {Text: "veth0"}}
	}
	full := func(socket uint64) Values {
		values := Values{"socket": number(socket), "truesize": number(768), "udp_queue.error": number(12), "udp_queue.used": number(2304), "udp_queue.rcvbuf": number(2304)}
		for _, key := range []string{"protocol_name", "lport", "waiting"} {
			values["udp_queue."+key] = number(1)
		}
		return values
	}
	backlog := func(rps, qlen, limit uint64) Values {
		return Values{"up": number(1), "rps": number(rps), "cpu": number(3), "qlen": number(qlen), "limit": number(limit), "flow_limit": number(0), "dev": {Text: "eth0"}}
	}
	steered := backlog(1, 0, 1000)
	steered["steering.cpu"], steered["steering.qlen"], steered["steering.limit"], steered["steering.flow_limit"] = number(1), number(1001), number(1000), number(0)
	down := backlog(0, 0, 1000)
	down["up"] = number(0)
	cookie := Values{"is_v4": number(1), "dport": number(80), "sport": number(4000), "syn": number(0), "rst": number(0), "dst4": {Text: "10.0.0.2"}, "src4": {Text: "10.0.0.1"}}
	for _, test := range []struct {
		Drop
		cause string
	}{
		{Drop{Reason: Unspecified, Location: "do_xdp_generic+0x29f", Values: program}, "xdp-generic"},
		{Drop{Reason: "XDP", Location: "do_xdp_generic+0x29f", Values: program}, "xdp-generic-redirect"},
		{Drop{Location: "do_xdp_generic+0x29f", Values: with(program, Values{"generic_redirect.error": number(100)})}, "xdp-generic-redirect"},
		{Drop{Reason: "TC_INGRESS", Location: "__netif_receive_skb_core.constprop.0+0x1", Values: tcx(1, 0)}, "tcx-ingress"},
		{Drop{Reason: "TC_INGRESS", Location: "__netif_receive_skb_core.constprop.0+0x1", Values: tcx(2, 0)}, "tcx-ingress-several"},
		{Drop{Reason: "TC_INGRESS", Location: "__netif_receive_skb_core.constprop.0+0x1", Values: tcx(1, 1)}, ""},
		{Drop{Reason: "TC_INGRESS", Location: "__netif_receive_skb_core.constprop.0+0x1", Values: with(tcx(1, 1), shot)}, "tc-program"},
		{Drop{Reason: "TC_INGRESS", Location: "__netif_receive_skb_core.constprop.0+0x1", Values: with(tcx(0, 1), classified)}, "tc-classifier"},
		{Drop{Reason: "TC_EGRESS", Location: "__dev_queue_xmit+0x1", Values: tcx(1, 0)}, ""},
		{Drop{Reason: Unspecified, Location: "netkit_xmit+0x1", Values: netkit(0, 1, 0)}, "netkit-program"},
		{Drop{Reason: Unspecified, Location: "netkit_xmit+0x1", Values: netkit(0, 2, 0)}, "netkit-programs"},
		{Drop{Reason: Unspecified, Location: "netkit_xmit+0x1", Values: netkit(0, 0, 2)}, "netkit-policy"},
		{Drop{Reason: Unspecified, Location: "netkit_xmit+0x1", Values: netkit(1, 1, 2)}, ""},
		{Drop{Reason: Unspecified, Location: "veth_xmit+0x1", Values: veth(140)}, "veth-ring-full"},
		{Drop{Reason: Unspecified, Location: "veth_xmit+0x1", Values: veth(154)}, ""},
		{Drop{Reason: Unspecified, Location: "dev_kfree_skb_any_reason+0x1", Values: veth(140)}, "veth-ring-full"},
		{Drop{Reason: Unspecified, Location: "dev_kfree_skb_any_reason+0x1", Values: with(veth(140), Values{"index": number(4)})}, ""},
		{Drop{Reason: Unspecified, Location: "veth_xdp_rcv_skb+0x1", Values: with(veth(140), program)}, "xdp-veth"},
		{Drop{Reason: Unspecified, Location: "__netif_receive_skb_core.constprop.0+0x821", Values: program}, ""},
		{Drop{Reason: "TCP_RESET", Location: "tcp_validate_incoming+0x1", Values: Values{}}, "tcp-reset-ignored"},
		{Drop{Reason: "TCP_INVALID_END_SEQUENCE", Location: "tcp_validate_incoming+0x1", Values: window(0)}, "tcp-beyond-closed-window"},
		{Drop{Reason: "TCP_INVALID_END_SEQUENCE", Location: "tcp_validate_incoming+0x1", Values: window(0xfffffff0)}, "tcp-beyond-closed-window"},
		{Drop{Reason: "TCP_INVALID_END_SEQUENCE", Location: "tcp_validate_incoming+0x1", Values: window(500)}, "tcp-invalid-end-sequence"},
		{Drop{Reason: "SOCKET_RCVBUFF", Location: "__udp_queue_rcv_skb+0x1", Values: full(1)}, "udp-rcvbuf"},
		{Drop{Location: "__udp_queue_rcv_skb+0x1", Values: full(0)}, "udp-rcvbuf"},
		{Drop{Reason: Unspecified, Location: "udp_queue_rcv_one_skb+0x1", Values: full(1)}, ""}, // a short UDP-Lite checksum
		{Drop{Reason: "CPU_BACKLOG", Location: "enqueue_to_backlog+0x1", Values: backlog(0, 1001, 1000)}, "cpu-backlog-full"},
		{Drop{Reason: "CPU_BACKLOG", Location: "enqueue_to_backlog+0x1", Values: backlog(1, 1001, 1000)}, ""}, // of another CPU, perhaps
		{Drop{Reason: "CPU_BACKLOG", Location: "enqueue_to_backlog+0x1", Values: steered}, "cpu-backlog-full-rps"},
		{Drop{Reason: "DEV_READY", Location: "enqueue_to_backlog+0x1", Values: down}, "receive-device-down"},
		{Drop{Reason: "NO_SOCKET", Location: "cookie_v4_check+0x1", Values: cookie}, "tcp-cookie-refused"},
		{Drop{Reason: "NO_SOCKET", Location: "tcp_v4_rcv+0x99", Values: cookie}, "tcp-no-connection"},
	} {
		if got := causeOf(table.Explain(&test.Drop)); got != test.cause {
			t.Errorf("%s at %s, %v: %q, want %q", test.Reason, test.Location, test.Values, got, test.cause)
		}
	}
}
