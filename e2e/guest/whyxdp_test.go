// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// lostFrame is an XDP program by which a frame without an sk_buff ends.
type lostFrame struct {
	name, cause string
	body        asm.Instructions
	// values are those of the cause besides program, name and device, without the prefix.
	decision string
	values   map[string]any
}

var lostFrames = []lostFrame{
	{name: "why_drop", cause: "xdp-native", decision: "xdp_program", body: ktest.Returns(xdpDrop), values: map[string]any{"verdict": "XDP_DROP"}},
	{name: "why_aborted", cause: "xdp-native", decision: "xdp_program", body: ktest.Returns(0), values: map[string]any{"verdict": "XDP_ABORTED"}},
	{name: "why_nowhere", cause: "xdp-redirect", decision: "xdp_redirect", body: redirects(1 << 30), values: map[string]any{"error": unix.EINVAL}},
}

// TestWhyXDP checks that the verdict of an XDP program by which a frame without an sk_buff ends is a drop with a cause,
// and that of a program on an sk_buff is none, since the kernel reports its drop.
func TestWhyXDP(t *testing.T) {
	needDedicatedMachine(t)
	if refusesPrograms(t, "--filter-trace-xdp") {
		return
	}
	l := newLab(t, inOrder)
	port, wires := l.port(), []wire{l.wire(l.a, l.r), l.wire(l.a, l.r)}
	l.attachXDP(wires[0].farName, "why_generic", ktest.Returns(xdpDrop), link.XDPGenericMode)
	l.attachXDP(wires[1].farName, "why_driver", ktest.Returns(xdpDrop), link.XDPDriverMode)
	runs := lostFrames
	if !hasReason("NOT_SPECIFIED") { // 5.17; live frames came with 5.18, and 5.10 ignores the flag
		runs = nil
	}
	var loaded []*ebpf.Program
	for _, f := range runs {
		loaded = append(loaded, ktest.LoadProgram(t, ktest.Program{Name: f.name, Type: ebpf.XDP, Context: "xdp_md", Body: f.body}))
	}
	p := start(t, "--drop", "--filter-trace-xdp")
	frame := append(append(make([]byte, 12), 8, 0), wires[0].datagram(port).Packet().Bytes()...)
	for _, program := range loaded {
		if err := ktest.RunOnFrame(l.r, program, frame); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range wires {
		l.transmits(l.a, w.toFar, w.datagram(port).Packet().Bytes())()
	}
	verdicts := p.stop().events.that(isVerdict, toPort(port))
	for _, name := range []string{"why_generic", "why_driver"} {
		rows := verdicts.that(by(name))
		rows.present(t, name)
		rows.that(dropped).absent(t, "drop by the program "+name+" without one of the kernel")
	}
	for i, f := range runs {
		f.check(t, l.idOf(loaded[i]), verdicts.that(by(f.name), dropped))
	}
}

// check checks the only drop by the program.
func (f *lostFrame) check(t *testing.T, id uint32, rows records) {
	t.Helper()
	want := scenario{cause: f.cause, values: map[string]any{f.decision + ".program": id, f.decision + ".name": f.name, f.decision + ".dev": "lo"}}
	for key, value := range f.values {
		want.values[f.decision+"."+key] = value
	}
	if len(rows) != 1 {
		t.Fatalf("%s: %d drops, want 1", f.name, len(rows))
	}
	if fault := want.judge(&rows[0]); fault != "" {
		t.Errorf("%s: %s", f.name, fault)
	} else if rows[0].Why.KernelDrop {
		t.Errorf("%s: a drop of the kernel", f.name)
	}
}
