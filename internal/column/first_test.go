// SPDX-License-Identifier: Apache-2.0

package column

import (
	"net/netip"
	"testing"

	"tracer/internal/event"
)

// udpTo returns the tuple of a UDP packet to that address and port.
func udpTo(to string, port uint16) event.Tuple {
	return event.Tuple{
		Network: event.IPv4, Protocol: 17, Source: netip.MustParseAddr("10.1.0.2"), Dest: netip.MustParseAddr(to),
		Ports: true, SourcePort: 4000, DestPort: port,
	}
}

func TestFirstTuple(t *testing.T) {
	first, now := udpTo("10.96.0.10", 53), udpTo("10.2.0.2", 5353)
	const tuple = `{"network":"ipv4","saddr":"10.1.0.2","daddr":"10.96.0.10","sport":4000,"dport":53,"proto":17,"protocol":"udp","fragment":false}`
	for _, c := range []struct {
		by         event.FirstBy
		now        event.Tuple
		text, json string
	}{
		{event.FirstUnknown, now, "", "null"},
		{event.FirstFollowed, now, "    was 10.1.0.2:4000->10.96.0.10:53(udp)\n", `{"by":"followed","tuple":` + tuple + `}`},
		{event.FirstConnection, now, "    was 10.1.0.2:4000->10.96.0.10:53(udp), by conntrack\n", `{"by":"conntrack","tuple":` + tuple + `}`},
		{event.FirstTranslated, now, "    would become 10.1.0.2:4000->10.96.0.10:53(udp), by conntrack\n", `{"by":"nat","tuple":` + tuple + `}`},
		{event.FirstInner, now, "    carries 10.1.0.2:4000->10.96.0.10:53(udp)\n", `{"by":"inner","tuple":` + tuple + `}`},
		{event.FirstQuoted, now, "    is about 10.1.0.2:4000->10.96.0.10:53(udp)\n", `{"by":"icmp","tuple":` + tuple + `}`},
		{event.FirstFollowed, first, "", `{"by":"followed","tuple":` + tuple + `}`},
	} {
		e := event.Event{Tuple: c.now, First: &event.FirstTuple{By: c.by, Tuple: first}}
		if got := string(tupleForm{}.firstText(nil, &e)); got != c.text {
			t.Errorf("by %d: text %q, want %q", c.by, got, c.text)
		}
		if got := string(firstJSON(nil, &e)); got != c.json {
			t.Errorf("by %d: JSON %s, want %s", c.by, got, c.json)
		}
	}
}

func TestOnlyDropsHaveAFirstTuple(t *testing.T) {
	if _, err := Choose([]string{"func", "first"}, Options{}, false); err == nil {
		t.Error("the column was chosen without --drop")
	}
	if got := chosen(t, "default", Options{First: true}, false); got != "skb,cpu,process,func,first" {
		t.Errorf("default: %s", got)
	}
}
