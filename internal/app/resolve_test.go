// SPDX-License-Identifier: Apache-2.0

package app

import (
	"testing"

	"tracer/internal/column"
	"tracer/internal/export"
	"tracer/internal/plan"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyWhatIsPrintedIsRecorded(t *testing.T) {
	for _, c := range []struct {
		columns column.Options
		want    plan.Record
	}{
		{column.Options{}, plan.Record{}},
		{column.Options{Meta: true, Tuple: true}, plan.Record{Meta: true, Tuple: true}},
		{column.Options{Meta: true, Tuple: true, Chosen: []string{"func"}}, plan.Record{}},
		{column.Options{Chosen: []string{"len", "stack"}, Caller: true}, plan.Record{Meta: true, Stack: true}},
		{column.Options{NetnsName: true}, plan.Record{Meta: true}},
		{column.Options{Metadata: true}, plan.Record{Values: []string{"skb->len"}}},
		{
			column.Options{Tunnel: true, CB: true, Skb: true, Shared: true},
			plan.Record{Tunnel: true, CB: true, Skb: true, Shared: true},
		},
	} {
		cfg := Config{Plan: plan.Options{Record: plan.Record{Values: []string{"skb->len"}}}, Output: export.Options{Columns: c.columns}}
		if diff := cmp.Diff(c.want, recordOf(cfg)); diff != "" {
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
		Backend: "kprobe", ReturnsBy: "kretprobe", Func: "ip_.*", FuncExclude: "ip_rcv", Others: []string{"fib_.*"}, Helpers: true,
		Ports: plan.Ports{VXLAN: []uint16{4}}, Follow: plan.Follow{Matched: true, Entries: 5}, RingSize: 1 << 20,
		Programs: plan.Programs{Kinds: []string{"tc"}, Only: true}, EventsPerSecond: 7,
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
