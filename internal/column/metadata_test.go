// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestMetadata(t *testing.T) {
	e := event.Event{Values: []event.NamedValue{
		{Name: "skb->len", Value: shown("84")}, {Name: "skb->dev->name"}, {Name: "\"a\" & b\n", Value: shown("1")},
	}}
	checkCell(t, "skb_metadata", e, `skb->len=84 skb->dev->name=? "a" & b\x0a=1`,
		`{"skb->len":84,"skb->dev->name":null,"\"a\" & b\u000a":1}`)
}

func TestNoMetadata(t *testing.T) {
	checkCell(t, "skb_metadata", event.Event{}, "-", "{}")
	checkCell(t, "xdp_metadata", event.Event{}, "-", "{}")
}

// TestXDPMetadata checks that expressions on the xdp_buff have their own column.
func TestXDPMetadata(t *testing.T) {
	e := event.Event{XDPValues: []event.NamedValue{{Name: "xdp->frame_sz", Value: shown("4096")}}}
	checkCell(t, "xdp_metadata", e, "xdp->frame_sz=4096", `{"xdp->frame_sz":4096}`)
	checkCell(t, "skb_metadata", e, "-", "{}")
}
