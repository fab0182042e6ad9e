// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"encoding/binary"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cloudflare/cbpfc"
	"golang.org/x/net/bpf"

	"tracer/libpcap"
)

// cbpfc is a second translator of classic BPF, for linear packets. Here its output runs as an XDP
// program. docs/filtering.md explains why tracer does not use it.

// Sizes of the frames that BPF_PROG_TEST_RUN accepts for XDP programs.
const (
	minXDP = linkHeader
	maxXDP = 3 << 10
)

// second returns an XDP program that cbpfc translated.
func second(tb testing.TB, classic []bpf.Instruction) *ebpf.Program {
	tb.Helper()
	body, err := cbpfc.ToEBPF(classic, cbpfc.EBPFOpts{
		PacketStart: asm.R2, PacketEnd: asm.R3, Result: asm.R0, ResultLabel: "result",
		Working: [4]asm.Register{asm.R4, asm.R5, asm.R6, asm.R7}, LabelPrefix: "second",
	})
	if err != nil {
		tb.Fatal(err)
	}
	insns := append(asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
	}, body...)
	insns = append(insns, asm.Mov.Reg32(asm.R0, asm.R0).WithSymbol("result"), asm.Return())
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "second", Type: ebpf.XDP, License: "GPL", Instructions: insns})
	if err != nil {
		tb.Fatalf("%+v\n%s", err, insns)
	}
	tb.Cleanup(func() { prog.Close() })
	return prog
}

func runXDP(tb testing.TB, prog *ebpf.Program, frame []byte) bool {
	tb.Helper()
	result, err := prog.Run(&ebpf.RunOptions{Data: frame})
	if err != nil {
		tb.Fatal(err)
	}
	return result != 0
}

// wrongShifts are the expressions that shift by more than 31 bits: the result is 0 in libpcap's
// interpreter, and cbpfc shifts by the count modulo 32, as eBPF does.
var wrongShifts = []string{"ip[0] << ip[8] = 0", "ip[12:4] >> ip[1] > 5"}

// TestSecondImplementation compares cbpfc with libpcap's interpreter, for all expressions on all frames
// that XDP programs can run on. TestVerdict does the same for our translator.
func TestSecondImplementation(t *testing.T) {
	newLab(t) // skips the test without privileges
	frames := slices.DeleteFunc(corpusFrames(), func(f []byte) bool { return len(f) < minXDP || len(f) > maxXDP })
	pairs := 0
	var differ []string
	for _, e := range append(readExpectations(t), expectation{expr: longHosts(150)}) {
		if !e.ok() {
			continue
		}
		p := mustCompile(t, e.expr)
		prog := second(t, p.Classic)
		raw, err := bpf.Assemble(p.Classic)
		if err != nil {
			t.Fatal(err)
		}
		for _, frame := range frames {
			pairs++
			want := libpcap.Match(raw, frame, len(frame))
			if have := runXDP(t, prog, frame); have != want {
				t.Logf("%s: cbpfc says %v, libpcap %v, of % x", e.expr, have, want, frame[:min(len(frame), 160)])
				differ = append(differ, e.expr)
				break
			}
		}
	}
	t.Logf("%d pairs of an expression and a frame", pairs)
	if !slices.Equal(differ, wrongShifts) {
		t.Errorf("cbpfc differs for %q, want %q", differ, wrongShifts)
	}
}

// TestGuardsInWrongOrder pins a fault of cbpfc, on frames that show it: it merges two length checks, of
// which the second has the smaller offset. Our translator agrees with libpcap.
func TestGuardsInWrongOrder(t *testing.T) {
	l := newLab(t)
	frames := readFrames(t, "testdata/cbpfc-guards.pcap")
	for expr, known := range map[string]int{
		"(tcp[4]=7 or tcp[0]=5) and tcp[5]=9":     288,
		"(tcp[2:4]=7 or tcp[0:4]=5) and tcp[3]=5": 16,
		"(tcp[0]=5 or tcp[4]=7) and tcp[5]=9":     0,
		"tcp[0]=5 and tcp[4]=7 and tcp[5]=9":      0,
	} {
		s := newSubject(t, l, expectation{expr: expr})
		prog := second(t, mustCompile(t, expr).Classic)
		differ := 0
		for _, frame := range frames {
			l.show(t, frame)
			s.compare(t, frame)
			if runXDP(t, prog, frame) != libpcap.Match(s.classic, frame, len(frame)) {
				differ++
			}
		}
		if differ != known {
			t.Errorf("%s: cbpfc differs on %d of %d frames, known are %d", expr, differ, len(frames), known)
		}
	}
}

// readFrames reads the frames of a pcap file.
func readFrames(t *testing.T, name string) (frames [][]byte) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const fileHeader, recordHeader = 24, 16
	for data = data[fileHeader:]; len(data) > 0; {
		length := binary.LittleEndian.Uint32(data[8:])
		frames = append(frames, data[recordHeader:recordHeader+length])
		data = data[recordHeader+length:]
	}
	return frames
}
