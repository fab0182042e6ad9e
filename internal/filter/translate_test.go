// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"testing"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/net/bpf"
)

func mustCompile(tb testing.TB, expr string) *Program {
	tb.Helper()
	p, err := Compile(expr)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// everyProgram calls f with the program of each valid expression.
func everyProgram(t *testing.T, f func(t *testing.T, p *Program)) {
	for _, e := range readExpectations(t) {
		if e.ok() {
			t.Run(e.expr, func(t *testing.T) { f(t, mustCompile(t, e.expr)) })
		}
	}
}

// TestSize bounds the cost of common filters: the instructions of the body, and the bytes that
// are copied before it runs.
func TestSize(t *testing.T) {
	for _, want := range []struct {
		expr        string
		insns, need int
	}{
		{"icmp", 11, 24},
		{"arp", 9, 14},
		{"ip proto 6", 11, 24},
		{"host 1.1.1.1", 36, 42},
		{"tcp and port 80", 58, 58},
		{"ether host 00:11:22:33:44:55", 21, 12},
		{"len > 100", 7, 0},
		{"ether[79] = 1", 8, 80},
		{"ether[80] = 1", 13, 0},
	} {
		p := mustCompile(t, want.expr)
		if len(p.Body) > want.insns || p.Need != want.need {
			t.Errorf("%s: %d instructions and %d bytes, want at most %d and exactly %d\n%s",
				want.expr, len(p.Body), p.Need, want.insns, want.need, p.EBPFText())
		}
	}
}

// TestLoads checks that direct loads are within the first Need bytes of the head, and aligned,
// as the verifier requires for loads from the stack.
func TestLoads(t *testing.T) {
	everyProgram(t, func(t *testing.T, p *Program) {
		end := 0
		for _, in := range p.Body {
			if in.OpCode.Class() != asm.LdXClass || in.Src == asm.R10 {
				continue
			}
			offset, size := int(in.Offset), in.OpCode.Size().Sizeof()
			if offset%size != 0 {
				t.Errorf("%d bytes at %d are not aligned", size, offset)
			}
			if offset != offsetLen && offset != offsetWord {
				end = max(end, offset-offsetHead+size)
			}
		}
		if end != p.Need || end > HeadSize {
			t.Errorf("loads end at %d, Need is %d", end, p.Need)
		}
	})
}

// TestRegisters checks that a body with calls reads through R6, which is callee-saved, a body
// without calls reads through R1, and that neither uses R4 and R5.
func TestRegisters(t *testing.T) {
	everyProgram(t, func(t *testing.T, p *Program) {
		calls := len(p.Body.ReferenceOffsets()[loadPacket]) > 0
		for pc, in := range p.Body {
			if in.OpCode.Class() == asm.LdXClass && in.Src != asm.R10 && (in.Src == asm.R1) == calls && pc > 0 {
				t.Errorf("%d: %v reads through the wrong register", pc, in)
			}
			if in.Dst == asm.R4 || in.Dst == asm.R5 {
				t.Errorf("%d: %v uses a register that no body needs", pc, in)
			}
		}
	})
}

// TestShape checks that a body begins without a label, ends with a return, and jumps forward to labels
// that exist.
func TestShape(t *testing.T) {
	everyProgram(t, func(t *testing.T, p *Program) {
		if symbol := p.Body[0].Symbol(); symbol != "" {
			t.Errorf("begins with the label %q", symbol)
		}
		if last := p.Body[len(p.Body)-1]; last.OpCode != asm.Return().OpCode {
			t.Errorf("ends with %v", last)
		}
		labels, err := p.Body.SymbolOffsets()
		if err != nil {
			t.Fatal(err)
		}
		for reference, users := range p.Body.ReferenceOffsets() {
			to, ok := labels[reference]
			if !ok && reference != loadPacket {
				t.Errorf("no label %q", reference)
			}
			for _, from := range users {
				if ok && to <= from {
					t.Errorf("jumps backward from %d to %d", from, to)
				}
			}
		}
	})
}

func TestDecodeRejects(t *testing.T) {
	for name, raw := range map[string][]bpf.RawInstruction{
		"unknown instruction": {{Op: 0xffff}, {Op: 0x06}},
		"loop":                {{Op: opJa, K: 0xffffffff}, {Op: 0x06}},
		"jump out":            {{Op: opJa, K: 1}, {Op: 0x06}},
		"branch out":          {{Op: 0x15, Jt: 1}, {Op: 0x06}},
		"no end":              {{Op: 0x00}},
		"nothing":             {},
	} {
		if _, err := decode(raw); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestConstants checks operations with constants that libpcap's compiler rejects, or that result
// from constant folding.
func TestConstants(t *testing.T) {
	l := newLab(t)
	l.show(t, []byte{7, 7, 7, 7})
	for _, c := range []struct {
		name string
		op   bpf.ALUOpConstant
		want bool // A is not zero
	}{
		{"division by zero", bpf.ALUOpConstant{Op: bpf.ALUOpDiv}, false},
		{"modulus by zero", bpf.ALUOpConstant{Op: bpf.ALUOpMod}, false},
		{"left shift by 32", bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 32}, false},
		{"right shift by 33", bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 33}, false},
		{"left shift by 31", bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 31}, true},
	} {
		body, need, err := translate([]bpf.Instruction{bpf.LoadAbsolute{Size: 1}, c.op, bpf.RetA{}})
		if err != nil {
			t.Fatal(err)
		}
		if have := verdict(t, l.load(t, body, need)); have != c.want {
			t.Errorf("%s: verdict is %v", c.name, have)
		}
	}
}

func TestExtension(t *testing.T) {
	classic := []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtInterfaceIndex}, bpf.RetA{}}
	if _, _, err := translate(classic); err == nil {
		t.Error("no error for the interface index")
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, expr := range []string{"icmp", "tcp and port 80", "geneve and tcp port 80"} {
		b.Run(expr, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustCompile(b, expr)
			}
		})
	}
}

func TestExpressionsThatNeedTheLength(t *testing.T) {
	for expr, want := range map[string]bool{
		"icmp": false, "tcp and port 80": false, "len > 100": true, "less 64": true, "ip[2:2] > 100": false,
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if p.Length != want {
			t.Errorf("%q: length %v, want %v", expr, p.Length, want)
		}
	}
}

// TestMayReadNonlinear checks the ends of the headers with IPv4 and IPv6, and offsets that a header contains.
func TestMayReadNonlinear(t *testing.T) {
	for expr, want := range map[string]bool{
		"icmp": false, "host 1.1.1.1": false, "udp dst port 9 and host 1.1.1.1": false, "icmp[0] = 8": false, "ip6[44:2] = 2": false,
		"ether[58:4] = 1": false, "ether[59:4] = 1": true, "tcp[13] & 2 != 0": true, "udp[4:4] = 1": false, "udp[6:4] = 1": true, "tcp[ip[8]] = 1": true, "ether[200] = 1": true, "tcp[((tcp[12]&0xf0)>>2):4] = 0x47455420": true,
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if p.MayReadNonlinear() != want {
			t.Errorf("%q: may read nonlinear data: %v, want %v", expr, p.MayReadNonlinear(), want)
		}
	}
}

func TestExpressionsWithVLANTypes(t *testing.T) {
	for expr, want := range map[string]bool{
		"icmp": false, "vlan": true, "vlan 5 and icmp": true, "ether proto 0x88a8": true, "tcp port 33024": false, "not vlan": true,
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		if p.VLAN != want {
			t.Errorf("%q: tags %v, want %v", expr, p.VLAN, want)
		}
	}
}
