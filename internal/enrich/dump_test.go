// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"

	"tracer/internal/event"
)

// shown is a value that has the same text in all forms.
func shown(s string) *event.Value { return &event.Value{Text: []byte(s), JSON: []byte(s)} }

func dumpOptions() Options {
	return Options{
		SkbFormat:    func(raw []byte) *event.Value { return shown("skb " + string(raw)) },
		SharedFormat: func(raw []byte) *event.Value { return shown("shared " + string(raw)) },
		Values:       func(raw []byte) []event.NamedValue { return []event.NamedValue{{Name: "x", Value: shown(string(raw))}} },
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

func TestDumpsThatAreNotThere(t *testing.T) {
	for _, r := range []*Enricher{New(dumpOptions()), New(Options{})} {
		e := event.Event{Kind: event.Function}
		if r.Enrich(&e); e.SkbDump != nil || e.SharedInfo != nil || e.Values != nil {
			t.Errorf("names %+v of nothing", e.Names)
		}
	}
	e := event.Event{Kind: event.Function, Raw: event.Raw{Skb: []byte("a"), Shared: []byte("b"), Values: []byte("c")}}
	if New(Options{}).Enrich(&e); e.SkbDump != nil || e.SharedInfo != nil || e.Values != nil {
		t.Errorf("names %+v that nobody asked for", e.Names)
	}
}
