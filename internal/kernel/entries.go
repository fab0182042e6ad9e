// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
)

// traceable decides which functions of one name can be traced.
type traceable interface {
	// traceable are those of the spans; if there are none, why says so.
	traceable(name, module string, spans []span) (out []span, why string)
}

// entryBytes are enough to see what a function begins with.
const entryBytes = 12

// entries says what ftrace can trace by what the code of functions begins with. Ftrace's own
// list takes as long as all of the kernel's symbols, since the kernel looks up the name of
// each of its 60,000 functions; here only those that matter are read, a few bytes each.
type entries struct {
	read    func(addr uint64, b []byte) error
	symbols *Symbols
	isPlace func(code []byte) bool
	known   map[uint64]bool
}

func newEntries(arch string, symbols *Symbols, read func(uint64, []byte) error) *entries {
	return &entries{read, symbols, entryOf[arch], map[uint64]bool{}}
}

// entryOf are the shapes of a function's first instructions where ftrace has a place in it.
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

// at says whether ftrace has a place at the beginning of the function there.
func (e *entries) at(addr uint64) bool {
	place, ok := e.known[addr]
	if !ok {
		var code [entryBytes]byte
		place = e.symbols.refused(addr) == "" && e.read(addr, code[:]) == nil && e.isPlace(code[:])
		e.known[addr] = place
	}
	return place
}

// plausible says whether the functions of this kernel begin as is known here, which they do
// on two architectures: ftrace can trace most of those that take an skb (more than nine of ten on Debian's kernels).
func (e *entries) plausible(images []image) bool {
	if e.isPlace == nil {
		return false
	}
	places, all := 0, 0
	for _, img := range images {
		for _, c := range img.byName {
			if c.unfit() != "" {
				continue
			}
			for _, s := range c.spans {
				all++
				if e.at(s.start) {
					places++
				}
			}
		}
	}
	return places > 0 && places >= all-all/4
}

// What replaces the landing pad of indirect calls where nothing calls a function so: 4 bytes.
var landings = [][]byte{
	{0xf3, 0x0f, 0x1e, 0xfa}, // endbr64
	{0x66, 0x0f, 0x1f, 0x00}, // nopw: sealed (5.18)
	{0x0f, 0x1f, 0x40, 0xd6}, // nopl: sealed (6.16)
}

// isEntryAMD64 knows the call to ftrace (gcc -mfentry, the only way since 5.10), which is made
// a nop of 5 bytes. A breakpoint is a call that is being changed, or someone's kprobe.
func isEntryAMD64(code []byte) bool {
	const breakpoint, call = 0xcc, 0xe8
	for _, landing := range landings {
		code = bytes.TrimPrefix(code, landing)
	}
	return code[0] == breakpoint || code[0] == call ||
		bytes.HasPrefix(code, []byte{0x0f, 0x1f, 0x44, 0x00, 0x00}) ||
		bytes.HasPrefix(code, []byte{0x66, 0x66, 0x66, 0x66, 0x90}) // 5.10 on AMD's K8
}

// isEntryARM64 knows the two instructions that compilers leave room for
// (-fpatchable-function-entry=2): the first saves the return address, the second is a nop or
// calls ftrace (arch/arm64/kernel/ftrace.c). A breakpoint is someone's kprobe.
func isEntryARM64(code []byte) bool {
	const (
		btiC    = 0xd503245f
		saveLR  = 0xaa1e03e9 // mov x9, x30
		nop     = 0xd503201f
		call    = 0x94000000 // bl, without where to
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
