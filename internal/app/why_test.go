// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"context"
	"net/netip"
	"testing"

	"tracer/internal/column"
	"tracer/internal/event"
	"tracer/internal/notice"
	"tracer/internal/pipeline"
	"tracer/internal/sink"
	"tracer/internal/source"

	"github.com/google/go-cmp/cmp"
)

// explainedDrops are three drops of packets to one address: two that the kernel reports, and a silent one.
func explainedDrops() []*event.Event {
	tuple := event.Tuple{Network: event.IPv4, Protocol: 17, Ports: true, SourcePort: 4000, DestPort: 53,
		Source: netip.MustParseAddr("10.1.0.2"), Dest: netip.MustParseAddr("10.9.0.2")}
	reported := func(skb uint64, why *event.Why) *event.Event {
		return &event.Event{Kind: event.Tracepoint, Skb: skb, Tuple: tuple, Drop: event.Drop{Dropped: true, HasReason: true, Reason: 2, Location: 1},
			Names: event.Names{Func: "kfree_skb", Reason: "SKB_DROP_REASON_IP_INNOROUTES", Location: "ip_error+0x97"}, Why: why}
	}
	return []*event.Event{
		reported(1, &event.Why{Cause: "no-route", Text: "no route to 10.9.0.2", Remedy: "ip route get 10.9.0.2"}),
		reported(2, &event.Why{Cause: event.UnknownCause}),
		{Kind: event.Function, Skb: 3, Tuple: tuple, Names: event.Names{Func: "tcp_conn_request"}, Why: &event.Why{Cause: "accept-queue-full", Text: "129 of 128", Silent: true}},
	}
}

// TestCausesOfARun checks the rows and the last lines of a run whose drops are explained.
func TestCausesOfARun(t *testing.T) {
	var out, messages bytes.Buffer
	columns := column.Options{Tuple: true, Why: true, Chosen: []string{"tuple", "func", "why"}}
	notices := notice.New(newTerminal(&messages).send, notice.Options{})
	text := sink.New(&out, sink.Options{Columns: columns})
	if err := follow(context.Background(), source.NewEvents(explainedDrops()), nil, []pipeline.Output{{Sink: text}}, notices, pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
	const row = "10.1.0.2:4000->10.9.0.2:53(udp)                                  "
	want := "TUPLE                                                            FUNC\n" +
		row + "tp:kfree_skb(SKB_DROP_REASON_IP_INNOROUTES) at ip_error+0x97\n" +
		"    why: no route to 10.9.0.2\n    fix: ip route get 10.9.0.2\n" +
		row + "tp:kfree_skb(SKB_DROP_REASON_IP_INNOROUTES) at ip_error+0x97\n    why: unknown\n" +
		row + "tcp_conn_request\n    why: 129 of 128\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	const first = "  (first: 10.1.0.2:4000->10.9.0.2:53(udp))\n"
	want = "traced 3 events of 3 packets in 0.0s, 0 lost\n3 drops:\n" +
		"  1 × no-route: no route to 10.9.0.2" + first + "  1 × accept-queue-full: 129 of 128" + first + "  1 × unknown cause: 1 × IP_INNOROUTES\n"
	if diff := cmp.Diff(want, messages.String()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}
