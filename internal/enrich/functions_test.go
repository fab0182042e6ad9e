// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"

	"tracer/internal/kernel"
)

func TestFunctionNames(t *testing.T) {
	others := newPlaces(fixed(t, kallsyms))
	f := newFunctions([]kernel.Function{
		{Name: "ip_rcv_finish.constprop.0", Addr: 0xffffffff81000180},
		{Name: "nf_hook", Module: "nf", Addr: 0xffffffffc0009000},
		{Name: "hidden"},
	}, &others)
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
