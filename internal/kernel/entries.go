// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
)

// traceable decides which functions with the same name can be traced.
type traceable interface {
	// traceable returns the spans that can be traced; if there are none, why is the reason.
	traceable(name, module string, spans []span) (out []span, why string)
}

// entryBytes is the number of bytes that are read at the beginning of a function.
const entryBytes = 12

// entries decides by the first instructions of a function whether ftrace can trace it. This reads only a few
// bytes of the relevant functions. Reading ftrace's own list takes as long as reading all symbols, since the
// kernel looks up the name of each of its 60,000 functions.
type entries struct {
	read    func(addr uint64, b []byte) error
	symbols *Symbols
	isSite  func(code []byte) bool // whether code has an ftrace call site; nil if unknown
	known   map[uint64]bool        // results by address
}

func newEntries(arch string, symbols *Symbols, read func(uint64, []byte) error) *entries {
	return &entries{read, symbols, entryOf[arch], map[uint64]bool{}}
}

// entryOf has the test for an ftrace call site in a function's first instructions, by GOARCH.
var entryOf = map[string]func([]byte) bool{"amd64": isEntryAMD64, "arm64": isEntryARM64}

func (e *entries) traceable(_, _ string, spans []span) (out []span, why string) {
	for _, s := range spans {
		if e.at(s.start) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		why = notListed
	}
	return out, why
}

// at reports whether the function at addr has an ftrace call site.
func (e *entries) at(addr uint64) bool {
	site, ok := e.known[addr]
	if !ok {
		var code [entryBytes]byte
		site = e.symbols.refused(addr) == "" && e.read(addr, code[:]) == nil && e.isSite(code[:])
		e.known[addr] = site
	}
	return site
}

// plausible reports whether the functions of this kernel begin with instructions that entries recognises. It
// requires amd64 or arm64, and an ftrace call site in at least three of four functions that take an skb. On
// Debian's kernels, more than nine of ten have one.
func (e *entries) plausible(images []image) bool {
	if e.isSite == nil {
		return false
	}
	sites, all := 0, 0
	for _, img := range images {
		for _, c := range img.byName {
			if c.unfit() != "" {
				continue
			}
			for _, s := range c.spans {
				all++
				if e.at(s.start) {
					sites++
				}
			}
		}
	}
	return sites > 0 && sites >= all-all/4
}

// landingPads are the 4-byte landing pads of indirect calls, and the nops that replace them in functions that are
// never called indirectly (sealing).
var landingPads = [][]byte{
	{0xf3, 0x0f, 0x1e, 0xfa}, // endbr64
	{0x66, 0x0f, 0x1f, 0x00}, // nopw: sealed (5.18)
	{0x0f, 0x1f, 0x40, 0xd6}, // nopl: sealed (6.16)
}

// isEntryAMD64 recognises the call to ftrace (gcc -mfentry, the only way since 5.10), which is a 5-byte nop
// while ftrace does not trace the function. A breakpoint is a call that is being changed, or a kprobe.
func isEntryAMD64(code []byte) bool {
	const breakpoint, call = 0xcc, 0xe8
	for _, pad := range landingPads {
		code = bytes.TrimPrefix(code, pad)
	}
	return code[0] == breakpoint || code[0] == call ||
		bytes.HasPrefix(code, []byte{0x0f, 0x1f, 0x44, 0x00, 0x00}) ||
		bytes.HasPrefix(code, []byte{0x66, 0x66, 0x66, 0x66, 0x90}) // 5.10 on AMD's K8
}

// isEntryARM64 recognises the two instructions that compilers reserve (-fpatchable-function-entry=2): the first
// saves the return address, the second is a nop or calls ftrace (arch/arm64/kernel/ftrace.c). A breakpoint is a
// kprobe.
func isEntryARM64(code []byte) bool {
	const (
		btiC    = 0xd503245f
		saveLR  = 0xaa1e03e9 // mov x9, x30
		nop     = 0xd503201f
		call    = 0x94000000 // bl, without the offset
		callBit = 0xfc000000
		brk     = 0xd4200000
		brkBits = 0xffe0001f
	)
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(code[4*i:]) }
	i := 0
	if word(0) == btiC {
		i = 1
	}
	second := word(i + 1)
	return word(0)&brkBits == brk || word(i) == saveLR && (second == nop || second&callBit == call || second&brkBits == brk)
}
