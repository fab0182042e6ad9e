// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"debug/elf"
	"testing"
)

func segment(virtual, physical, size uint64) *elf.Prog {
	return &elf.Prog{ProgHeader: elf.ProgHeader{Type: elf.PT_LOAD, Vaddr: virtual, Paddr: physical, Memsz: size}}
}

const pageStruct = 64

// TestPagesFrom checks segments of real kernels.
func TestPagesFrom(t *testing.T) {
	if pageSize != 4096 {
		t.Skip("the segments are from kernels with pages of 4096 bytes")
	}
	for name, test := range map[string]struct {
		segments []*elf.Prog
		want     Pages
	}{
		"7.3 amd64": {[]*elf.Prog{
			segment(0xffffffff81000000, 0x1000000, 0x3230000),
			segment(0xffffc90000000000, unmapped, 0x1fffffffffff),
			segment(0xffffffffc0000000, unmapped, 0x3f000000),
			segment(0xffff888000001000, 0x1000, 0x9e000),
			segment(0xffffea0000000000, unmapped, 0x3000),
			segment(0xffff888000100000, 0x100000, 0x2fee0000),
			segment(0xffffea0000004000, unmapped, 0xbfc000),
		}, Pages{Structs: 0xffffea0000000000, Memory: 0xffff888000000000}},
		"5.10 arm64": {[]*elf.Prog{
			segment(0xffff800010000000, 0x40200000, 0x16b0000),
			segment(0xffff800010000000, unmapped, 0x7dffafff0000),
			segment(0xffff800008000000, unmapped, 0x8000000),
			segment(0xffff000000000000, 0x40000000, 0x30000000),
			segment(0xfffffdffffe00000, unmapped, 0xc00000),
		}, Pages{Structs: 0xfffffdfffee00000, Memory: 0xfffeffffc0000000}},
	} {
		got, err := pagesFrom(test.segments, pageStruct)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if *got != test.want {
			t.Errorf("%s: %#x, want %#x", name, *got, test.want)
		}
	}
}

func TestPagesAreNotGuessed(t *testing.T) {
	for name, segments := range map[string][]*elf.Prog{
		"nothing":            nil,
		"memory only":        {segment(0xffff888000100000, 0x100000, 0x2fee0000)},
		"something too long": {segment(0xffff888000100000, 0x100000, 0x2fee0000), segment(0xffffc90000000000, unmapped, 0x1fffffffffff)},
	} {
		if got, err := pagesFrom(segments, pageStruct); err == nil {
			t.Errorf("%s: %#x", name, *got)
		}
	}
}
