// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func diff(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func parse(t *testing.T, text string) *Symbols {
	t.Helper()
	s, err := ParseSymbols(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const someSymbols = `0000000000000000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffff81000000 T _stext
ffffffff81000100 t twice
ffffffff81000200 W weak
ffffffff81000300 D data
ffffffff81000310 D more_data
ffffffff81000400 t twice
ffffffffc0002000 t mod_b	[mod]
ffffffffc0001000 t mod_a	[mod]
ffffffffc0001800 d mod_data	[mod]
ffffffffc0009000 t bpf_prog_x	[bpf]
`

func TestLookup(t *testing.T) {
	s := parse(t, someSymbols)
	type location struct {
		name, module string
		offset       uint64
		ok           bool
	}
	for addr, want := range map[uint64]location{
		0:                          {},
		0xffffffff80ffffff:         {},                     // below the first
		0xffffffff81000000:         {"_text", "", 0, true}, // the first of two symbols
		0xffffffff81000010:         {"_text", "", 0x10, true},
		0xffffffff810001ff:         {"twice", "", 0xff, true},
		0xffffffff81000200:         {"weak", "", 0, true},
		0xffffffff81000300:         {}, // data
		0xffffffff81000320:         {},
		0xffffffff81000400:         {"twice", "", 0, true},
		0xffffffff81000400 + 1<<20: {}, // no function is that big
		0xffffffffc0001001:         {"mod_a", "mod", 1, true},
		0xffffffffc0001801:         {},
		0xffffffffc0002001:         {"mod_b", "mod", 1, true},
		0xffffffffc0009008:         {"bpf_prog_x", "bpf", 8, true},
	} {
		var got location
		got.name, got.module, got.offset, got.ok = s.Lookup(addr)
		if got != want {
			t.Errorf("%x: %+v, want %+v", addr, got, want)
		}
	}
}

// TestLabels checks that labels inside functions, which modules have on riscv64, are ignored.
func TestLabels(t *testing.T) {
	s := parse(t, "ffffffffc0001000 t mod_a\t[mod]\nffffffffc0001008 t .LFB334\t[mod]\nffffffffc0001010 t .LBE336\t[mod]\nffffffffc0001012 t $xrv64i2p1\t[mod]\n")
	if name, _, offset, ok := s.Lookup(0xffffffffc0001014); name != "mod_a" || offset != 0x14 || !ok {
		t.Errorf("%s+%#x, want mod_a+0x14", name, offset)
	}
}

func TestAddresses(t *testing.T) {
	s := parse(t, someSymbols)
	diff(t, []uint64{0xffffffff81000100, 0xffffffff81000400}, s.Addresses("twice", ""))
	diff(t, []uint64{0xffffffffc0001000}, s.Addresses("mod_a", "mod"))
	for _, k := range []listed{{"mod_a", ""}, {"twice", "mod"}, {"data", ""}, {"twi", ""}, {"twice", "none"}, {"", ""}} {
		if got := s.Addresses(k.name, k.module); len(got) != 0 {
			t.Errorf("%+v: %x", k, got)
		}
	}
}

func TestHidden(t *testing.T) {
	_, err := ParseSymbols(strings.NewReader("0000000000000000 T _text\n0000000000000000 t mod_a\t[mod]\n"))
	if !errors.Is(err, ErrAddressesHidden) {
		t.Error(err)
	}
	var h interface{ Hint() string }
	if !errors.As(err, &h) || !strings.Contains(h.Hint(), "kptr_restrict") {
		t.Error("no hint")
	}
}

func TestMalformedSymbols(t *testing.T) {
	s := parse(t, "\nno symbol\nffffffff81000000\nffffffff81000000 T\nffffffff81000010 T f")
	diff(t, []uint64{0xffffffff81000010}, s.Addresses("f", "")) // the last line has no end
	if len(s.list) != 1 {
		t.Error(s.list)
	}
}

func FuzzParseSymbols(f *testing.F) {
	f.Add(someSymbols, uint64(0xffffffff81000010))
	f.Fuzz(func(t *testing.T, text string, addr uint64) {
		s, err := ParseSymbols(strings.NewReader(text))
		if err != nil {
			return
		}
		if name, _, off, ok := s.Lookup(addr); ok && (name == "" || off > addr) {
			t.Errorf("%x is %q+%x", addr, name, off)
		}
	})
}

// TestSymbolsAreReadAgain checks that open files can be read repeatedly, with the same result as files opened
// now.
func TestSymbolsAreReadAgain(t *testing.T) {
	f, err := OpenSymbols()
	if err != nil {
		t.Fatal(err)
	}
	want, wantErr := ReadSymbols()
	for range 2 {
		got, err := f.Read()
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if err == nil && len(got.list) < len(want.list)/2 {
			t.Errorf("%d symbols, want about %d", len(got.list), len(want.list))
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Read(); err == nil {
		t.Error("a closed file is read")
	}
}

// TestModulesOfSymbols checks that a list is current while the loaded modules are those at the time of reading,
// and never if these are unknown.
func TestModulesOfSymbols(t *testing.T) {
	path := filepath.Join(t.TempDir(), "modules")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const veth = "veth 40960 0 - Live 0xffffffffc0231000 (E)\n"
	write(veth)
	f := new(SymbolsFile)
	if err := f.modules.open(path); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before, err := f.loaded()
	if err != nil {
		t.Fatal(err)
	}
	list := &Symbols{loaded: before}
	for text, want := range map[string]bool{
		veth: true,
		"veth 40960 2 bridge, Live 0xffffffffc0231000 (E)\n": true, // used since
		veth + "dummy 16384 0 - Live 0xffffffffc0240000\n":   false,
		"": false,
		"veth 40960 0 - Live 0xffffffffc0250000 (E)\n": false, // loaded again
	} {
		write(text)
		if got := f.Current(list); got != want {
			t.Errorf("%q: current: %t, want %t", text, got, want)
		}
	}
	write(veth)
	if f.Current(new(Symbols)) {
		t.Error("a list with unknown modules is current")
	}
	if without := new(SymbolsFile); !without.Current(&Symbols{loaded: []byte{}}) {
		t.Error("a list of a kernel without modules is not current")
	}
}

// TestSymbolsWithoutModules checks that the symbols are read if the loaded modules can't be determined, and
// that the list is not current then.
func TestSymbolsWithoutModules(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kallsyms")
	if err := os.WriteFile(path, []byte(someSymbols), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &SymbolsFile{modules: heldFile{closed: os.ErrPermission}}
	if err := f.symbols.open(path); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := f.Read()
	if err != nil || len(s.list) == 0 {
		t.Fatalf("symbols %v: %v", s, err)
	}
	if f.Current(s) {
		t.Error("a list with unknown modules is current")
	}
	f.modules.closed = nil // there is no such file
	if s, err = f.Read(); err != nil || !f.Current(s) {
		t.Errorf("a list of a kernel without modules is not current (%v)", err)
	}
}

// TestBoundariesOfModules checks symbols of modules, which are not sorted by address: the end of a function may
// follow the symbol of another function.
func TestBoundariesOfModules(t *testing.T) {
	s := parse(t, "ffffffff81000000 T _stext\n"+
		"ffffffffc0001000 t f\t[m]\nffffffffc0000800 d early\t[m]\nffffffffc0002000 d late\t[m]\n")
	for addr, want := range map[uint64]bool{0xffffffffc0001fff: true, 0xffffffffc0002000: false, 0xffffffffc0000900: false} {
		if _, _, _, ok := s.Lookup(addr); ok != want {
			t.Errorf("%x in a function: %t, want %t", addr, ok, want)
		}
	}
}
