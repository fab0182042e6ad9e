// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"strings"
	"testing"

	"tracer/internal/kernel"
)

const kallsyms = `ffffffff81000000 T _stext
ffffffff81000100 T ip_rcv
ffffffff81000200 t icmp_rcv
ffffffff81000900 T _etext
ffffffffc0000000 t nft_do_chain	[nf_tables]
ffffffffc0000400 t nft_end	[nf_tables]
`

func symbolsOf(t *testing.T, text string) *kernel.Symbols {
	t.Helper()
	s, err := kernel.ParseSymbols(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFunctionNames(t *testing.T) {
	f := newFunctions(symbolsOf(t, kallsyms), []kernel.Function{
		{Name: "ip_rcv_finish.constprop.0", Addr: 0xffffffff81000180},
		{Name: "nf_hook", Module: "nf", Addr: 0xffffffffc0009000},
		{Name: "hidden"},
	})
	for addr, want := range map[uint64]symbol{
		0xffffffff81000180: {"ip_rcv_finish.constprop.0", ""},
		0xffffffffc0009000: {"nf_hook", "nf"},
		0xffffffff81000104: {"ip_rcv", ""},
		0xffffffffc0000000: {"nft_do_chain", "nf_tables"},
		0:                  {},
		0x1000:             {},
	} {
		for range 2 {
			if name, module := f.name(addr); (symbol{name, module}) != want {
				t.Errorf("%#x is %q of module %q, want %v", addr, name, module, want)
			}
		}
	}
}

func TestLocationNames(t *testing.T) {
	l := newLocations(symbolsOf(t, kallsyms))
	for addr, want := range map[uint64]string{
		0xffffffff810003a3: "icmp_rcv+0x1a3",
		0xffffffff81000200: "icmp_rcv+0x0",
		0xffffffffc000005c: "nft_do_chain+0x5c [nf_tables]",
		0x1000:             "",
	} {
		for range 2 {
			if got := l.name(addr); got != want {
				t.Errorf("%#x is %q, want %q", addr, got, want)
			}
		}
	}
}

func TestWithoutSymbols(t *testing.T) {
	f, l := newFunctions(nil, nil), newLocations(nil)
	if name, module := f.name(0xffffffff81000100); name != "" || module != "" {
		t.Errorf("function %q of module %q, want no name", name, module)
	}
	if got := l.name(0xffffffff81000100); got != "" {
		t.Errorf("location %q, want none", got)
	}
}

func TestNamesAreBounded(t *testing.T) {
	s := symbolsOf(t, kallsyms)
	f, l := newFunctions(s, nil), newLocations(s)
	for i := range uint64(3 * rememberedMost) {
		f.name(0xffffffff81000200 + i)
		l.name(0xffffffff81000200 + i)
	}
	if len(f.found) > rememberedMost || len(l.known) > rememberedMost {
		t.Errorf("%d functions and %d locations are kept, want at most %d", len(f.found), len(l.known), rememberedMost)
	}
}
