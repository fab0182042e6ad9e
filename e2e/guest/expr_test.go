// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/ktest"
)

// TestExpression checks a condition with a mask, a path through pointers, a bit field, and a header that is
// accessed by a cast. Each datagram but the first fails one part of it.
func TestExpression(t *testing.T) {
	n, elsewhere := ktest.NewNetns(t, "a"), ktest.NewNetns(t, "b")
	condition := fmt.Sprintf("(skb->mark & 0xff00) == 0x1200 && skb->dev->nd_net.net->ns.inum == %d"+
		" && skb->sk->__sk_common.skc_reuseport && ((struct udphdr *)(skb->head + skb->transport_header))->dest == 0x%x",
		n.Inode, endian.NativeEndian.Uint16([]byte{7777 >> 8, 7777 & 0xff})) // big-endian in memory, compared in native byte order
	p := start(t, "--filter-func", marks(chosen()).sent, "--filter-skb-expr", condition,
		"--output-skb-metadata", "skb->dev->name,skb->mark", "--output-skb-metadata", "skb->sk->sk_socket->state",
		"--output-skb-metadata", "skb->sk->__sk_common.skc_reuseport,skb->dev->ifindex,skb->sk->__sk_common.skc_prot->name")
	right := shared(7001, 0x1234)
	do(t, n, func() error { return right.Send(1) })
	wrong := []ktest.UDP{shared(7002, 0x1334), shared(7003, 0x1234), shared(7004, 0x1234)}
	wrong[1].Shared = false
	wrong[2].To = udp("127.0.0.1:1", "127.0.0.1:7778").To
	for _, u := range wrong {
		do(t, n, func() error { return u.Send(1) })
	}
	do(t, elsewhere, func() error { return shared(7005, 0x1234).Send(1) })
	events := p.stop().events
	if seen := events.that(ports(7001, 7777)); len(seen) != 1 || len(events) != 1 {
		t.Fatalf("%d events of which %d are right, want 1: %v", len(events), len(seen), events)
	}
	want := map[string]any{
		"skb->dev->name": "lo", "skb->mark": 4660.0, "skb->sk->sk_socket->state": "SS_UNCONNECTED",
		"skb->sk->__sk_common.skc_reuseport": 1.0, "skb->dev->ifindex": 1.0, "skb->sk->__sk_common.skc_prot->name": "UDP",
	}
	if diff := cmp.Diff(want, events[0].Values); diff != "" {
		t.Error(diff)
	}
}

func shared(port, mark int) ktest.UDP {
	u := marked(port, mark)
	u.Shared = true
	return u
}
