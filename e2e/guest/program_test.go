// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"tracer/internal/ktest"
)

// program is what a record says of a BPF program.
type program struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	Tag  string `json:"tag"`
	Type string `json:"type"`
}

// The verdicts of traffic control that the programs here give.
const (
	actOK, actShot = 0, 2
)

// Sizes of datagrams that the programs here tell apart, and those of their frames.
const (
	plainSize, shotSize, rewrittenSize = 20, 33, 47
	frameOverhead                      = 42
)

// shootsLong drops one size and lets all others pass.
func shootsLong() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.Mov.Imm(asm.R0, actOK),
		asm.JNE.Imm(asm.R2, shotSize+frameOverhead, "out"),
		asm.Mov.Imm(asm.R0, actShot),
		asm.Return().WithSymbol("out"),
	}
}

// rewrites changes the UDP destination port of one size, so that the filter that saw the
// packet come does not match it any more.
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

// tailCalls goes on with the first program of the array, or ends with that verdict.
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

// by are the records about a BPF program.
func by(name string) func(*record) bool {
	return func(r *record) bool { return r.Program != nil && r.Program.Name == name }
}

func isProgram(r *record) bool { return r.Type == "program" }
func isVerdict(r *record) bool { return r.Type == "verdict" }

// decided wants each entry of a program to be followed by its verdict: the only one, of the same packet,
// and the verdicts to be those.
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

// needTrampolines ends a test that needs a kernel which traces BPF programs, and says
// whether it does.
func needTrampolines(t *testing.T) {
	t.Helper()
	if !tracesPrograms() {
		t.Skip("this kernel has no BPF trampolines")
	}
}

func TestTrafficControlPrograms(t *testing.T) {
	ownMachine(t)
	needTrampolines(t)
	w := newWorld(t)
	in := tcProgram(t, "t_in", shootsLong())
	out := tcProgram(t, "t_out", rewrites())
	ktest.TC(t, w.b, "vb", false, in)
	ktest.TC(t, w.a, "va", true, out)
	array := ktest.ProgramArray(t, tcProgram(t, "t_inner", ktest.Returns(actShot)))
	ktest.TC(t, w.a, "va", false, tcProgram(t, "t_outer", tailCalls(array, actOK)))
	ktest.LoadProgram(t, ktest.Program{Name: "t_untyped", Type: ebpf.SchedCLS, Untyped: true, Body: ktest.Returns(actOK)})
	p := start(t, "--debug", "--only-bpf", "--filter-trace-tc", "udp and dst port 7001")
	send := func(from *ktest.Netns, source, dest string, size int) {
		u := udp(source, dest)
		u.Size = size
		do(t, from, func() error { return u.Send(1) })
	}
	for _, size := range []int{plainSize, shotSize, rewrittenSize} {
		send(w.a, a4+":6001", b4+":7001", size)
		send(w.a, a4+":6001", b4+":7002", size) // a stranger
	}
	later := tcProgram(t, "t_later", ktest.Returns(actOK))
	p.awaitSaid("BPF program t_later (id ", "is traced")
	ktest.TC(t, w.b, "vb", true, later)
	send(w.b, b4+":6001", a4+":7001", plainSize)
	tr := p.stop()
	tr.events.that(func(r *record) bool { return *r.Tuple.Dport != 7001 }).absent(t, "strangers")
	tr.events.decided(t, "t_out", "TC_ACT_OK", "TC_ACT_OK", "TC_ACT_OK")
	tr.events.decided(t, "t_in", "TC_ACT_OK", "TC_ACT_SHOT")
	tr.events.decided(t, "t_later", "TC_ACT_OK")
	tr.events.decided(t, "t_outer", "TC_ACT_SHOT") // is that of the program it goes on with
	tr.events.that(not(isProgram), not(isVerdict)).absent(t, "anything but BPF programs")
	p.says("BPF program t_untyped (id ", "is not traced: it has no BTF")
}
