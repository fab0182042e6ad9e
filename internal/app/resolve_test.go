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
		cfg := Config{Metadata: []string{"skb->len"}, Output: export.Options{Columns: c.columns}}
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
		cfg := Config{Lookups: c.lookups, Output: export.Options{Columns: c.columns}}
		if diff := cmp.Diff(c.want, lookupsAsked(cfg)); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
}
