// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestTunnel(t *testing.T) {
	inner := ip4(1, func(t *event.Tuple) { t.ICMP = event.ICMP{Recorded: true, Type: 8, Echo: true, ID: 5, Seq: 1} })
	object := `{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","proto":1,"protocol":"icmp",` +
		`"icmp":{"type":8,"code":0,"name":"echo-request","id":5,"seq":1},"fragment":false}`
	const text = "10.0.2.15:0->8.8.8.8:0(icmp,echo-request,id=5,seq=1)"
	checkCell(t, "tunnel", event.Event{Tunnel: &event.Tunnel{Kind: event.VXLAN, HasID: true, ID: 42, Tuple: inner}},
		"vxlan(id=42):"+text, `{"type":"vxlan","id":42,"tuple":`+object+"}")
	checkCell(t, "tunnel", event.Event{Tunnel: &event.Tunnel{Kind: event.IPIP, Tuple: inner}},
		"ipip:"+text, `{"type":"ipip","id":null,"tuple":`+object+"}")
}

func TestTunnelOfTCP(t *testing.T) {
	e := event.Event{Tunnel: &event.Tunnel{Kind: event.GRE, HasID: true, Tuple: tcp(0x12)}}
	if text, _ := cellOf(t, Options{TCPFlags: true}, "tunnel", e); text != "gre(id=0):10.0.2.15:80->8.8.8.8:81(tcp:SYN|ACK)" {
		t.Errorf("text %q", text)
	}
}

func TestNoTunnel(t *testing.T) {
	checkCell(t, "tunnel", event.Event{Tuple: tcp(0)}, "-", "null")
}
