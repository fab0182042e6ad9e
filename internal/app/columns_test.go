// SPDX-License-Identifier: Apache-2.0

package app

import (
	"testing"

	"tracer/internal/bpf"
	"tracer/internal/column"
	"tracer/internal/live"
	"tracer/internal/plan"
	"tracer/internal/sink"

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
		cfg := Config{Config: live.Config{Plan: plan.Options{Record: plan.Record{Values: []string{"skb->len"}}}}, Output: sink.Options{Columns: c.columns}}
		if diff := cmp.Diff(c.record, recordOf(cfg)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.columns, diff)
		}
		if diff := cmp.Diff(c.settings, settingsOf(cfg)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.columns, diff)
		}
	}
}

// TestCausesNeedTheNamespace checks that causes name rules and listeners, and are counted with a tuple, also if no column
// shows the namespace and the tuple.
func TestCausesNeedTheNamespace(t *testing.T) {
	cfg := Config{Config: live.Config{Why: []string{"netfilter"}}, Output: sink.Options{Columns: column.Options{Why: true, Chosen: []string{"func", "why"}}}}
	if diff := cmp.Diff(bpf.Config{Meta: true, Tuple: true}, settingsOf(cfg)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestColumnOfLookupsSelectsAll(t *testing.T) {
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
		cfg := Config{Config: live.Config{Plan: plan.Options{Lookups: c.lookups}}, Output: sink.Options{Columns: c.columns}}
		if diff := cmp.Diff(c.want, lookupsOf(cfg)); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
}
