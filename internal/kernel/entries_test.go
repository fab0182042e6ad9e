// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// armCode returns arm64 instructions as they are in memory.
func armCode(list ...uint32) []byte {
	b := make([]byte, 0, entryBytes)
	for _, w := range list {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func x86Code(b ...byte) []byte { return append(b, make([]byte, entryBytes-len(b))...) }

func TestEntries(t *testing.T) {
	const (
		btiC   = 0xd503245f
		saveLR = 0xaa1e03e9
		nop    = 0xd503201f
		call   = 0x97fff123
		brk    = 0xd4200080
		push   = 0xa9bf7bfd // stp x29, x30, [sp, #-16]!
	)
	for name, test := range map[string]struct {
		arch string
		code []byte
		want bool
	}{
		"nop":                    {"amd64", x86Code(0x0f, 0x1f, 0x44, 0x00, 0x00, 0x55), true},
		"nop of K8":              {"amd64", x86Code(0x66, 0x66, 0x66, 0x66, 0x90), true},
		"traced":                 {"amd64", x86Code(0xe8, 0x01, 0x02, 0x03, 0x04), true},
		"endbr64":                {"amd64", x86Code(0xf3, 0x0f, 0x1e, 0xfa, 0x0f, 0x1f, 0x44, 0x00, 0x00), true},
		"sealed":                 {"amd64", x86Code(0x66, 0x0f, 0x1f, 0x00, 0x0f, 0x1f, 0x44, 0x00, 0x00), true},
		"sealed since 6.16":      {"amd64", x86Code(0x0f, 0x1f, 0x40, 0xd6, 0xe8, 1, 2, 3, 4), true},
		"being changed":          {"amd64", x86Code(0xcc, 0x1f, 0x44, 0x00, 0x00), true},
		"push":                   {"amd64", x86Code(0x55, 0x48, 0x89, 0xe5), false},
		"endbr64, push":          {"amd64", x86Code(0xf3, 0x0f, 0x1e, 0xfa, 0x55), false},
		"zeros":                  {"amd64", x86Code(), false},
		"patchable":              {"arm64", armCode(saveLR, nop, push), true},
		"patchable, traced":      {"arm64", armCode(saveLR, call, push), true},
		"bti, patchable":         {"arm64", armCode(btiC, saveLR, nop), true},
		"bti, patchable, traced": {"arm64", armCode(btiC, saveLR, call), true},
		"kprobe":                 {"arm64", armCode(brk, nop, push), true},
		"bti only":               {"arm64", armCode(btiC, push, nop), false},
		"frame":                  {"arm64", armCode(push, saveLR, nop), false},
		"mov x9, x30 only":       {"arm64", armCode(saveLR, push, nop), false},
	} {
		if got := entryOf[test.arch](test.code); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// memory maps addresses to the code there.
type memory map[uint64][]byte

func (m memory) read(addr uint64, b []byte) error {
	if m[addr] == nil {
		return errors.New("not mapped")
	}
	copy(b, m[addr])
	return nil
}

func TestEntriesTraceable(t *testing.T) {
	nop, push := x86Code(0x0f, 0x1f, 0x44, 0x00, 0x00), x86Code(0x55)
	m := memory{0x1000: nop, 0x2000: push, 0x3000: nop}
	symbols := &Symbols{marks: map[string]uint64{"_sinittext": 0x3000, "_einittext": 0x4000}}
	e := newEntries("amd64", symbols, m.read)
	a, b, freed, hole := span{0x1000, 0x1100}, span{0x2000, 0x2100}, span{0x3000, 0x3100}, span{0x5000, 0x5100}
	if got, why := e.traceable("f", "", []span{a, b, freed, hole}); len(got) != 1 || got[0] != a || why != "" {
		t.Error(got, why)
	}
	if got, why := e.traceable("f", "", []span{b, freed}); got != nil || why != notListed {
		t.Error(got, why)
	}
}

// TestEntriesOfAnUnknownKind checks that the first instructions are not trusted if too few functions have a
// known form.
func TestEntriesOfAnUnknownKind(t *testing.T) {
	for _, test := range []struct {
		sites, others int
		want          bool
	}{{97, 3, true}, {3, 1, true}, {2, 2, false}, {0, 4, false}, {0, 0, false}} {
		m := memory{}
		c := &catalogue{byName: map[string]*candidate{}}
		add := func(n int, b []byte) {
			for range n {
				addr := uint64(len(m)+1) << 12
				m[addr] = b
				f := c.add(strings.Repeat("f", len(m)))
				f.noSkb, f.spans = true, []span{{addr, addr + 1}}
			}
		}
		add(test.sites, armCode(0xaa1e03e9, 0xd503201f, 0))
		add(test.others, armCode(0, 0, 0))
		e := newEntries("arm64", &Symbols{}, m.read)
		if got := e.plausible([]image{{catalogue: c}}); got != test.want {
			t.Errorf("%d of %d: %v", test.sites, test.sites+test.others, got)
		}
	}
}

func TestMissingCoreIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcore")
	if _, err := openCore(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %q", err, path)
	}
}

// TestEntriesOfOtherArchitectures checks that other architectures need ftrace's own list.
func TestEntriesOfOtherArchitectures(t *testing.T) {
	c := &catalogue{byName: map[string]*candidate{}}
	f := c.add("f")
	f.noSkb, f.spans = true, []span{{0x1000, 0x1001}}
	for _, arch := range []string{"loong64", "ppc64le", "riscv64", "s390x"} {
		e := newEntries(arch, &Symbols{}, func(uint64, []byte) error { return nil })
		if e.plausible([]image{{catalogue: c}}) {
			t.Errorf("%s: first instructions are trusted", arch)
		}
	}
}
