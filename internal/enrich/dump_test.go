// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"testing"

	"tracer/internal/event"
)

// shown is a value that is its bytes.
type shown string

func (s shown) AppendText(dst []byte) []byte { return append(dst, s...) }
func (s shown) AppendJSON(dst []byte) []byte { return append(dst, s...) }

func (s shown) AppendLines(dst []byte, _ int) []byte { return append(dst, s...) }

func dumpOptions() Options {
	return Options{
		SkbFormat:    func(raw []byte) event.Value { return shown("skb " + string(raw)) },
		SharedFormat: func(raw []byte) event.Value { return shown("shared " + string(raw)) },
		Values:       func(raw []byte) []event.NamedValue { return []event.NamedValue{{Name: "x", Value: shown(raw)}} },
	}
}

func TestDumps(t *testing.T) {
	dump := event.Dump{Skb: []byte("a"), Shared: []byte("b"), Values: []byte("c")}
	e := event.Event{Kind: event.Function, Dump: dump}
	New(dumpOptions()).Enrich(&e)
	if n := e.Names; n.Skb != shown("skb a") || n.Shared != shown("shared b") || len(n.Values) != 1 || n.Values[0].Value != shown("c") {
		t.Errorf("names %+v", n)
	}
}

func TestDumpsThatAreNotThere(t *testing.T) {
	for _, r := range []*Enricher{New(dumpOptions()), New(Options{})} {
		e := event.Event{Kind: event.Function}
		if r.Enrich(&e); e.Names.Skb != nil || e.Names.Shared != nil || e.Names.Values != nil {
			t.Errorf("names %+v of nothing", e.Names)
		}
	}
	e := event.Event{Kind: event.Function, Dump: event.Dump{Skb: []byte("a"), Shared: []byte("b"), Values: []byte("c")}}
	if New(Options{}).Enrich(&e); e.Names.Skb != nil || e.Names.Shared != nil || e.Names.Values != nil {
		t.Errorf("names %+v that nobody asked for", e.Names)
	}
}
