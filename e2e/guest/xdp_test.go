// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/ktest"
)

const (
	byPort      = "by_port"      // the program at vb, whose action depends on the destination port
	tail        = "by_port_tail" // its tail-call target
	lateProgram = "by_port_late" // the program at vd, which is attached while tracer runs

	tracedSource, untracedSource = 5001, 5002 // source ports of traced and of untraced datagrams
	frameSource                  = 5003       // source port of a traced frame that is sent by a packet socket
)

// receivers are functions of the stack that receive packets. Which of them exist depends on the
// compiler, and which are called depends on whether packets are received one by one.
var receivers = []string{"ip_rcv", "ip_rcv_core", "ip_rcv_finish_core", "udp_rcv", "__udp4_lib_rcv"}

// verdictOf has all actions of the program byPort, and the verdict of each. For ActionTailCall it is the verdict of the
// tail-call target.
var verdictOf = map[ktest.Action]string{
	ktest.ActionAborted: "XDP_ABORTED", ktest.ActionDrop: "XDP_DROP", ktest.ActionPass: "XDP_PASS", ktest.ActionTx: "XDP_TX",
	ktest.ActionRedirect: "XDP_REDIRECT", ktest.ActionTailCall: "XDP_DROP", ktest.ActionRewrite: "XDP_PASS", ktest.ActionRewriteDrop: "XDP_DROP",
}

// xdpScene is a world with the program byPort in b, which can redirect to a third host, c, by the devices vc and vd.
type xdpScene struct {
	*world
	c       *ktest.Netns
	generic bool
}

func newXDPScene(t *testing.T, generic bool) *xdpScene {
	t.Helper()
	w := &xdpScene{newWorld(t), ktest.NewNetns(t, "c"), generic}
	ktest.NewVeth(t, ktest.End{Netns: w.b, Name: "vc"}, ktest.End{Netns: w.c, Name: "vd"})
	ktest.SetOffload(t, w.a, "va", ktest.Checksum, false)
	ping(t, w.a, b4, 0x4001) // resolves the neighbours
	tail := ktest.NewXDPTail(t, tail, ktest.ActionDrop)
	ktest.XDPByPort{Netns: w.b, Device: "vb", Name: byPort, To: "vc", Tail: tail, Generic: generic}.Attach(t)
	if !generic {
		ktest.NewXDP(t, w.a, ktest.XDP{Device: "va"}) // veth accepts XDP frames only if it has a program itself
	}
	return w
}

// sendAll sends a traced datagram for each action, between two untraced ones.
func (w *xdpScene) sendAll() {
	for action := range verdictOf {
		for _, source := range []int{untracedSource, tracedSource, untracedSource} {
			do(w.t, w.a, once(w.datagram(source, action, 20)))
		}
	}
}

// sendFrame sends a frame by a packet socket, so that no IP function sees it before the program.
func (w *xdpScene) sendFrame() {
	do(w.t, w.a, func() error {
		packet := ktest.Datagram(w.datagram(frameSource, ktest.ActionPass, 0))
		return ktest.SendFrame("va", w.hardware(w.b, "vb"), packet)
	})
}

func (w *xdpScene) hardware(n *ktest.Netns, device string) (mac net.HardwareAddr) {
	do(w.t, n, func() error {
		d, err := net.InterfaceByName(device)
		if err == nil {
			mac = d.HardwareAddr
		}
		return err
	})
	return mac
}

func once(u ktest.UDP) func() error { return func() error { return u.Send(1) } }

func (w *xdpScene) datagram(source int, action ktest.Action, size int) ktest.UDP {
	return ktest.UDP{
		From: netip.AddrPortFrom(netip.MustParseAddr(a4), uint16(source)),
		To:   netip.AddrPortFrom(netip.MustParseAddr(b4), ktest.ActionPort(action)),
		Size: size, Shared: true,
	}
}

// runs returns the events of a program: the entries and the verdicts.
func (rs records) runs(name string) (entries, verdicts records) {
	return rs.that(by(name), isProgram), rs.that(by(name), isVerdict)
}

// decision returns the name of a verdict.
func (r *record) decision() string {
	if r.Verdict == nil || r.Verdict.Name == nil {
		return ""
	}
	return *r.Verdict.Name
}

func dport(action ktest.Action) func(*record) bool {
	return func(r *record) bool { return r.Tuple.Dport != nil && *r.Tuple.Dport == int(ktest.ActionPort(action)) }
}

func ofPacket(id uint64) func(*record) bool { return func(r *record) bool { return r.ID == id } }

// TestXDP follows packets through all actions of XDP programs in native mode: to the program, which receives
// the frame, and from there to their end.
func TestXDP(t *testing.T) {
	needDedicatedMachine(t)
	if refusesPrograms(t, "--filter-trace-xdp") {
		return
	}
	w := newXDPScene(t, false)
	p := start(t, "--debug", "--filter-trace-xdp", "--filter-track-skb", "--output-xdp-metadata", "xdp->rxq->dev->name,xdp->data_end-xdp->data",
		"--filter-func", "ip_output|"+strings.Join(receivers, "|"),
		fmt.Sprintf("udp and dst portrange %d-%d and (src port %d or src port %d)", ktest.ActionPort(0), ktest.ActionPort(7), tracedSource, frameSource))
	ktest.XDPByPort{Netns: w.c, Device: "vd", Name: lateProgram}.Attach(t)
	p.awaitSaid("BPF program "+lateProgram+" (id ", "is traced")
	w.sendAll()
	w.sendFrame()
	events := p.stop().events
	for action, verdict := range verdictOf {
		t.Run(fmt.Sprintf("%d %s", action, verdict), func(t *testing.T) { w.checkRun(t, events, action, verdict) })
	}
	t.Run("passed", func(t *testing.T) { w.checkReceived(t, events, ktest.ActionPass, w.b) })
	t.Run("rewritten", func(t *testing.T) { w.checkReceived(t, events, ktest.ActionRewrite, w.b) })
	t.Run("sent back", func(t *testing.T) { w.checkReceived(t, events, ktest.ActionTx, w.a) })
	t.Run("redirected", func(t *testing.T) { w.checkRedirected(t, events) })
	t.Run("frame", func(t *testing.T) { checkSentFrame(t, events) })
	p.tailCalls(events, tail)
	events.that(func(r *record) bool { return r.Tuple.Sport != nil && *r.Tuple.Sport == untracedSource }).absent(t, "an untraced datagram")
	if t.Failed() {
		keep(t, "xdp.json", p.stdout())
	}
}

// checkRun checks the run of the program on the one traced datagram of an action.
func (w *xdpScene) checkRun(t *testing.T, events records, action ktest.Action, verdict string) {
	entries, verdicts := events.runs(byPort)
	entries = entries.that(dport(action), sport(tracedSource))
	if len(entries) != 1 {
		t.Fatalf("%d entries, want 1: %s", len(entries), entries.briefly())
	}
	verdicts = verdicts.that(ofPacket(entries[0].ID))
	if len(verdicts) != 1 || verdicts[0].decision() != verdict {
		t.Fatalf("want one verdict, %s: %v", verdict, verdicts)
	}
	checkFrame(t, &entries[0], "vb", w.b)
	checkFrame(t, &verdicts[0], "vb", w.b)
	if diff := cmp.Diff(entries[0].Tuple, verdicts[0].Tuple); diff != "" {
		t.Errorf("the verdict is on another datagram (-want +got) %s", diff)
	}
	if entries[0].Head != verdicts[0].Head {
		t.Errorf("the frame is at %s at the entry, and at %s at the verdict", entries[0].Head, verdicts[0].Head)
	}
}

// checkFrame checks the fields of a datagram of 20 bytes, in a frame without an sk_buff.
func checkFrame(t *testing.T, r *record, device string, n *ktest.Netns) {
	t.Helper()
	type fields struct {
		Skb, Ifname, Protocol string
		Netns                 uint32
		Len, MTU, Proto       int
	}
	want := fields{"", device, "udp", n.Inode, 62, 1500, 0x0800}
	if diff := cmp.Diff(want, fields{r.Skb, r.Ifname, r.Tuple.Protocol, r.Netns, r.Len, r.MTU, r.Proto}); diff != "" {
		t.Errorf("(-want +got) %s", diff)
	}
	if r.Head == "" || r.ID == 0 {
		t.Errorf("head %q, id %d", r.Head, r.ID)
	}
	if isVerdict(r) {
		return // only entries have values of expressions
	}
	values := map[string]any{"xdp->rxq->dev->name": device, "xdp->data_end-xdp->data": 62.0}
	if diff := cmp.Diff(values, r.XDPValues); diff != "" {
		t.Errorf("values (-want +got) %s", diff)
	}
}

// checkReceived checks that the packet arrives in the stack of a host, with the same number.
func (w *xdpScene) checkReceived(t *testing.T, events records, action ktest.Action, where *ktest.Netns) {
	entries, _ := events.runs(byPort)
	for _, e := range entries.that(dport(action), sport(tracedSource)) {
		list := events.that(ofPacket(e.ID))
		list.that(in("ip_output"), within(w.a)).present(t, "sent packet")
		list.that(in(receivers...), within(where)).present(t, "received packet")
		return
	}
	t.Errorf("no entry of %s", byPort)
}

// checkRedirected checks that the frame reaches the program at vd, and then the stack.
func (w *xdpScene) checkRedirected(t *testing.T, events records) {
	entries, _ := events.runs(byPort)
	entries = entries.that(dport(ktest.ActionRedirect), sport(tracedSource))
	if len(entries) != 1 {
		t.Fatalf("%d entries, want 1", len(entries))
	}
	list := events.that(ofPacket(entries[0].ID))
	late, verdicts := list.runs(lateProgram)
	if len(late) != 1 || len(verdicts) != 1 || verdicts[0].decision() != "XDP_PASS" {
		t.Fatalf("want an entry and XDP_PASS at the other host, got %v, %v", late, verdicts)
	}
	checkFrame(t, &late[0], "vd", w.c)
	skbs := list.that(in(receivers...), within(w.c))
	skbs.present(t, "the sk_buff")
	for _, r := range skbs {
		if r.Head != late[0].Head || r.Origin != "xdp" {
			t.Errorf("the sk_buff has other data than the frame at %s: %v", late[0].Head, r)
		}
	}
}

// checkSentFrame checks that a packet begins as a frame, and continues as an sk_buff.
func checkSentFrame(t *testing.T, events records) {
	entries, _ := events.runs(byPort)
	entries = entries.that(sport(frameSource))
	if len(entries) != 1 {
		t.Fatalf("%d entries, want 1", len(entries))
	}
	list := events.that(ofPacket(entries[0].ID))
	received := list.that(in(receivers...))
	if list[0].Func != byPort || len(received) == 0 {
		t.Fatalf("want the first event in the program, and later ones in the stack: %s", list.briefly())
	}
	if r := received[0]; r.Origin != "xdp" || r.Head != entries[0].Head || r.Parent == nil || *r.Parent != entries[0].Part {
		t.Errorf("want a part with origin xdp, and the frame's data at %s: %v", entries[0].Head, r)
	}
}

// TestGenericXDP attaches the program in generic mode, and checks filters on the packet inside a tunnel and on the
// xdp_buff.
func TestGenericXDP(t *testing.T) {
	needDedicatedMachine(t)
	if refusesPrograms(t, "--filter-trace-xdp") {
		return
	}
	w := newXDPScene(t, true)
	p := start(t, "--filter-trace-xdp", "--output-id", "--filter-func", strings.Join(receivers, "|"),
		"--filter-xdp-expr", "xdp->data_end - xdp->data < 200 && xdp->rxq->dev->name == \"vb\"",
		"--filter-tunnel-pcap-l2", "udp dst port 9000", "udp src port 5001")
	w.sendVXLAN(9000, 0)
	w.sendVXLAN(9001, 0)
	w.sendVXLAN(9000, 300)
	do(t, w.a, once(w.datagram(tracedSource, ktest.ActionDrop, 20)))
	do(t, w.a, once(ktest.UDP{From: w.datagram(tracedSource, 0, 0).From, To: netip.MustParseAddrPort(b4 + ":9000"), Shared: true}))
	events := p.stop().events
	entries, verdicts := events.runs(byPort)
	if len(entries) != 1 || len(verdicts) != 1 || verdicts[0].decision() != "XDP_PASS" {
		t.Fatalf("want one run: %v, %v", entries, verdicts)
	}
	if e := entries[0]; !ports(tracedSource, 4789)(&e) || e.Len != vxlanLen || e.Ifname != "vb" {
		t.Errorf("another frame: %v", e)
	}
	received := events.that(in(receivers...), ports(tracedSource, 4789))
	if !slices.ContainsFunc(received, func(r record) bool { return r.ID == entries[0].ID && r.Head == entries[0].Head }) {
		t.Errorf("packet %d is not received: %s", entries[0].ID, received.briefly())
	}
	if t.Failed() {
		keep(t, "xdpgeneric.json", p.stdout())
	}
}

// vxlanLen is the length of the outer frame of an empty datagram in VXLAN.
const vxlanLen = 42 + 8 + 14 + 28

// sendVXLAN sends a datagram in an Ethernet frame in VXLAN. more is the number of zero bytes after the frame.
func (w *xdpScene) sendVXLAN(port uint16, more int) {
	inner := ktest.Datagram(ktest.UDP{From: netip.MustParseAddrPort("10.1.0.1:1"), To: netip.AddrPortFrom(netip.MustParseAddr("10.1.0.2"), port)})
	payload := append([]byte{8, 0, 0, 0, 0, 0, 42, 0}, make([]byte, 12)...)
	payload = append(append(payload, 8, 0), inner...)
	do(w.t, w.a, once(ktest.UDP{
		From: w.datagram(tracedSource, 0, 0).From, To: netip.MustParseAddrPort(b4 + ":4789"),
		Payload: append(payload, make([]byte, more)...), Shared: true,
	}))
}
