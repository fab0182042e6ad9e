// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"

	"tracer/internal/event"
	"tracer/internal/kernel"
)

// TestReasonsInArguments checks that the argument depends on the function, that a reason in the record stays,
// and that returns have none.
func TestReasonsInArguments(t *testing.T) {
	others := newLocations(fixed(t, kallsyms))
	f := newFunctions([]kernel.Function{{Name: "second", Addr: 2, ReasonArg: 2}, {Name: "fourth", Addr: 4, ReasonArg: 4}, {Name: "none", Addr: 5}}, &others)
	arguments := [3]uint32{20, 30, 40}
	for name, test := range map[string]struct{ e, want event.Event }{
		"second": {event.Event{Kind: event.Function, Addr: 2, Raw: event.Raw{Arguments: arguments}}, event.Event{Drop: event.Drop{HasReason: true, Reason: 20}}},
		"fourth": {event.Event{Kind: event.Function, Addr: 4, Raw: event.Raw{Arguments: arguments}}, event.Event{Drop: event.Drop{HasReason: true, Reason: 40}}},
		"none":   {event.Event{Kind: event.Function, Addr: 5, Raw: event.Raw{Arguments: arguments}}, event.Event{}},
		"return": {event.Event{Kind: event.Return, Addr: 2, Raw: event.Raw{Arguments: arguments}}, event.Event{}},
		"recorded": {
			event.Event{Kind: event.Function, Addr: 2, Drop: event.Drop{HasReason: true, Reason: 7}},
			event.Event{Drop: event.Drop{HasReason: true, Reason: 7}},
		},
	} {
		if f.name(&test.e); test.e.Drop != test.want.Drop {
			t.Errorf("%s: %+v, want %+v", name, test.e.Drop, test.want.Drop)
		}
	}
}

func TestFunctionNames(t *testing.T) {
	others := newLocations(fixed(t, kallsyms))
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
			e := event.Event{Kind: event.Function, Addr: addr}
			if f.name(&e); (symbol{e.Names.Func, e.Names.Module}) != want {
				t.Errorf("%#x is %q of module %q, want %v", addr, e.Names.Func, e.Names.Module, want)
			}
			if e.Drop.HasReason {
				t.Errorf("%#x has a drop reason", addr)
			}
		}
	}
}
