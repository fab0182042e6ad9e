// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"strings"

	"golang.org/x/net/bpf"
)

// ClassicText lists the classic program in the format of `tcpdump -d`, one line per instruction.
func (p *Program) ClassicText() string {
	var text strings.Builder
	for pc, insn := range p.Classic {
		fmt.Fprintln(&text, classicLine(pc, insn))
	}
	return text.String()
}

func classicLine(pc int, insn bpf.Instruction) string {
	raw, err := insn.Assemble()
	if err != nil {
		return fmt.Sprintf("(%03d) %v", pc, insn)
	}
	m := mnemonics[raw.Op]
	line := fmt.Sprintf("(%03d) %-8s %s", pc, m.name, m.argument(pc, raw.K))
	if raw.Op&classMask == classJmp && raw.Op != opJa {
		line = fmt.Sprintf("%-31s jt %d\tjf %d", line, pc+1+int(raw.Jt), pc+1+int(raw.Jf))
	}
	return strings.TrimRight(line, " ")
}

// mnemonic is the assembler notation of an instruction: its name and the format of its argument.
type mnemonic struct{ name, format string }

func (m mnemonic) argument(pc int, k uint32) string {
	switch {
	case m.name == "ja":
		return fmt.Sprintf(m.format, uint32(pc)+1+k)
	case strings.Contains(m.format, "%"):
		return fmt.Sprintf(m.format, k)
	}
	return m.format
}

// The instruction class within an opcode of classic BPF, and the opcode of an unconditional jump.
const (
	classMask = 0x07
	classJmp  = 0x05
	opJa      = 0x05
)

// mnemonics has all instructions of classic BPF by opcode.
var mnemonics = map[uint16]mnemonic{
	0x00: {"ld", "#0x%x"}, 0x01: {"ldx", "#0x%x"},
	opLd: {"ld", "[%d]"}, opLdh: {"ldh", "[%d]"}, opLdb: {"ldb", "[%d]"},
	0x40: {"ld", "[x + %d]"}, 0x48: {"ldh", "[x + %d]"}, 0x50: {"ldb", "[x + %d]"},
	0x60: {"ld", "M[%d]"}, 0x61: {"ldx", "M[%d]"},
	0x80: {"ld", "#pktlen"}, opLdxb: {"ldxb", "4*([%d]&0xf)"},
	0x02: {"st", "M[%d]"}, 0x03: {"stx", "M[%d]"},
	0x04: {"add", "#%d"}, 0x0c: {"add", "x"},
	0x14: {"sub", "#%d"}, 0x1c: {"sub", "x"},
	0x24: {"mul", "#%d"}, 0x2c: {"mul", "x"},
	0x34: {"div", "#%d"}, 0x3c: {"div", "x"},
	0x44: {"or", "#0x%x"}, 0x4c: {"or", "x"},
	0x54: {"and", "#0x%x"}, 0x5c: {"and", "x"},
	0x64: {"lsh", "#%d"}, 0x6c: {"lsh", "x"},
	0x74: {"rsh", "#%d"}, 0x7c: {"rsh", "x"},
	0x94: {"mod", "#%d"}, 0x9c: {"mod", "x"},
	0xa4: {"xor", "#0x%x"}, 0xac: {"xor", "x"},
	0x84: {"neg", ""},
	opJa: {"ja", "%d"},
	0x15: {"jeq", "#0x%x"}, 0x1d: {"jeq", "x"},
	0x25: {"jgt", "#0x%x"}, 0x2d: {"jgt", "x"},
	0x35: {"jge", "#0x%x"}, 0x3d: {"jge", "x"},
	0x45: {"jset", "#0x%x"}, 0x4d: {"jset", "x"},
	0x06: {"ret", "#%d"}, 0x16: {"ret", ""},
	0x07: {"tax", ""}, 0x87: {"txa", ""},
}
