// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

// rpFilter is a cause with values of each type.
func rpFilter() event.Why {
	return event.Why{
		Cause: "rp-filter-strict", Text: "rp_filter=1: 10.9.0.1 came by eth0", Remedy: "sysctl -w net.ipv4.conf.eth0.rp_filter=2",
		Values: []event.Fact{
			{Key: "rp_all", Kind: event.NumberFact, Text: []byte("1"), Number: 1},
			{Key: "rp_dev", Kind: event.NumberFact, Text: []byte("0"), Number: 0, Usual: true},
			{Key: "len", Kind: event.NumberFact, Text: []byte("1500 B"), Number: 1500},
			{Key: "way_back.dev", Kind: event.WordFact, Text: []byte("7")},
			{Key: "state", Kind: event.WordsFact, Text: []byte("FAILED|PROBE")},
			{Key: "owner"},
		},
		Evidence: []string{"fib_validate_source", "ip_rcv_finish_core"},
	}
}

func TestWhy(t *testing.T) {
	e := event.Event{Why: new(rpFilter())}
	checkCell(t, "why", e,
		"    why: rp_filter=1: 10.9.0.1 came by eth0\n    fix: sysctl -w net.ipv4.conf.eth0.rp_filter=2\n",
		`{"cause":"rp-filter-strict","text":"rp_filter=1: 10.9.0.1 came by eth0",`+
			`"values":{"rp_all":1,"rp_dev":0,"len":1500,"way_back.dev":"7","state":["FAILED","PROBE"],"owner":null},`+
			`"remedy":"sysctl -w net.ipv4.conf.eth0.rp_filter=2","evidence":["fib_validate_source","ip_rcv_finish_core"],"kernel_drop":true}`)
}

func TestWhyWithoutParts(t *testing.T) {
	for name, test := range map[string]struct {
		why        *event.Why
		text, json string
	}{
		"no why": {nil, "", "null"},
		"no remedy": {
			&event.Why{Cause: "ttl", Text: "TTL 1"}, "    why: TTL 1\n",
			`{"cause":"ttl","text":"TTL 1","values":{},"remedy":null,"evidence":[],"kernel_drop":true}`,
		},
		"no text": {
			&event.Why{Cause: "ttl", Silent: true}, "    why: ttl\n",
			`{"cause":"ttl","text":null,"values":{},"remedy":null,"evidence":[],"kernel_drop":false}`,
		},
		"unknown": {
			&event.Why{Cause: event.UnknownCause, Text: "a guess", Remedy: "b", Values: rpFilter().Values[:1], Evidence: []string{"ip_rcv"}},
			"    why: unknown\n    fix: b\n",
			`{"cause":"unknown","text":null,"values":{"rp_all":1},"remedy":"b","evidence":["ip_rcv"],"kernel_drop":true}`,
		},
	} {
		t.Run(name, func(t *testing.T) { checkCell(t, "why", event.Event{Why: test.why}, test.text, test.json) })
	}
}

// TestWhyEscapesNames checks that names that others control can't add a line, a member or a terminal sequence.
func TestWhyEscapesNames(t *testing.T) {
	const name = "a\"\n\x1b[31m"
	e := event.Event{Why: &event.Why{
		Cause: "nft-rule", Text: "rule " + name, Remedy: "see " + name, Evidence: []string{name},
		Values: []event.Fact{{Key: "rule", Kind: event.WordFact, Text: []byte(name)}, {Key: "words", Kind: event.WordsFact, Text: []byte(name)}},
	}}
	const json = `a\"\u000a\u001b[31m"`
	checkCell(t, "why", e, `    why: rule a"\x0a\x1b[31m`+"\n"+`    fix: see a"\x0a\x1b[31m`+"\n",
		`{"cause":"nft-rule","text":"rule `+json+`,"values":{"rule":"`+json+`,"words":["`+json+`]},"remedy":"see `+json+`,"evidence":["`+json+`],"kernel_drop":true}`)
}

// TestSilentDrop checks the member kernel_drop of packets that end without a drop event.
func TestSilentDrop(t *testing.T) {
	for silent, want := range map[bool]string{true: "true", false: "false"} {
		checkCell(t, "dropped", event.Event{Why: &event.Why{Silent: silent}}, "", want)
	}
}
