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
	judge     = "judge"      // the program at vb
	tail      = "judge_tail" // where it goes on to
	lateJudge = "late_judge" // the one at vd, which comes while we trace

	accused, bystander = 5001, 5002 // source ports: of what is traced and of what is not
	forged             = 5003       // of frames that are traced and have no sk_buff before they are sent
)

// receivers are functions of the stack that get what came in. Which of them there are depends
// on the compiler, and on whether packets come in one by one.
var receivers = []string{"ip_rcv", "ip_rcv_core", "ip_rcv_finish_core", "udp_rcv", "__udp4_lib_rcv"}

// sentences are all that the judge does, and the verdict that its run has then.
var sentences = map[ktest.Sentence]string{
	ktest.Abort: "XDP_ABORTED", ktest.Drop: "XDP_DROP", ktest.Pass: "XDP_PASS", ktest.Back: "XDP_TX",
	ktest.Forward: "XDP_REDIRECT", ktest.GoOn: "XDP_DROP", ktest.Disguise: "XDP_PASS", ktest.DropDisguised: "XDP_DROP",
}

// court is the world with a judge in b, who sends to a third host, c, by the devices vc
// and vd.
type court struct {
	*world
	c       *ktest.Netns
	generic bool
}

func newCourt(t *testing.T, generic bool) *court {
	t.Helper()
	w := &court{newWorld(t), ktest.NewNetns(t, "c"), generic}
	ktest.NewVeth(t, ktest.End{Netns: w.b, Name: "vc"}, ktest.End{Netns: w.c, Name: "vd"})
	ktest.SetOffload(t, w.a, "va", ktest.Checksum, false)
	ping(t, w.a, b4, 0x4001) // the neighbours get to know each other
	tail := ktest.NewTail(t, tail, ktest.Drop)
	ktest.Judge{Netns: w.b, Device: "vb", Name: judge, To: "vc", Tail: tail, Generic: generic}.Attach(t)
	if !generic {
		ktest.NewXDP(t, w.a, ktest.XDP{Device: "va"}) // only a device that polls takes frames
	}
	return w
}

// accuse sends a datagram for each sentence, between those of a unrelated.
func (w *court) accuse() {
	for s := range sentences {
		for _, source := range []int{bystander, accused, bystander} {
			do(w.t, w.a, once(w.datagram(source, s, 20)))
		}
	}
}

// forge sends a frame without a datagram's way through the stack: what is seen first of
// it is the program.
func (w *court) forge() {
	do(w.t, w.a, func() error {
		packet := ktest.Datagram(w.datagram(forged, ktest.Pass, 0))
		return ktest.SendFrame("va", w.hardware(w.b, "vb"), packet)
	})
}

func (w *court) hardware(n *ktest.Netns, device string) (mac net.HardwareAddr) {
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

func (w *court) datagram(source int, s ktest.Sentence, size int) ktest.UDP {
	return ktest.UDP{
		From: netip.AddrPortFrom(netip.MustParseAddr(a4), uint16(source)),
		To:   netip.AddrPortFrom(netip.MustParseAddr(b4), ktest.JudgePort(s)),
		Size: size, Shared: true,
	}
}

// runs are the events of a program: those of entries, and those with verdicts.
func (rs records) runs(name string) (entries, verdicts records) {
	return rs.that(by(name), isProgram), rs.that(by(name), isVerdict)
}

// decision is the name of a verdict.
func (r *record) decision() string {
	if r.Verdict == nil || r.Verdict.Name == nil {
		return ""
	}
	return *r.Verdict.Name
}

func dport(s ktest.Sentence) func(*record) bool {
	return func(r *record) bool { return r.Tuple.Dport != nil && *r.Tuple.Dport == int(ktest.JudgePort(s)) }
}

func ofPacket(id uint64) func(*record) bool { return func(r *record) bool { return r.ID == id } }

// TestXDP has programs in the driver do all that XDP programs may, and follows each
// packet: to the program, which gets its frame, and from there to where it ends.
func TestXDP(t *testing.T) {
	ownMachine(t)
	if refusesPrograms(t, "--filter-trace-xdp") {
		return
	}
	w := newCourt(t, false)
	p := start(t, "--debug", "--filter-trace-xdp", "--filter-track-skb", "--output-xdp-metadata", "xdp->rxq->dev->name,xdp->data_end-xdp->data",
		"--filter-func", "ip_output|"+strings.Join(receivers, "|"),
		fmt.Sprintf("udp and dst portrange %d-%d and (src port %d or src port %d)", ktest.JudgePort(0), ktest.JudgePort(7), accused, forged))
	ktest.Judge{Netns: w.c, Device: "vd", Name: lateJudge}.Attach(t)
	p.awaitSaid("BPF program "+lateJudge+" (id ", "is traced")
	w.accuse()
	w.forge()
	events := p.stop().events
	for s, verdict := range sentences {
		t.Run(fmt.Sprintf("%d %s", s, verdict), func(t *testing.T) { w.judged(t, events, s, verdict) })
	}
	t.Run("passed", func(t *testing.T) { w.goesOn(t, events, ktest.Pass, w.b) })
	t.Run("disguised", func(t *testing.T) { w.goesOn(t, events, ktest.Disguise, w.b) })
	t.Run("back", func(t *testing.T) { w.goesOn(t, events, ktest.Back, w.a) })
	t.Run("forwarded", func(t *testing.T) { w.forwarded(t, events) })
	t.Run("forged", func(t *testing.T) { forgedPasses(t, events) })
	p.tailCalls(events, tail)
	events.that(func(r *record) bool { return r.Tuple.Sport != nil && *r.Tuple.Sport == bystander }).absent(t, "a unrelated")
	if t.Failed() {
		keep(t, "xdp.json", p.stdout())
	}
}

// judged looks at a run of the judge on the one datagram for a sentence.
func (w *court) judged(t *testing.T, events records, s ktest.Sentence, verdict string) {
	entries, verdicts := events.runs(judge)
	entries = entries.that(dport(s), sport(accused))
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
		t.Errorf("the frame is at %s, and then at %s", entries[0].Head, verdicts[0].Head)
	}
}

// checkFrame wants what is known of a datagram of 20 bytes, in a frame that has no sk_buff.
func checkFrame(t *testing.T, r *record, device string, n *ktest.Netns) {
	t.Helper()
	type told struct {
		Skb, Ifname, Protocol string
		Netns                 uint32
		Len, MTU, Proto       int
	}
	want := told{"", device, "udp", n.Inode, 62, 1500, 0x0800}
	if diff := cmp.Diff(want, told{r.Skb, r.Ifname, r.Tuple.Protocol, r.Netns, r.Len, r.MTU, r.Proto}); diff != "" {
		t.Errorf("(-want +got) %s", diff)
	}
	if r.Head == "" || r.ID == 0 {
		t.Errorf("head %q, id %d", r.Head, r.ID)
	}
	if isVerdict(r) {
		return // values are told at the entry
	}
	values := map[string]any{"xdp->rxq->dev->name": device, "xdp->data_end-xdp->data": 62.0}
	if diff := cmp.Diff(values, r.XDPValues); diff != "" {
		t.Errorf("values (-want +got) %s", diff)
	}
}

// goesOn wants the judged packet to come up in the stack of a host, under its number.
func (w *court) goesOn(t *testing.T, events records, s ktest.Sentence, where *ktest.Netns) {
	entries, _ := events.runs(judge)
	for _, e := range entries.that(dport(s), sport(accused)) {
		list := events.that(ofPacket(e.ID))
		list.that(in("ip_output"), within(w.a)).present(t, "where it was sent")
		list.that(in(receivers...), within(where)).present(t, "where it is received")
		return
	}
	t.Error("it was not judged")
}

// forwarded wants the frame to get to the late judge, and from there into the stack.
func (w *court) forwarded(t *testing.T, events records) {
	entries, _ := events.runs(judge)
	entries = entries.that(dport(ktest.Forward), sport(accused))
	if len(entries) != 1 {
		t.Fatalf("%d entries, want 1", len(entries))
	}
	list := events.that(ofPacket(entries[0].ID))
	late, verdicts := list.runs(lateJudge)
	if len(late) != 1 || len(verdicts) != 1 || verdicts[0].decision() != "XDP_PASS" {
		t.Fatalf("want an entry and XDP_PASS at the other host, there are %v, %v", late, verdicts)
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

// forgedPasses wants a packet to begin as a frame and to go on as an sk_buff.
func forgedPasses(t *testing.T, events records) {
	entries, _ := events.runs(judge)
	entries = entries.that(sport(forged))
	if len(entries) != 1 {
		t.Fatalf("%d entries, want 1", len(entries))
	}
	list := events.that(ofPacket(entries[0].ID))
	received := list.that(in(receivers...))
	if list[0].Func != judge || len(received) == 0 {
		t.Fatalf("want it to begin with the program, and to go on: %s", list.briefly())
	}
	if r := received[0]; r.Origin != "xdp" || r.Head != entries[0].Head || r.Parent == nil || *r.Parent != entries[0].Part {
		t.Errorf("want a part by XDP, with the frame's data at %s: %v", entries[0].Head, r)
	}
}

// TestXDPInTheStack has the same judge in the stack, and filters that look into the
// frames: at what a tunnel carries, and at the xdp_buff.
func TestXDPInTheStack(t *testing.T) {
	ownMachine(t)
	if refusesPrograms(t, "--filter-trace-xdp") {
		return
	}
	w := newCourt(t, true)
	p := start(t, "--filter-trace-xdp", "--output-id", "--filter-func", strings.Join(receivers, "|"),
		"--filter-xdp-expr", "xdp->data_end - xdp->data < 200 && xdp->rxq->dev->name == \"vb\"",
		"--filter-tunnel-pcap-l2", "udp dst port 9000", "udp src port 5001")
	w.pack(9000, 0)
	w.pack(9001, 0)
	w.pack(9000, 300)
	do(t, w.a, once(w.datagram(accused, ktest.Drop, 20)))
	do(t, w.a, once(ktest.UDP{From: w.datagram(accused, 0, 0).From, To: netip.MustParseAddrPort(b4 + ":9000"), Shared: true}))
	events := p.stop().events
	entries, verdicts := events.runs(judge)
	if len(entries) != 1 || len(verdicts) != 1 || verdicts[0].decision() != "XDP_PASS" {
		t.Fatalf("want one run: %v, %v", entries, verdicts)
	}
	if e := entries[0]; !ports(accused, 4789)(&e) || e.Len != vxlanLen || e.Ifname != "vb" {
		t.Errorf("another frame: %v", e)
	}
	received := events.that(in(receivers...), ports(accused, 4789))
	if !slices.ContainsFunc(received, func(r record) bool { return r.ID == entries[0].ID && r.Head == entries[0].Head }) {
		t.Errorf("packet %d is not received: %s", entries[0].ID, received.briefly())
	}
	if t.Failed() {
		keep(t, "xdpgeneric.json", p.stdout())
	}
}

// vxlanLen is the length of a frame with an empty datagram in VXLAN.
const vxlanLen = 42 + 8 + 14 + 28

// pack sends a datagram in a frame in VXLAN, and some bytes behind it.
func (w *court) pack(port uint16, more int) {
	inner := ktest.Datagram(ktest.UDP{From: netip.MustParseAddrPort("10.1.0.1:1"), To: netip.AddrPortFrom(netip.MustParseAddr("10.1.0.2"), port)})
	payload := append([]byte{8, 0, 0, 0, 0, 0, 42, 0}, make([]byte, 12)...)
	payload = append(append(payload, 8, 0), inner...)
	do(w.t, w.a, once(ktest.UDP{
		From: w.datagram(accused, 0, 0).From, To: netip.MustParseAddrPort(b4 + ":4789"),
		Payload: append(payload, make([]byte, more)...), Shared: true,
	}))
}
