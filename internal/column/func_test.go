// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestFunc(t *testing.T) {
	e := event.Event{Kind: event.Function, Addr: 0xff10, Names: event.Names{Func: "ip_rcv"}}
	checkCell(t, "func", e, "ip_rcv", `"ip_rcv"`)
	checkCell(t, "module", e, "", "null")
	checkCell(t, "addr", e, "", `"0xff10"`)
	checkCell(t, "dropped", e, "", "false")
	e.Names.Module = "bridge"
	checkCell(t, "func", e, "ip_rcv [bridge]", `"ip_rcv"`)
	checkCell(t, "module", e, "", `"bridge"`)
	e.Names = event.Names{}
	checkCell(t, "func", e, "0xff10", `"0xff10"`)
}

func drop() event.Event {
	return event.Event{
		Kind:  event.Tracepoint,
		Drop:  event.Drop{Dropped: true, HasReason: true, Reason: 3, Location: 0xff123},
		Names: event.Names{Func: "kfree_skb", Reason: "SKB_DROP_REASON_NO_SOCKET", Location: "icmp_rcv+0x1a3"},
	}
}

func TestDrop(t *testing.T) {
	e := drop()
	checkCell(t, "func", e, "tp:kfree_skb(SKB_DROP_REASON_NO_SOCKET) at icmp_rcv+0x1a3", `"kfree_skb"`)
	checkCell(t, "addr", e, "", "null")
	checkCell(t, "dropped", e, "", "true")
	checkCell(t, "reason", e, "", `"SKB_DROP_REASON_NO_SOCKET"`)
	checkCell(t, "reason_code", e, "", "3")
	checkCell(t, "location", e, "", `"icmp_rcv+0x1a3"`)
}

func TestBenignDrop(t *testing.T) {
	e := drop()
	checkCell(t, "benign", e, "", "false")
	e.Drop.Benign = true
	checkCell(t, "func", e, "tp:kfree_skb(SKB_DROP_REASON_NO_SOCKET,benign) at icmp_rcv+0x1a3", `"kfree_skb"`)
	checkCell(t, "benign", e, "", "true")
}

func TestDropWithoutNames(t *testing.T) {
	e := drop()
	e.Names.Reason, e.Names.Location = "", ""
	checkCell(t, "func", e, "tp:kfree_skb(3) at 0xff123", `"kfree_skb"`)
	checkCell(t, "reason", e, "", "null")
	checkCell(t, "location", e, "", `"0xff123"`)
}

func TestDropWithoutReason(t *testing.T) {
	e := drop()
	e.Drop.HasReason, e.Drop.Location = false, 0
	checkCell(t, "func", e, "tp:kfree_skb", `"kfree_skb"`)
	checkCell(t, "reason", e, "", "null")
	checkCell(t, "reason_code", e, "", "null")
	checkCell(t, "location", e, "", "null")
}
