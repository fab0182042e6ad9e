// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/bpf"
)

// everything returns a program with most kinds of instructions, and so of lines in the listings.
func everything(t *testing.T) *Program {
	t.Helper()
	classic := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x800, SkipFalse: 13},
		bpf.LoadMemShift{Off: 14},
		bpf.LoadIndirect{Off: 16, Size: 4},
		bpf.StoreScratch{Src: bpf.RegA, N: 1},
		bpf.LoadExtension{Num: bpf.ExtLen},
		bpf.NegateA{},
		bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 3},
		bpf.ALUOpX{Op: bpf.ALUOpDiv},
		bpf.LoadScratch{Dst: bpf.RegX, N: 1},
		bpf.JumpIfX{Cond: bpf.JumpGreaterThan, SkipTrue: 1},
		bpf.TXA{},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 1, SkipTrue: 1},
		bpf.Jump{Skip: 1},
		bpf.RetConstant{Val: 1},
		bpf.RetConstant{Val: 0},
	}
	body, need, err := translate(classic)
	if err != nil {
		t.Fatal(err)
	}
	return &Program{Classic: classic, Body: body, Need: need}
}

func TestClassicText(t *testing.T) {
	checkText(t, everything(t).ClassicText(), `
(000) ldh      [12]
(001) jeq      #0x800           jt 2	jf 15
(002) ldxb     4*([14]&0xf)
(003) ld       [x + 16]
(004) st       M[1]
(005) ld       #pktlen
(006) neg
(007) add      #3
(008) div      x
(009) ldx      M[1]
(010) jgt      x                jt 12	jf 11
(011) txa
(012) jset     #0x1             jt 14	jf 13
(013) ja       15
(014) ret      #1
(015) ret      #0
`)
}

func TestEBPFText(t *testing.T) {
	checkText(t, everything(t).EBPFText(), `
   0: r8 = *(u32 *)(r1 +104)
   1: r6 = r1
   2: if w8 < 0xf goto 35
   3: r7 = *(u16 *)(r6 +12)
   4: r7 = be16 r7
   5: if w7 != 0x800 goto 35
   6: r9 = *(u8 *)(r6 +14)
   7: w9 &= 0xf
   8: w9 <<= 0x2
   9: if w9 != 0x14 goto 13
  10: if w8 < 0x28 goto 35
  11: r7 = *(u32 *)(r6 +36)
  12: goto 21
  13: if w9 > 0x40000000 goto 35
  14: w2 = w9
  15: w2 += 0x10
  16: r1 = r6
  17: r3 = 0x4
  18: call load_packet
  19: if r0 != 0x0 goto 35
  20: r7 = *(u32 *)(r6 +108)
  21: r7 = be32 r7
  22: *(u32 *)(r10 -8) = r7
  23: w7 = w8
  24: w7 = -w7
  25: w7 += 0x3
  26: if r9 == 0x0 goto 35
  27: w7 /= w9
  28: r9 = *(u32 *)(r10 -8)
  29: if w7 > w9 goto 31
  30: w7 = w9
  31: if w7 & 0x1 goto 33
  32: goto 35
  33: w0 = 0x1
  34: exit
  35: w0 = 0x0
  36: exit
`)
}

func checkText(t *testing.T, have, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), have); diff != "" {
		t.Errorf("want -, have +\n%s", diff)
	}
}
