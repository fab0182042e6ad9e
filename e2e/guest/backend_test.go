// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"tracer/internal/ktest"
)

// landmarks are functions or tracepoints that each kind of packet passes on every kernel.
type landmarks struct {
	sent, received   string
	ping, arp        []string
	drop, ping6, udp []string
}

var tracepointMarks = landmarks{
	sent: "net_dev_queue", received: "netif_receive_skb",
	ping:  []string{"net_dev_queue", "net_dev_start_xmit", "net_dev_xmit", "netif_rx", "netif_receive_skb"},
	ping6: []string{"net_dev_queue", "netif_rx", "netif_receive_skb"},
	arp:   []string{"net_dev_queue", "netif_rx", "netif_receive_skb"},
	drop:  []string{"net_dev_queue", "netif_receive_skb"},
	udp:   []string{"net_dev_queue", "netif_receive_skb"},
}

// functionMarks returns the landmarks of the function backends. Static functions are included if the
// kernel's BTF has them.
func functionMarks() landmarks {
	queue := described("__dev_queue_xmit")
	return landmarks{
		sent: "dev_hard_start_xmit", received: "ip_rcv",
		ping:  append(queue, "ip_output", "dev_hard_start_xmit", "ip_rcv", "ip_local_deliver", "icmp_rcv"),
		ping6: append(described("icmpv6_rcv"), "dev_hard_start_xmit", "ipv6_rcv"),
		arp:   append(described("arp_rcv"), "arp_xmit", "dev_hard_start_xmit"),
		drop:  []string{"dev_hard_start_xmit", "nf_hook_slow"},
		udp:   []string{"dev_hard_start_xmit", "udp_rcv"},
	}
}

func marks(backend string) landmarks {
	if backend == tracepoint {
		return tracepointMarks
	}
	return functionMarks()
}

// TestBackend starts tracer once with each backend, on all functions, sends packets of each
// kind, and checks each kind in the trace.
func TestBackend(t *testing.T) {
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			s := newScene(t, backend)
			t.Run("attached", s.attached)
			t.Run("ping on loopback", s.loopback)
			t.Run("ping between namespaces", s.veth)
			t.Run("ping over IPv6", s.veth6)
			t.Run("ARP", s.arp)
			t.Run("UDP to a closed port", s.closedPort)
			t.Run("SYN dropped by nftables", s.firewall4)
			t.Run("SYN dropped by nftables over IPv6", s.firewall6)
			t.Run("IPv6 extension header", s.extension)
			t.Run("IPv4 fragments", s.fragments)
			t.Run("IPv6 fragments", s.fragments6)
			t.Run("filtered out", s.others)
		})
	}
}

// scene is one run of tracer with all kinds of packets.
type scene struct {
	*world
	backend string
	process *process
	trace   *trace
	marks   landmarks
	modules bool
}

// sceneFilter is the packet filter of the scene.
const sceneFilter = "net 10.9.0.0/24 or net fd09::/64 or arp or (icmp and host 127.0.0.77)"

// Identifiers and ports of the packets, which differ between the scenarios.
const (
	loopbackID, vethID, veth6ID = 0x1077, 0x1001, 0x1006
	closedFrom, closedTo        = 5001, 5002
	fragmentFrom, fragmentTo    = 6001, 6002
)

func newScene(t *testing.T, backend string) *scene {
	t.Helper()
	s := &scene{world: newWorld(t), backend: backend, marks: marks(backend)}
	ktest.DropTCP(t, s.b, 8081)
	args := []string{"--backend", backend}
	if _, err := os.Stat("/sys/kernel/btf/veth"); err == nil && backend != tracepoint {
		args, s.modules = append(args, "--kmods", "veth"), true
	}
	if s.isLimited() {
		args = append(args, "--filter-func", limitedFunctions)
	}
	s.process = start(t, append(args, sceneFilter)...)
	s.send(t)
	s.trace = s.process.stop()
	return s
}

// isLimited reports whether only limitedFunctions are attached instead of all functions. Attaching single kprobes takes
// minutes on kernels that search all functions for each of them, so the kprobe backend attaches all functions only
// where it is the best backend, and not in the quick tier.
func (s *scene) isLimited() bool { return s.backend == kprobe && (chosen() != kprobe || isQuick()) }

// limitedFunctions matches most of the functions that packets of the scene pass.
const limitedFunctions = "(__)?(dev|ip|ip6|ipv6|icmp|icmpv6|udp|udpv6|tcp_v4|tcp_v6|arp|nf|kfree_skb|consume_skb|netif|veth)_.*"

func (s *scene) send(t *testing.T) {
	t.Helper()
	ping(t, s.a, "127.0.0.78", 0x1078) // to be filtered out
	ping(t, s.a, "127.0.0.77", loopbackID)
	ping(t, s.a, b4, vethID)
	ping(t, s.a, b6, veth6ID)
	do(t, s.a, func() error { return udp("127.0.0.1:5003", "127.0.0.1:5004").Send(1) }) // to be filtered out
	do(t, s.a, func() error { return udp(a4+":5001", b4+":5002").Send(1) })
	refused(t, s.a, tcp(a4+":40081", b4+":8081", ""))
	refused(t, s.a, tcp("["+a6+"]:40082", "["+b6+"]:8081", ""))
	s.sendOddities(t)
}

func (s *scene) sendOddities(t *testing.T) {
	t.Helper()
	extended := udp("["+a6+"]:5006", "["+b6+"]:5007")
	extended.Options = true
	do(t, s.a, func() error { return extended.Send(1) })
	for _, big := range []ktest.UDP{udp(a4+":6001", b4+":6002"), udp("["+a6+"]:6001", "["+b6+"]:6002")} {
		big.Size = 4000
		do(t, s.a, func() error { return big.Send(1) })
	}
}

func (s *scene) attached(t *testing.T) {
	n := s.process.attached()
	figures.add(figure{s.backend, n, s.process.ready.Seconds()})
	if n < s.least() {
		t.Errorf("%d attached, want %d or more", n, s.least())
	}
	if got := s.process.backend(); got != s.backend {
		t.Errorf("backend %q runs, want %q", got, s.backend)
	}
	if !summaryLine.MatchString(s.process.stderr()) {
		t.Errorf("no summary on stderr: %s", s.process.stderr())
	}
	s.checkTypes(t)
}

// least is the minimum number of functions or tracepoints on any kernel.
func (s *scene) least() int {
	switch {
	case s.backend == tracepoint:
		return 15
	case s.isLimited() && !describes("arp_rcv"):
		return 100 // global functions only
	case s.isLimited():
		return 200
	case !describes("arp_rcv"):
		return 500 // global functions, as above
	}
	return 1200
}

// checkTypes checks that all events have the backend's own type, except kfree_skb: the function backends
// also attach to this tracepoint for drops, and it also reports parts of a drop, such as fragments.
func (s *scene) checkTypes(t *testing.T) {
	want := "function"
	if s.backend == tracepoint {
		want = "tracepoint"
	}
	s.trace.events.that(func(r *record) bool { return r.Type != want && r.Func != "kfree_skb" }).absent(t, "events of another type")
}

func (s *scene) loopback(t *testing.T) {
	events := s.trace.events.that(between("127.0.0.77", "127.0.0.77"), on("lo"))
	if len(events) == 0 { // the reply to a foreign loopback address comes from that address
		events = s.trace.events.that(func(r *record) bool { return echo(8, loopbackID)(r) || echo(0, loopbackID)(r) })
	}
	for _, kind := range []int{8, 0} {
		both := events.that(echo(kind, loopbackID), protocol("icmp"))
		both.that(on("lo")).passed(t, s.marks.sent, s.marks.received)
		elsewhere := func(r *record) bool { return r.Netns != s.a.Inode && r.Netns != 0 } // 0: neither a device nor a socket is known
		both.that(elsewhere).absent(t, "another namespace")
	}
	events.that(icmp(8)).passed(t, s.marks.ping...)
}

func (s *scene) veth(t *testing.T) {
	there := s.trace.events.that(from(a4), to(b4), echo(8, vethID))
	back := s.trace.events.that(from(b4), to(a4), echo(0, vethID))
	there.passed(t, s.marks.ping...)
	there.that(on("va")).passed(t, s.marks.sent)
	there.that(on("vb")).passed(t, s.marks.received)
	back.that(on("vb")).passed(t, s.marks.sent)
	back.that(on("va")).passed(t, s.marks.received)
	there.that(on("va"), func(r *record) bool { return r.Netns != s.a.Inode }).absent(t, "va outside a")
	there.that(on("vb"), func(r *record) bool { return r.Netns != s.b.Inode }).absent(t, "vb outside b")
	there.that(dropped).absent(t, "requests that were answered")
	s.checkDriver(t, there)
	s.checkPing(t, there)
}

// checkDriver checks that a function of a module was traced.
func (s *scene) checkDriver(t *testing.T, there records) {
	t.Helper()
	if s.modules {
		there.that(on("va"), func(r *record) bool { return r.Module == "veth" }).passed(t, "veth_xmit")
	}
}

// checkPing checks the fields of the second request. Unlike the first, it does not wait for ARP,
// so it is sent in the context of the sending process.
func (s *scene) checkPing(t *testing.T, there records) {
	t.Helper()
	sent := there.that(on("va"), in(s.marks.sent), func(r *record) bool { return *r.Tuple.ICMP.Seq == 2 })
	if len(sent) != 1 {
		t.Fatalf("second request sent %d times, want 1: %v", len(sent), sent)
	}
	r := sent[0]
	if r.PID != os.Getpid() || !regexp.MustCompile(`^ping:\d+$`).MatchString(r.Process) {
		t.Errorf("process %q, pid %d, want ping:%d", r.Process, r.PID, os.Getpid())
	}
	const header, ipHeader, echoHeader, data = 14, 20, 8, 56
	if r.Len != header+ipHeader+echoHeader+data || r.Proto != 0x0800 || r.MTU != 1500 || r.Mark != 0 {
		t.Errorf("len %d, proto %#x, mtu %d, mark %d in %s", r.Len, r.Proto, r.MTU, r.Mark, r)
	}
}

func (s *scene) veth6(t *testing.T) {
	there := s.trace.events.that(from(a6), to(b6), echo(128, veth6ID), protocol("icmp6"))
	back := s.trace.events.that(from(b6), to(a6), echo(129, veth6ID))
	there.passed(t, s.marks.ping6...)
	back.passed(t, s.marks.ping6...)
	there.that(on("va")).present(t, "request on va")
	there.that(on("vb")).present(t, "request on vb")
}

func (s *scene) arp(t *testing.T) {
	events := s.trace.events.that(network("arp"))
	request := events.that(from(a4), to(b4), func(r *record) bool { return r.Tuple.ARP.Operation == 1 })
	reply := events.that(from(b4), to(a4), func(r *record) bool { return r.Tuple.ARP.Operation == 2 })
	request.passed(t, s.marks.arp...)
	reply.passed(t, s.marks.arp...)
	events.that(func(r *record) bool { return r.Tuple.Sport != nil || r.Tuple.ICMP != nil }).absent(t, "ARP with a transport")
}

func (s *scene) closedPort(t *testing.T) {
	events := s.trace.events.that(from(a4), to(b4), protocol("udp"), ports(closedFrom, closedTo))
	events.passed(t, s.marks.udp...)
	s.checkDrop(t, events, "SKB_DROP_REASON_NO_SOCKET", `^(__)?udp.*\+0x[0-9a-f]+$`)
	s.trace.events.that(from(b4), to(a4), icmp(3)).passed(t, s.marks.received)
}

func (s *scene) firewall4(t *testing.T) { s.firewall(t, a4, b4, 40081) }
func (s *scene) firewall6(t *testing.T) { s.firewall(t, a6, b6, 40082) }

func (s *scene) firewall(t *testing.T, a, b string, source int) {
	events := s.trace.events.that(from(a), to(b), protocol("tcp"), ports(source, 8081))
	events.passed(t, s.marks.drop...)
	s.checkDrop(t, events, "SKB_DROP_REASON_NETFILTER_DROP", `^(nf_hook_slow|nft_do_chain)\+0x[0-9a-f]+( \[nf_tables\])?$`)
	events.that(in("tcp_v4_rcv", "tcp_v6_rcv")).absent(t, "TCP after the firewall")
	s.trace.events.that(from(b), sport(8081)).absent(t, "answer of a port that drops")
}

// checkDrop checks that namespace b dropped the packet once each time it was sent: on a slow machine, a
// SYN is retransmitted before connect times out. It checks the location of the drop, and its reason on
// kernels with drop reasons.
func (s *scene) checkDrop(t *testing.T, events records, reason, location string) {
	t.Helper()
	drops := events.that(dropped)
	if sent := events.that(in(s.marks.sent), on("va")); len(sent) == 0 || len(drops) != len(sent) {
		t.Fatalf("%d drops of a packet that was sent %d times: %v", len(drops), len(sent), drops)
	}
	for _, d := range drops {
		if d.Func != "kfree_skb" || d.Type != "tracepoint" || d.Netns != s.b.Inode {
			t.Errorf("drop by %s %q in namespace %d, want the tracepoint kfree_skb in %d", d.Type, d.Func, d.Netns, s.b.Inode)
		}
		if !regexp.MustCompile(location).MatchString(d.Location) {
			t.Errorf("location %q, want %s", d.Location, location)
		}
		if want := reasonHere(reason); d.Reason != want {
			t.Errorf("reason %q, want %q", d.Reason, want)
		}
	}
}

func (s *scene) extension(t *testing.T) {
	events := s.trace.events.that(from(a6), to(b6), ports(5006, 5007))
	events.passed(t, s.marks.sent, s.marks.ping6[len(s.marks.ping6)-1])
	events.that(not(protocol("udp"))).absent(t, "protocol other than the one after the extension header")
	events.that(dropped).present(t, "drop, since the port is closed")
}

func (s *scene) fragments(t *testing.T)  { s.fragmented(t, a4, b4, []int{0, 1480, 2960}) }
func (s *scene) fragments6(t *testing.T) { s.fragmented(t, a6, b6, []int{0, 1448, 2896}) }

// fragmented checks that each fragment on the wire is marked as one, and that only the first one,
// which has the UDP header, has ports.
func (s *scene) fragmented(t *testing.T, a, b string, offsets []int) {
	t.Helper()
	events := s.trace.events.that(from(a), to(b), protocol("udp"))
	pieces := events.that(func(r *record) bool { return r.Tuple.Fragment }, in(s.marks.sent))
	var got []int
	for _, r := range pieces {
		got = append(got, r.Tuple.Offset)
	}
	slices.Sort(got)
	if !slices.Equal(got, offsets) {
		t.Errorf("fragments at %v, want %v", got, offsets)
	}
	first := func(r *record) bool { return r.Tuple.Offset == 0 }
	pieces.that(first, not(ports(fragmentFrom, fragmentTo))).absent(t, "first fragment without its ports")
	later := events.that(not(first))
	later.that(func(r *record) bool { return r.Tuple.Sport != nil || r.Tuple.Dport != nil }).absent(t, "later fragment with made-up ports")
}

// others checks that packets which the filter does not match have no events.
func (s *scene) others(t *testing.T) {
	s.trace.events.present(t, "any")
	mine := func(r *record) bool {
		hosts := []string{a4, b4, a6, b6, "127.0.0.77"}
		known := func(addr string) bool { return slices.Contains(hosts, addr) }
		const arp = 0x0806 // in skb->protocol, since there is no tuple while the header is being written
		return r.Proto == arp || known(r.Tuple.Source) || known(r.Tuple.Dest)
	}
	s.trace.events.that(not(mine)).absent(t, "packets that the filter does not match")
	s.trace.events.that(protocol("udp"), sport(5003)).absent(t, "UDP on loopback")
	s.trace.events.that(to("127.0.0.78")).absent(t, "ping to another address")
}
