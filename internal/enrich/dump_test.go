// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"

	"tracer/internal/event"
)

// formatted returns a value with the same text in all forms.
func formatted(s string) *event.Value { return &event.Value{Text: []byte(s), JSON: []byte(s)} }

func dumpOptions() Options {
	return Options{
		SkbFormat:    func(raw []byte) *event.Value { return formatted("skb " + string(raw)) },
		SharedFormat: func(raw []byte) *event.Value { return formatted("shared " + string(raw)) },
		Values: func(raw []byte) []event.NamedValue {
			return []event.NamedValue{{Name: "x", Value: formatted(string(raw))}}
		},
	}
}

func TestDumps(t *testing.T) {
	raw := event.Raw{Skb: []byte("a"), Shared: []byte("b"), Values: []byte("c")}
	e := event.Event{Kind: event.Function, Raw: raw}
	New(dumpOptions()).Enrich(&e)
	if string(e.SkbDump.Text) != "skb a" || string(e.SharedInfo.JSON) != "shared b" || len(e.Values) != 1 || string(e.Values[0].Value.Text) != "c" {
		t.Errorf("%+v", e)
	}
}

func TestMissingDumps(t *testing.T) {
	for _, r := range []*Enricher{New(dumpOptions()), New(Options{})} {
		e := event.Event{Kind: event.Function}
		if r.Enrich(&e); e.SkbDump != nil || e.SharedInfo != nil || e.Values != nil {
			t.Errorf("names %+v without data", e.Names)
		}
	}
	e := event.Event{Kind: event.Function, Raw: event.Raw{Skb: []byte("a"), Shared: []byte("b"), Values: []byte("c")}}
	if New(Options{}).Enrich(&e); e.SkbDump != nil || e.SharedInfo != nil || e.Values != nil {
		t.Errorf("names %+v that were not requested", e.Names)
	}
}
