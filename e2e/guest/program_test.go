// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"tracer/internal/ktest"
)

// program is the JSON object of a BPF program.
type program struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	Tag  string `json:"tag"`
	Type string `json:"type"`

	TailCalled bool `json:"tail_called"`
}

// Verdicts TC_ACT_OK and TC_ACT_SHOT.
const (
	actOK, actShot = 0, 2
)

// Payload sizes of the datagrams, by which the programs decide, and the size of the headers.
const (
	plainSize, shotSize, rewrittenSize = 20, 33, 47
	frameOverhead                      = 42
)

// shoots drops datagrams of one size, and passes all other packets, including ARP.
func shoots(size int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.Mov.Imm(asm.R0, actOK),
		asm.JNE.Imm(asm.R2, size+frameOverhead, "out"),
		asm.Mov.Imm(asm.R0, actShot),
		asm.Return().WithSymbol("out"),
	}
}

// rewrites changes the UDP destination port of datagrams of one size, so that the filter, which has matched
// the packet before the program, no longer matches it.
func rewrites() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.JNE.Imm(asm.R2, rewrittenSize+frameOverhead, "out"),
		asm.StoreImm(asm.RFP, -8, 0x0f0f, asm.Half),
		asm.Mov.Imm(asm.R2, 36),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, -8),
		asm.Mov.Imm(asm.R4, 2),
		asm.Mov.Imm(asm.R5, 0),
		asm.FnSkbStoreBytes.Call(),
		asm.Mov.Imm(asm.R0, actOK).WithSymbol("out"),
		asm.Return(),
	}
}

// tailCalls makes a tail call to the first program of the array, or returns the verdict if that fails.
func tailCalls(array *ebpf.Map, verdict int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R2, array.FD()),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, verdict),
		asm.Return(),
	}
}

func tcProgram(t *testing.T, name string, body asm.Instructions) *ebpf.Program {
	t.Helper()
	return ktest.LoadProgram(t, ktest.Program{Name: name, Type: ebpf.SchedCLS, Body: body})
}

// by matches the records of a BPF program.
func by(name string) func(*record) bool {
	return func(r *record) bool { return r.Program != nil && r.Program.Name == name }
}

func isProgram(r *record) bool { return r.Type == "program" }
func isVerdict(r *record) bool { return r.Type == "verdict" }

// decided checks that each entry of a program is followed by its verdict on the same packet, and that the program has
// exactly these verdicts, in order.
func (rs records) decided(t *testing.T, name string, verdicts ...string) {
	t.Helper()
	events := rs.that(by(name))
	var got []string
	for i, r := range events {
		switch {
		case i%2 == 0 && r.Type != "program", i%2 == 1 && r.Type != "verdict":
			t.Errorf("%s: record %d is %s", name, i, r)
		case i%2 == 1 && (r.Skb != events[i-1].Skb || r.Len != events[i-1].Len || r.Func != name || r.Duration == nil):
			t.Errorf("%s: verdict %s of entry %s", name, r, events[i-1])
		case i%2 == 1:
			got = append(got, *r.Verdict.Name)
		}
	}
	if strings.Join(got, " ") != strings.Join(verdicts, " ") || len(events) != 2*len(verdicts) {
		t.Errorf("%s: verdicts %v in %d records, want %v", name, got, len(events), verdicts)
	}
}

// refusesPrograms reports whether BPF programs cannot be traced on this kernel, and then checks the error.
func refusesPrograms(t *testing.T, flag string) bool {
	t.Helper()
	if tracesPrograms() {
		return false
	}
	p := command{args: []string{flag}}.start(t)
	p.ends(stopLimit, 1)
	p.says("tracer: BPF programs can't be traced: ")
	return true
}

// programScene has BPF programs of every kind that the kernel supports, attached to their hooks.
type programScene struct {
	*world
	// verdicts are the expected verdicts of each program.
	verdicts map[string][]string
	// stream sends TCP data to the socket program.
	stream func()
}

func newProgramScene(t *testing.T) *programScene {
	s := &programScene{world: newWorld(t), verdicts: map[string][]string{}, stream: func() {}}
	s.trafficControl()
	s.netfilter()
	s.socket()
	s.cgroup() // after socket, so that it does not see retransmissions of its TCP connection
	return s
}

// expect sets the expected verdicts of a program.
func (s *programScene) expect(name string, verdicts ...string) { s.verdicts[name] = verdicts }

// trafficControl attaches programs on the path of three datagrams from a to b and of one back. The
// first program drops one of the three at b.
func (s *programScene) trafficControl() {
	in := tcProgram(s.t, "t_in", shoots(shotSize))
	ktest.TC(s.t, s.b, "vb", false, in)
	s.expect("t_in", "TC_ACT_OK", "TC_ACT_SHOT")
	ktest.TC(s.t, s.a, "va", true, tcProgram(s.t, "t_out", rewrites()))
	s.expect("t_out", "TC_ACT_OK", "TC_ACT_OK", "TC_ACT_OK")
	// t_in is also a tail-call target, which must not cause a second entry event.
	array := ktest.ProgramArray(s.t, tcProgram(s.t, "t_inner", shoots(plainSize)), in)
	ktest.TC(s.t, s.a, "va", false, tcProgram(s.t, "t_outer", tailCalls(array, actOK)))
	s.expect("t_outer", "TC_ACT_SHOT") // the verdict of its tail-call target
	ktest.LoadProgram(s.t, ktest.Program{Name: "t_untyped", Type: ebpf.SchedCLS, Untyped: true, Body: ktest.Returns(actOK)})
	if hasSymbol("tcx_link_attach") {
		tcx := tcProgram(s.t, "t_tcx", ktest.Returns(-1))
		ktest.AttachLink(s.t, s.b, func() (link.Link, error) {
			return link.AttachTCX(link.TCXOptions{Interface: ktest.Ifindex("vb"), Program: tcx, Attach: ebpf.AttachTCXIngress})
		})
		s.expect("t_tcx", "TC_ACT_UNSPEC", "TC_ACT_UNSPEC")
	}
	if hasSymbol("netkit_link_attach") {
		s.netkit()
	}
}

// The addresses of the ends of the netkit pair.
const a4kit, b4kit = "10.8.0.1", "10.8.0.2"

func (s *programScene) netkit() {
	ktest.NewNetkit(s.t,
		ktest.End{Netns: s.a, Name: "ka", Addresses: prefixes(a4kit + "/24")},
		ktest.End{Netns: s.b, Name: "kb", Addresses: prefixes(b4kit + "/24")})
	kit := ktest.LoadProgram(s.t, ktest.Program{Name: "t_netkit", Type: ebpf.SchedCLS, Attach: ebpf.AttachNetkitPrimary, Body: ktest.Returns(actOK)})
	ktest.AttachLink(s.t, s.a, func() (link.Link, error) {
		return link.AttachNetkit(link.NetkitOptions{Interface: ktest.Ifindex("ka"), Program: kit, Attach: ebpf.AttachNetkitPrimary})
	})
	s.expect("t_netkit", "TC_ACT_OK")
}

func (s *programScene) netfilter() {
	if !hasSymbol("bpf_nf_link_attach") {
		return
	}
	hook := ktest.LoadProgram(s.t, ktest.Program{
		Name: "t_netfilter", Type: ebpf.Netfilter, Attach: ebpf.AttachNetfilter, Context: "bpf_nf_ctx", Body: ktest.Returns(1),
	})
	ktest.AttachLink(s.t, s.b, func() (link.Link, error) {
		return link.AttachNetfilter(link.NetfilterOptions{
			Program: hook, ProtocolFamily: link.NetfilterProtoIPv4, Hook: link.NetfilterInetLocalIn, Priority: -128,
		})
	})
	s.expect("t_netfilter", s.arrivals("NF_ACCEPT")...)
}

// arrivals returns the verdicts of a program that sees the packets which b receives locally.
func (s *programScene) arrivals(verdict string) []string {
	if s.verdicts["t_netkit"] != nil {
		return []string{verdict, verdict}
	}
	return []string{verdict}
}

// cgroup attaches a program that sees the packets sent by this process's control group.
func (s *programScene) cgroup() {
	group := ktest.NewCgroup(s.t, "programs")
	home := ktest.OwnCgroup(s.t)
	if err := group.Add(os.Getpid()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := home.Add(os.Getpid()); err != nil {
			s.t.Error(err)
		}
	})
	p := ktest.LoadProgram(s.t, ktest.Program{Name: "t_cgroup", Type: ebpf.CGroupSKB, Attach: ebpf.AttachCGroupInetEgress, Body: ktest.Returns(1)})
	ktest.AttachLink(s.t, s.a, func() (link.Link, error) {
		return link.AttachCgroup(link.CgroupOptions{Path: group.Path, Attach: ebpf.AttachCGroupInetEgress, Program: p})
	})
	s.expect("t_cgroup", slices.Concat(s.verdicts["t_out"], s.verdicts["t_outer"], s.verdicts["t_netkit"])...)
	for i := range s.verdicts["t_cgroup"] {
		s.verdicts["t_cgroup"][i] = "allow"
	}
}

// socket attaches a program that sees the data received by a TCP server on the traced port.
func (s *programScene) socket() {
	client, accepted := ktest.TCPPair(s.t, s.a, "127.0.0.1:7001")
	p := ktest.LoadProgram(s.t, ktest.Program{Name: "t_sk_skb", Type: ebpf.SkSKB, Attach: ebpf.AttachSkSKBVerdict, Body: ktest.Returns(1)})
	err := ktest.SocketVerdict(s.t, p, accepted)
	if ktest.IsUnsupported(err) && !hasTypeName("BPF_SK_SKB_VERDICT") {
		return
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.expect("t_sk_skb", "SK_PASS")
	s.stream = func() {
		if _, err := client.Write([]byte("x")); err != nil {
			s.t.Error(err)
		}
		if _, err := accepted.Read(make([]byte, 1)); err != nil {
			s.t.Error(err)
		}
	}
}

// send sends one datagram to the traced port, and one to another port.
func (s *programScene) send(from *ktest.Netns, source, dest string, size int) {
	for _, port := range []string{":7001", ":7002"} {
		u := udp(source+":6001", dest+port)
		u.Size = size
		do(s.t, from, func() error { return u.Send(1) })
	}
}

// sendAll sends the packets for all programs except those loaded later.
func (s *programScene) sendAll() {
	for _, size := range []int{plainSize, shotSize, rewrittenSize} {
		s.send(s.a, a4, b4, size)
	}
	if s.verdicts["t_netkit"] != nil {
		s.send(s.a, a4kit, b4kit, plainSize)
	}
	s.stream()
}

// TestPrograms checks the entries and verdicts of BPF programs of all kinds, including one that is loaded later.
func TestPrograms(t *testing.T) {
	needDedicatedMachine(t)
	if refusesPrograms(t, "--filter-trace-tc") {
		return
	}
	s := newProgramScene(t)
	p := start(t, "--debug", "--only-bpf", "--timestamp", "absolute", "dst port 7001")
	s.sendAll()
	later := tcProgram(t, "t_later", ktest.Returns(actOK))
	p.awaitSaid("BPF program t_later (id ", "is traced")
	ktest.TC(t, s.b, "vb", true, later)
	s.expect("t_later", "TC_ACT_OK")
	s.send(s.b, b4, a4, plainSize)
	p.releases()
	tr := p.stop()
	tr.events.that(func(r *record) bool { return *r.Tuple.Dport != 7001 }).absent(t, "unrelated packets")
	for name, verdicts := range s.verdicts {
		tr.events.decided(t, name, verdicts...)
	}
	tr.events.that(not(isProgram), not(isVerdict)).absent(t, "anything but BPF programs")
	tr.events.inOrder(t)
	p.says("BPF program t_untyped (id ", "is not traced: it has no BTF")
	p.tailCalls(tr.events, "t_inner")
	if tr.summary.Unreturned != 0 {
		t.Errorf("%d verdicts not seen", tr.summary.Unreturned)
	}
}

// TestProgramsFollowChangedPacket checks that with --filter-track-skb, a packet that a program has changed is still
// traced at the next program.
func TestProgramsFollowChangedPacket(t *testing.T) {
	needDedicatedMachine(t)
	if refusesPrograms(t, "--filter-trace-tc") {
		return
	}
	s := &programScene{world: newWorld(t)}
	ktest.TC(t, s.a, "va", true, tcProgram(t, "t_out", rewrites()))
	ktest.TC(t, s.b, "vb", false, tcProgram(t, "t_in", shoots(shotSize)))
	p := start(t, "--only-bpf", "--filter-trace-tc", "--filter-track-skb", "--output-stack", "dst port 7001")
	s.send(s.a, a4, b4, rewrittenSize)
	tr := p.stop()
	tr.events.decided(t, "t_out", "TC_ACT_OK")
	tr.events.decided(t, "t_in", "TC_ACT_OK")
	for _, r := range tr.events {
		if r.ID == 0 || r.ID != tr.events[0].ID {
			t.Errorf("a separate packet: %s", r)
		}
		if r.Type == "program" && (len(r.Stack) == 0 || r.Stack[0].Symbol == "" || strings.HasPrefix(r.Stack[0].Symbol, "bpf_")) {
			t.Errorf("the stack begins with the tracing program: %v", r.Stack)
		}
	}
}

// releases checks that tracer drops its reference to a program when the program has no other references.
func (p *process) releases() {
	p.t.Helper()
	gone, err := ebpf.NewProgram(ktest.Program{Name: "t_gone", Type: ebpf.SchedCLS, Body: ktest.Returns(actOK)}.Spec())
	if err != nil {
		p.t.Fatal(err)
	}
	p.awaitSaid("BPF program t_gone (id ", "is traced")
	gone.Close()
	for deadline := time.Now().Add(goneLimit); !p.said("BPF program t_gone (id ", "was unloaded"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Errorf("program without other references was not released: %s", p.stderr())
			return
		}
	}
}

// goneLimit is the timeout for the release of a program on a slow machine.
const goneLimit = 30 * time.Second

// inOrder checks that the records of each CPU are in chronological order.
func (rs records) inOrder(t *testing.T) {
	t.Helper()
	last := map[int]uint64{}
	for _, r := range rs {
		if r.Monotonic < last[r.CPU] {
			t.Errorf("earlier than the one before it: %s", r)
		}
		last[r.CPU] = r.Monotonic
	}
}

// tailCalls checks that a tail-called program has an entry event, or is named in a warning if the kernel does not
// allow that. It has no verdict event.
func (p *process) tailCalls(events records, name string) {
	p.t.Helper()
	inner := events.that(by(name))
	inner.that(isVerdict).absent(p.t, "verdicts by tail call")
	switch {
	case !seesTailCalls():
		inner.absent(p.t, "entries by tail call")
		p.says("warning: the entry of these BPF programs is not traced", name+" (id ", "does not step over a breakpoint")
	case len(inner) != 1 || !inner[0].Program.TailCalled:
		p.t.Errorf("%d entries by tail call, want 1: %v", len(inner), inner)
	}
}
