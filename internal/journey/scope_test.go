// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"testing"

	"tracer/internal/event"
)

const skbAddress = 0xffff888100000000

func named(kind event.Kind, name string) *event.Event {
	return &event.Event{Kind: kind, Skb: skbAddress, Names: event.Names{Func: name}}
}

func packetsOf(scope Scope, kind event.Kind, names ...string) uint64 {
	p := NewPackets(scope)
	for _, name := range names {
		p.Count(named(kind, name))
	}
	return p.Total()
}

// TestReusedAddressIsAnotherPacket checks the number of packets at a single address.
func TestReusedAddressIsAnotherPacket(t *testing.T) {
	functions := []string{"ip_rcv", "consume_skb", "kfree_skbmem"}
	for _, test := range []struct {
		name  string
		scope Scope
		kind  event.Kind
		names []string
		want  uint64
	}{
		{"functions to the last one", NewScope(functions, nil), event.Function, []string{"ip_rcv", "consume_skb", "kfree_skbmem", "ip_rcv", "consume_skb", "kfree_skbmem", "ip_rcv"}, 3},
		{"the last function is not traced", NewScope(functions[:2], nil), event.Function, []string{"ip_rcv", "consume_skb", "ip_rcv", "consume_skb"}, 1},
		{"tracepoints", NewScope(nil, []string{"netif_rx", "consume_skb", "kfree_skb"}), event.Tracepoint, []string{"netif_rx", "netif_rx", "consume_skb", "netif_rx", "kfree_skb", "netif_rx"}, 3},
		{"no scope", Scope{}, event.Tracepoint, []string{"kfree_skb", "kfree_skb"}, 1},
	} {
		if got := packetsOf(test.scope, test.kind, test.names...); got != test.want {
			t.Errorf("%s: %d packets, want %d", test.name, got, test.want)
		}
	}
}

func TestEveryEnd(t *testing.T) {
	for name, test := range map[string]struct {
		functions, tracepoints []string
		want                   bool
	}{
		"the last function":        {[]string{"ip_rcv", "kfree_skbmem"}, nil, true},
		"other functions":          {[]string{"ip_rcv"}, []string{"kfree_skb"}, false},
		"both tracepoints":         {nil, []string{"netif_rx", "kfree_skb", "consume_skb"}, true},
		"one of them among others": {nil, []string{"netif_rx", "kfree_skb"}, false},
		"only drops":               {nil, []string{"kfree_skb"}, true},
		"nothing":                  {nil, nil, false},
	} {
		if got := NewScope(test.functions, test.tracepoints).EveryEnd; got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestSkippedEndCounts checks that an address is another packet's after an end that is not printed.
func TestSkippedEndCounts(t *testing.T) {
	p := NewPackets(NewScope(nil, []string{"netif_rx", "consume_skb"}))
	for range 3 {
		p.Count(named(event.Tracepoint, "netif_rx"))
		p.Skip(named(event.Tracepoint, "netif_rx"))
		p.Skip(named(event.Tracepoint, "consume_skb"))
	}
	if got := p.Total(); got != 3 {
		t.Errorf("%d packets, want 3", got)
	}
}

// TestProgramsEndNoPacket checks that a BPF program with the name of a last tracepoint does not end a packet.
func TestProgramsEndNoPacket(t *testing.T) {
	if NewScope(nil, nil).Ends(named(event.Program, "kfree_skb")) {
		t.Error("a program ends a packet")
	}
}

// TestReturnsAreNotCounted checks that a return counts no packet, since the packet may be freed, except the
// return event of a lookup (event.Looked), which has no entry event.
func TestReturnsAreNotCounted(t *testing.T) {
	for kind, want := range map[event.Kind]uint64{event.Return: 0, event.Verdict: 0, event.Looked: 1, event.Function: 1} {
		if got := packetsOf(Scope{}, kind, "ip_rcv"); got != want {
			t.Errorf("%s: %d packets, want %d", kind, got, want)
		}
	}
}
