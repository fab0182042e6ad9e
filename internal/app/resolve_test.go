// SPDX-License-Identifier: Apache-2.0

package app

import (
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/column"
	"tracer/internal/export"
	"tracer/internal/plan"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyWhatIsPrintedIsRecorded(t *testing.T) {
	for _, c := range []struct {
		columns  column.Options
		record   plan.Record
		settings bpf.Config
	}{
		{},
		{columns: column.Options{Meta: true, Tuple: true}, settings: bpf.Config{Meta: true, Tuple: true}},
		{columns: column.Options{Meta: true, Tuple: true, Chosen: []string{"func"}}},
		{columns: column.Options{Chosen: []string{"len", "stack"}, Caller: true}, settings: bpf.Config{Meta: true, Stack: true}},
		{columns: column.Options{NetnsName: true}, settings: bpf.Config{Meta: true}},
		{columns: column.Options{Metadata: true}, record: plan.Record{Values: []string{"skb->len"}}},
		{
			columns:  column.Options{Tunnel: true, CB: true, Skb: true, Shared: true},
			record:   plan.Record{Skb: true, Shared: true},
			settings: bpf.Config{Tunnel: true, Cb: true},
		},
		{
			columns:  column.Options{Netfilter: true, Conntrack: true, Caller: true, First: true, Drops: true, Return: true},
			record:   plan.Record{Return: true},
			settings: bpf.Config{Netfilter: true, Conntrack: true, Caller: true, First: true},
		},
	} {
		cfg := Config{Plan: plan.Options{Record: plan.Record{Values: []string{"skb->len"}}}, Output: export.Options{Columns: c.columns}}
		if diff := cmp.Diff(c.record, recordOf(cfg)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.columns, diff)
		}
		if diff := cmp.Diff(c.settings, settingsOf(cfg)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.columns, diff)
		}
	}
}

func TestTheColumnOfLookupsAsksForAll(t *testing.T) {
	for _, c := range []struct {
		lookups []string
		columns column.Options
		want    []string
	}{
		{nil, column.Options{}, nil},
		{[]string{"route"}, column.Options{Lookups: true}, []string{"route"}},
		{nil, column.Options{Chosen: []string{"func", "lookup"}}, []string{"all"}},
		{[]string{"route"}, column.Options{Chosen: []string{"lookup"}, Lookups: true}, []string{"route"}},
	} {
		cfg := Config{Plan: plan.Options{Lookups: c.lookups}, Output: export.Options{Columns: c.columns}}
		if diff := cmp.Diff(c.want, lookupsAsked(cfg)); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
}

// TestResolveKeepsThePlan: what the user gave for the plan reaches it as it is.
func TestResolveKeepsThePlan(t *testing.T) {
	given := plan.Options{
		Backend: "kprobe", ReturnsBy: "kretprobe", Func: "ip_.*", FuncExclude: "ip_rcv", NoSkbFuncs: []string{"fib_.*"}, Helpers: true,
		Ports: plan.Ports{VXLAN: []uint16{4}}, Follow: plan.Follow{Matched: true, Entries: 5}, RingSize: 1 << 20,
		Programs: plan.Programs{Kinds: []string{"tc"}, Only: true}, Settings: bpf.Config{MaxPerSecond: 7},
	}
	got, err := resolve(Config{Plan: given, Mark: "3"})
	if err != nil {
		t.Fatal(err)
	}
	want := given
	want.Mark = plan.Mark{Value: 3, Mask: 1<<32 - 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
