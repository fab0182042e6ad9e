// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestCausesOfTheSummary(t *testing.T) {
	tuple := udpTo("10.96.0.10", 53)
	totals := event.Totals{Causes: []event.CauseCount{
		{Cause: "no-route", Count: 3, Groups: 1, Text: "to \"x\"\n", Tuple: tuple},
		{Cause: event.UnknownCause, Reason: "SKB_DROP_REASON_NO_SOCKET", Count: 2, Groups: 12},
		{Cause: event.OtherCauses, Count: 1},
	}}
	const want = `[{"cause":"no-route","reason":null,"count":3,"groups":1,"text":"to \"x\"\u000a","tuple":{"network":"ipv4","saddr":"10.1.0.2",` +
		`"daddr":"10.96.0.10","sport":4000,"dport":53,"proto":17,"protocol":"udp","fragment":false}},` +
		`{"cause":"unknown","reason":"SKB_DROP_REASON_NO_SOCKET","count":2,"groups":12,"text":null,"tuple":null},` +
		`{"cause":"other","reason":null,"count":1,"groups":null,"text":null,"tuple":null}]`
	for _, c := range Summary() {
		if c.Key != "causes" {
			continue
		}
		if got := string(c.JSON(nil, &event.Event{Totals: &totals})); got != want {
			t.Errorf("%s, want\n%s", got, want)
		}
		if got := string(c.JSON(nil, &event.Event{Totals: &event.Totals{}})); got != "[]" {
			t.Errorf("no causes: %s", got)
		}
		return
	}
	t.Error("the summary has no causes")
}

func TestTupleText(t *testing.T) {
	tuple := tcp(0x12)
	tuple.TCP = event.TCP{Recorded: true, Seq: 1}
	if got, want := TupleText(&tuple), string(tupleForm{}.appendTuple(nil, &tuple)); got != want || got == "" {
		t.Errorf("%q, want %q", got, want)
	}
	if got := TupleText(&event.Tuple{}); got != "" {
		t.Errorf("a tuple that was not recorded: %q", got)
	}
}
