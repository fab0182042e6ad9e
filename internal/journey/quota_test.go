// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"strings"
	"testing"
)

// quotaOf are the limits of a quota.
type quotaOf struct{ packets, events uint64 }

func (o quotaOf) new() *Quota { return NewQuota(o.packets, o.events, Scope{}) }

// seen is an event of sk_buff skb at a time in ms.
type seen struct {
	skb  byte
	ms   uint64
	ends bool
}

func (e seen) admitted(q *Quota) bool {
	return q.admits(step{skb: uint64(e.skb), time: e.ms * 1e6, ends: e.ends})
}

// called and left are the steps of the entry and the return of a function.
func called(skb byte, ms uint64, ends bool) step {
	return step{skb: uint64(skb), time: ms * 1e6, ends: ends, calls: true}
}

func left(skb byte, ms uint64) step { return step{skb: uint64(skb), time: ms * 1e6, returns: true} }

func TestReturnsBelongToThePacketOfTheirEntries(t *testing.T) {
	for name, test := range map[string]struct {
		limits quotaOf
		steps  []step
		want   string
	}{
		"after the packet's end":    {quotaOf{packets: 1}, []step{called('a', 1, false), called('a', 2, true), left('a', 3), left('a', 4), called('a', 5, false)}, "aaaa."},
		"returns count as events":   {quotaOf{events: 2}, []step{called('a', 1, false), called('a', 2, true), left('a', 3), left('a', 4), called('a', 5, false)}, "aa..a"},
		"after a long time":         {quotaOf{packets: 1}, []step{called('a', 1, false), left('a', 5000)}, "aa"},
		"of a packet not printed":   {quotaOf{packets: 1}, []step{called('a', 1, false), called('b', 2, false), left('b', 3), left('a', 4)}, "a..a"},
		"of no packet seen before":  {quotaOf{events: 9}, []step{left('a', 1)}, "."},
		"an address that is reused": {quotaOf{packets: 2}, []step{called('a', 1, true), called('a', 2, false), left('a', 3)}, "aaa"},
	} {
		q := test.limits.new()
		var got strings.Builder
		for _, s := range test.steps {
			if q.admits(s) {
				got.WriteByte(byte(s.skb))
			} else {
				got.WriteByte('.')
			}
		}
		if got.String() != test.want {
			t.Errorf("%s: %s, want %s", name, got.String(), test.want)
		}
	}
}

func TestQuotaWaitsForReturns(t *testing.T) {
	q := quotaOf{packets: 1}.new()
	q.admits(called('a', 1, true))
	if q.Done(at(2)) {
		t.Error("done before the function has returned")
	}
	if q.admits(left('a', 3)); !q.Done(at(3)) {
		t.Error("not done when it has")
	}
}

// shown returns the letters of the sk_buffs whose events are admitted, and a dot for each other event.
func shown(q *Quota, events ...seen) string {
	var b strings.Builder
	for _, e := range events {
		if e.admitted(q) {
			b.WriteByte(e.skb)
		} else {
			b.WriteByte('.')
		}
	}
	return b.String()
}

func at(ms uint64) func() uint64 { return func() uint64 { return ms * 1e6 } }

func TestQuota(t *testing.T) {
	for name, test := range map[string]struct {
		limits quotaOf
		events []seen
		want   string
	}{
		"first packets only":         {quotaOf{packets: 2}, []seen{{'a', 1, false}, {'b', 2, false}, {'c', 3, false}, {'a', 4, false}, {'c', 5, false}, {'b', 6, true}}, "ab.a.b"},
		"an address that is reused":  {quotaOf{packets: 1}, []seen{{'a', 1, false}, {'a', 2, true}, {'a', 3, false}}, "aa."},
		"a reused address counts":    {quotaOf{packets: 2}, []seen{{'a', 1, true}, {'a', 2, true}, {'a', 3, false}}, "aa."},
		"an idle packet has ended":   {quotaOf{packets: 1}, []seen{{'a', 1, false}, {'a', 1001, false}, {'a', 2002, false}}, "aa."},
		"events of a packet":         {quotaOf{events: 2}, []seen{{'a', 1, false}, {'a', 2, false}, {'b', 3, false}, {'a', 4, false}, {'a', 5, true}, {'a', 6, false}}, "aab..a"},
		"an idle packet starts over": {quotaOf{events: 1}, []seen{{'a', 1, false}, {'a', 2, false}, {'a', 1500, false}}, "a.a"},
		"a busy one stays the same":  {quotaOf{events: 1}, []seen{{'a', 1, false}, {'a', 900, false}, {'a', 1800, false}}, "a.."},
		"both limits":                {quotaOf{1, 1}, []seen{{'a', 1, false}, {'b', 1, false}, {'a', 2, true}, {'a', 3, false}}, "a..."},
		"events out of order":        {quotaOf{events: 5}, []seen{{'a', 2000, false}, {'a', 1, false}, {'a', 2001, false}}, "aaa"},
		"an older event is not idle": {quotaOf{packets: 1}, []seen{{'a', 5000, false}, {'a', 1, false}}, "aa"},
	} {
		q := test.limits.new()
		if got := shown(q, test.events...); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestQuotaIsDoneWhenItsPacketsHaveEnded(t *testing.T) {
	q := quotaOf{packets: 2}.new()
	steps := []struct {
		event seen
		now   uint64
		done  bool
	}{
		{seen{'a', 1, true}, 1, false},
		{seen{'b', 2, false}, 2, false},
		{seen{'c', 3, false}, 999, false},
		{seen{'b', 1000, false}, 2000, false},
		{seen{'b', 1100, true}, 1100, true},
	}
	for _, s := range steps {
		s.event.admitted(q)
		if got := q.Done(at(s.now)); got != s.done {
			t.Errorf("after %+v at %d ms done is %v", s.event, s.now, got)
		}
	}
}

func TestQuotaIsDoneWhenIdle(t *testing.T) {
	q := quotaOf{packets: 1}.new()
	seen{'a', 1, false}.admitted(q)
	seen{'b', 900, false}.admitted(q) // other packets don't count
	if q.Done(at(1001)) || !q.Done(at(1002)) {
		t.Error("not done after an idle second, or done before")
	}
}

func TestQuotaOfStoredEventsIsNotDoneWhenIdle(t *testing.T) {
	q := quotaOf{packets: 1}.new()
	seen{'a', 1, false}.admitted(q)
	if q.Done(nil) {
		t.Error("done before the packet's end")
	}
	if (seen{'a', 2, true}).admitted(q); !q.Done(nil) {
		t.Error("not done after the packet's end")
	}
}

func TestWithoutALimitOfPackets(t *testing.T) {
	q := quotaOf{events: 1}.new()
	seen{'a', 1, true}.admitted(q)
	if q.Done(at(1e9)) || !q.Limits() {
		t.Error("a limit of events ends the run, or suppresses nothing")
	}
	if q = (quotaOf{}).new(); q.Limits() {
		t.Error("no limit suppresses events")
	}
}

func TestQuotaForgetsIdlePackets(t *testing.T) {
	q := quotaOf{events: 1}.new()
	const many = 100 * sweepFirst
	for i := range uint64(many) {
		q.admits(step{skb: i, time: i * skbTimeout / sweepFirst, ends: false})
	}
	if n := len(q.live); n > 3*sweepFirst {
		t.Errorf("%d of %d sk_buffs are remembered, of which %d were seen in the last second", n, many, sweepFirst)
	}
}
