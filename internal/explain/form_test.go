// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/binary"
	"strings"
	"testing"

	"tracer/internal/event"
	"tracer/internal/lookup"
)

// raw returns a number as it was read.
func raw(n uint64) []lookup.Value {
	return []lookup.Value{binary.NativeEndian.AppendUint64(nil, n)}
}

func TestForms(t *testing.T) {
	for _, test := range []struct {
		form   lookup.Form
		number uint64
		want   string
	}{
		{size, 1500, "1500 B"},
		{errno, 101, "ENETUNREACH"},
		{errno, 5000, "5000"},
		{hex16, 0x88, "0x0088"},
		{hex32, 0x88, "0x00000088"},
		{elapsed, 9999, "9999 ns"},
		{elapsed, 10000, "10 µs"},
		{elapsed, 3100000000, "3100 ms"},
		{elapsed, 30000000000, "30 s"},
		{portState, 2, "LEARNING"},
		{portState, 9, "9"},
		{hookName, 2, "forward"},
		{verdict, 1, "XDP_DROP"},
		{nftFamily, 10, "ip6"},
		{hookOf, 2<<8 | 4, "postrouting"},
		{hookOf, 2<<8 | 5, "ingress"},
		{hookOf, 2<<8 | 6, "6"},
		{hookOf, 3<<8 | 1, "output"},
		{hookOf, 5 << 8, "ingress"},
		{hookOf, 5<<8 | 1, "egress"},
		{hookOf, 7<<8 | 1, "input"},
		{hookOf, 7<<8 | 5, "brouting"},
		{signed, 1<<64 - 300, "-300"},
		{queueState, 5, "DRV_XOFF|FROZEN"},
		{queueState, 0, "NONE"},
	} {
		if got := string(test.form.Append(nil, raw(test.number))); got != test.want {
			t.Errorf("%d: %q, want %q", test.number, got, test.want)
		}
	}
}

func TestReadValue(t *testing.T) {
	number := num("mtu", "x")
	if got, want := number.Value(raw(1500)), (Value{Kind: event.NumberFact, Number: 1500, Text: "1500"}); got != want {
		t.Errorf("number: %+v, want %+v", got, want)
	}
	name := as(lookup.String, "dev", "x")
	if got, want := name.Value([]lookup.Value{lookup.Value("eth0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")}), (Value{Kind: event.WordFact, Text: "eth0"}); got != want {
		t.Errorf("name: %+v, want %+v", got, want)
	}
}

// TestCutName checks that a name without an end is marked as truncated.
func TestCutName(t *testing.T) {
	for raw, want := range map[string]string{"filter\x00\x00": "filter", "forward\x00": "forward", "prerouti": "prerouti…"} {
		if got := string(cutName.Append(nil, []lookup.Value{lookup.Value(raw)})); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// TestSymbols checks that each symbol is in an expression.
func TestSymbols(t *testing.T) {
	table := load(t)
	var texts []string
	for _, s := range table.Sites {
		texts = append(texts, textsOf(s.Reads)...)
	}
	for _, d := range table.Decisions {
		texts = append(append(texts, textsOf(d.Reads)...), d.Keep)
	}
	all := strings.Join(texts, "\n")
	for _, s := range Symbols {
		if !strings.Contains(all, s.Name) {
			t.Errorf("no expression uses the symbol %s", s.Name)
		}
	}
}

func textsOf(reads []Read) []string {
	var texts []string
	for _, r := range reads {
		for _, variant := range r.Variants {
			texts = append(texts, variant...)
		}
	}
	return texts
}
