// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// TestPreset checks presets in --filter-func, and --filter-func-exclude.
func TestPreset(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--filter-func", "@rx|@udp", "--filter-func-exclude", landmark()+"|@tcp|__.*", "udp and net 10.9.0.0/24")
	do(t, w.a, func() error { return udp(a4+":7001", b4+":7777").Send(1) })
	events := p.stop().events.that(ports(7001, 7777))
	if chosen() != tracepoint {
		events.passed(t, "ip_local_deliver", "udp_rcv")
	}
	events.present(t, "function of a preset")
	events.that(in(landmark())).absent(t, "function left out by name")
	events.that(func(r *record) bool { return strings.HasPrefix(r.Func, "__") }).absent(t, "function left out by a regexp")
	events.that(in("dev_hard_start_xmit", "ip_output", "udp_send_skb", "net_dev_queue")).absent(t, "function that sends")
}

// TestDropsOnly checks --drop, with and without filters on reasons.
func TestDropsOnly(t *testing.T) {
	w := newWorld(t)
	ktest.DropTCP(t, w.b, 8081)
	ktest.Sniffer{Promiscuous: true}.Open(t, w.b, "vb")
	t.Run("all", w.allDrops)
	if !hasReasons() {
		t.Run("by reason", dropsWithoutReasons)
		return
	}
	t.Run("one reason", w.oneReason)
	t.Run("all but one reason, and not benign", w.otherReasons)
}

// The dropped packets, by their ports: a datagram to a closed port, a connection that the firewall
// drops, and a datagram to another host, whose drop is benign.
var (
	closedDrop   = ports(7001, 5002)
	firewallDrop = ports(40081, 8081)
	benignDrop   = ports(7002, 5002)
	conversation = func(r *record) bool { return sport(8080)(r) || r.Tuple.Dport != nil && *r.Tuple.Dport == 8080 }
)

// sendDropped sends the packets that are dropped, and a conversation that is not.
func (w *world) sendDropped() {
	w.t.Helper()
	do(w.t, w.a, func() error { return udp(a4+":7001", b4+":5002").Send(1) })
	refused(w.t, w.a, tcp(a4+":40081", b4+":8081", ""))
	do(w.t, w.a, func() error {
		return ktest.SendFrame("va", net.HardwareAddr{2, 0, 0, 0, 0, 99}, ktest.Datagram(udp(a4+":7002", b4+":5002")))
	})
	if err := tcp(a4+":0", b4+":8080", get).Exchange(w.a, w.b); err != nil {
		w.t.Fatal(err)
	}
}

// drops returns the events of a run with --drop, and checks that all are drops.
func (w *world) drops(t *testing.T, args ...string) records {
	t.Helper()
	p := start(t, append(args, "--drop", "net 10.9.0.0/24")...)
	w.sendDropped()
	// Other tests on this machine may use the same addresses.
	events := p.stop().events.that(func(r *record) bool {
		return r.Netns == w.a.Inode || r.Netns == w.b.Inode || r.Netns == 0 // 0: neither a device nor a socket is known
	})
	events.that(not(dropped)).absent(t, "events other than drops")
	// A FIN may be in the receive queue of a socket that is closed; the kernel drops it then.
	unread := func(r *record) bool { return strings.Contains(r.Tuple.Flags, "FIN") }
	events.that(conversation, not(unread)).absent(t, "packet that was consumed")
	events.that(func(r *record) bool { return !strings.Contains(r.Location, "+0x") }).absent(t, "drop without its location")
	return events
}

func (w *world) allDrops(t *testing.T) {
	events := w.drops(t, "--output-stack")
	for reason, drop := range map[string]func(*record) bool{
		"SKB_DROP_REASON_NO_SOCKET": closedDrop, "SKB_DROP_REASON_NETFILTER_DROP": firewallDrop, "SKB_DROP_REASON_OTHERHOST": benignDrop,
	} {
		events.that(drop).passed(t, "kfree_skb")
		events.that(drop, func(r *record) bool { return r.Reason != reasonHere(reason) }).absent(t, "drop with another reason than "+reason)
	}
	events.that(func(r *record) bool { return len(r.Stack) < 5 }).absent(t, "drop without its stack")
}

func (w *world) oneReason(t *testing.T) {
	events := w.drops(t, "--filter-drop-reason", "no_socket,SKB_DROP_REASON_OTHERHOST")
	events.that(closedDrop).passed(t, "kfree_skb")
	events.that(benignDrop).passed(t, "kfree_skb")
	events.that(not(closedDrop), not(benignDrop)).absent(t, "drop with another reason")
	events.that(func(r *record) bool { return r.Stack != nil }).absent(t, "drop with a stack without --output-stack")
}

func (w *world) otherReasons(t *testing.T) {
	events := w.drops(t, "--filter-drop-reason", "!No_Socket", "--drop-hide-benign")
	events.that(firewallDrop).passed(t, "kfree_skb")
	events.that(closedDrop).absent(t, "drop with the excluded reason")
	events.that(benignDrop).absent(t, "benign drop")
}

// dropsWithoutReasons checks the error of --filter-drop-reason on kernels without drop reasons (before 5.17).
func dropsWithoutReasons(t *testing.T) {
	p := command{args: []string{"--drop", "--filter-drop-reason", "NO_SOCKET"}}.start(t)
	p.ends(startLimit, 1)
	if !strings.Contains(p.stderr(), "this kernel has no drop reasons") {
		t.Errorf("stderr: %s", p.stderr())
	}
}

// TestDuration checks that --duration ends the run.
func TestDuration(t *testing.T) {
	s := newStream(t, nil, "--output-json", "--duration", "2s")
	s.send(3)
	s.ends(soon, 0)
	if ran := time.Since(s.began) - s.ready; ran < 1900*time.Millisecond {
		t.Errorf("traced for %v, want 2 s", ran)
	}
	if events := s.trace().events; len(events) != 3 {
		t.Errorf("%d events, want 3", len(events))
	}
}

// TestMaxPackets checks that --max-packets ends the run.
func TestMaxPackets(t *testing.T) {
	s := newStream(t, nil, "--output-json", "--max-packets", "3")
	s.send(12)
	s.ends(soon, 0)
	if tr := s.trace(); tr.summary.Packets != 3 || len(tr.events) == 0 {
		t.Errorf("%s, want 3 packets", tr.summary)
	}
}

// TestMaxEventsPerPacket checks that events beyond the limit are suppressed and counted.
func TestMaxEventsPerPacket(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--filter-func", few(), "--max-events-per-packet", "1", "icmp and net 10.9.0.0/24")
	do(t, w.a, func() error { return ktest.Ping(netip.MustParseAddr(b4), 0x3001, 1) })
	tr := p.stop()
	request, reply := tr.events.that(echo(8, 0x3001)), tr.events.that(echo(0, 0x3001))
	if len(request) != 1 || len(reply) != 1 || len(tr.events) != 2 {
		t.Errorf("%d events, want one of the request and one of the reply: %v", len(tr.events), tr.events)
	}
	if tr.summary.Suppressed < len(tr.events) {
		t.Errorf("%s, want at least as many suppressed as printed", tr.summary)
	}
}

// TestMaxEventsPerSecond checks that of a burst of events only the limit per second is printed.
func TestMaxEventsPerSecond(t *testing.T) {
	s := newStream(t, nil, "--output-json", "--max-events-per-second", "5")
	began := time.Now()
	s.send(100)
	seconds := int(time.Since(began).Seconds()) + 2 // including the partial first and last second
	tr := s.stop()
	if tr.summary.Matched != 100 || tr.summary.Printed == 0 || tr.summary.Printed > 5*seconds {
		t.Errorf("%s, want 100 matched and at most %d printed", tr.summary, 5*seconds)
	}
}
