// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// pipe is one tunnel of the test, with its own inner network.
type pipe struct {
	ktest.Tunnel
	// name is the name of its devices at both ends, seen its type in tracer's output, and net the third byte of
	// its addresses.
	name, seen string
	net        int
}

var pipes = []pipe{
	{ktest.Tunnel{Kind: "vxlan", ID: 42, Port: 4789}, "vx", "vxlan", 1},
	{ktest.Tunnel{Kind: "vxlan", ID: 0xabcdef, Port: 9999}, "vxl", "vxlan", 2}, // not a default port of tracer
	{ktest.Tunnel{Kind: "geneve", ID: 43, Port: 6082}, "gnv", "geneve", 3},     // likewise
	{ktest.Tunnel{Kind: "geneve", ID: 46}, "gnd", "geneve", 8},
	{ktest.Tunnel{Kind: "gre"}, "gre1", "gre", 4},
	{ktest.Tunnel{Kind: "gretap", ID: 44}, "tap1", "gre", 5},
	{ktest.Tunnel{Kind: "ipip"}, "ip1", "ipip", 6},
	{ktest.Tunnel{Kind: "vxlan", ID: 45}, "vxd", "vxlan", 7}, // on the default port of Linux
}

// The ports of all tunnels.
const (
	vxlanPorts  = "--vxlan-ports=4789,9999,8472"
	genevePorts = "--geneve-ports=6081,6082"
)

func (p *pipe) address(host int) string { return fmt.Sprintf("10.8.%d.%d", p.net, host) }

// tunnelled is two hosts with tunnels of each kind between them.
type tunnelled struct {
	*world
	pipes []pipe
}

func newTunnelled(t *testing.T) *tunnelled {
	t.Helper()
	w := &tunnelled{newWorld(t), pipesHere(t)}
	a, b := netip.MustParseAddr(a4), netip.MustParseAddr(b4)
	for _, p := range w.pipes {
		ktest.NewTunnel(t, ktest.End{Netns: w.a, Name: p.name, Addresses: prefixes(p.address(1) + "/24")}, p.Between(a, b))
		ktest.NewTunnel(t, ktest.End{Netns: w.b, Name: p.name, Addresses: prefixes(p.address(2) + "/24")}, p.Between(b, a))
		ping(t, w.a, p.address(2), 0x3001) // resolves the neighbours
	}
	return w
}

// pipesHere returns the tunnels to test: all of them in a virtual machine, which has all modules, elsewhere only the
// first two.
func pipesHere(t *testing.T) []pipe {
	t.Helper()
	if isDedicated() {
		return pipes
	}
	return pipes[:2]
}

// send sends to the port that the filter matches and to another one, through each tunnel
// and without a tunnel.
func (w *tunnelled) send() {
	w.t.Helper()
	for _, port := range []int{7777, 7778} {
		for _, p := range w.pipes {
			u := udp(fmt.Sprintf("%s:%d", p.address(1), 7000+p.net), fmt.Sprintf("%s:%d", p.address(2), port))
			do(w.t, w.a, func() error { return u.Send(1) })
		}
		u := udp(a4+":7001", fmt.Sprintf("%s:%d", b4, port))
		do(w.t, w.a, func() error { return u.Send(1) })
	}
}

// inside matches events with this tunnel's type and id, and the inner datagram.
func inside(p *pipe) func(*record) bool {
	return func(r *record) bool {
		in := r.Tunnel
		if in == nil || in.Type != p.seen {
			return false
		}
		known := (in.ID == nil) == (p.ID == 0) && (in.ID == nil || *in.ID == p.ID)
		inner := record{Tuple: in.Tuple}
		return known && from(p.address(1))(&inner) && to(p.address(2))(&inner) && protocol("udp")(&inner) && ports(7000+p.net, 7777)(&inner)
	}
}

// endsOfWire matches the functions that send and receive a packet.
func endsOfWire() string { return marks(chosen()).sent + "|" + marks(chosen()).received }

// wrapped checks that the datagram is shown inside its tunnel: when it is sent, and when it is received,
// while it still has its outer headers.
func (p *pipe) wrapped(t *testing.T, events records) {
	t.Helper()
	mine := events.that(inside(p), from(a4), to(b4))
	mine.that(on("va")).passed(t, marks(chosen()).sent)
	mine.that(on("vb")).passed(t, marks(chosen()).received)
}

// TestTunnels checks filters on inner packets, and the tunnel column.
func TestTunnels(t *testing.T) {
	w := newTunnelled(t)
	t.Run("filter of packets", w.filterPackets)
	t.Run("filter of frames", w.filterFrames)
	t.Run("column", w.column)
	t.Run("unknown ports", w.otherPorts)
}

// filterPackets checks --filter-tunnel-pcap-l3.
func (w *tunnelled) filterPackets(t *testing.T) {
	tracer := start(t, "--filter-func", endsOfWire(), "--output-tunnel", vxlanPorts, genevePorts, "--filter-tunnel-pcap-l3", "udp and dst port 7777 and net 10.8.0.0/16")
	w.send()
	events := tracer.stop().events
	for i := range w.pipes {
		t.Run(w.pipes[i].name, func(t *testing.T) { w.pipes[i].wrapped(t, events) })
	}
	events.that(func(r *record) bool { return r.Tunnel == nil }).absent(t, "packet without an inner packet")
	events.that(func(r *record) bool {
		return r.Tunnel != nil && r.Tunnel.Tuple.Dport != nil && *r.Tunnel.Tuple.Dport != 7777
	}).absent(t, "another inner port")
	events.that(ports(7001, 7777)).absent(t, "the port outside of a tunnel")
}

// filterFrames checks --filter-tunnel-pcap-l2.
func (w *tunnelled) filterFrames(t *testing.T) {
	tracer := start(t, "--filter-func", endsOfWire(), "--output-tunnel", vxlanPorts, genevePorts, "--filter-tunnel-pcap-l2", w.toTheFirstTwo(t)+" and udp dst port 7777")
	w.send()
	events := tracer.stop().events
	for i := range w.pipes[:2] {
		w.pipes[i].wrapped(t, events)
	}
	for i := range w.pipes[2:] {
		events.that(inside(&w.pipes[2+i])).absent(t, "inner frame to another address, in "+w.pipes[2+i].name)
	}
	events.that(func(r *record) bool { return r.Tunnel == nil }).absent(t, "packet without an inner packet")
	events.that(not(from(a4))).absent(t, "packet without outer headers")
}

// toTheFirstTwo returns a filter for the inner Ethernet addresses of the first two tunnels.
func (w *tunnelled) toTheFirstTwo(t *testing.T) string {
	t.Helper()
	var list []string
	for _, p := range w.pipes[:2] {
		do(t, w.b, func() error {
			device, err := net.InterfaceByName(p.name)
			if err == nil {
				list = append(list, "ether dst "+device.HardwareAddr.String())
			}
			return err
		})
	}
	return "(" + strings.Join(list, " or ") + ")"
}

// column checks --output-tunnel without a filter on inner packets: other packets have no tunnel.
func (w *tunnelled) column(t *testing.T) {
	tracer := start(t, "--filter-func", endsOfWire(), "--output-tunnel", vxlanPorts, genevePorts, "udp or proto gre or proto 4")
	w.send()
	events := tracer.stop().events
	for i := range w.pipes {
		w.pipes[i].wrapped(t, events)
	}
	outside := events.that(ports(7001, 7777), between(a4, b4))
	outside.passed(t, marks(chosen()).sent, marks(chosen()).received)
	outside.that(func(r *record) bool { return r.Tunnel != nil }).absent(t, "datagram with an inner packet")
}

// otherPorts checks tunnels on ports that are not given to tracer: on the send path, the sk_buff has the offsets of the
// inner headers, but the type of the tunnel is unknown.
func (w *tunnelled) otherPorts(t *testing.T) {
	tracer := start(t, "--filter-func", endsOfWire(), "--output-tunnel", "--filter-tunnel-pcap-l3", "dst port 7777", "udp port 9999 or udp port 6082")
	w.send()
	events := tracer.stop().events
	found := 0
	for _, p := range w.pipes {
		if p.Port != 9999 && p.Port != 6082 {
			continue
		}
		p.ID, p.seen = 0, "tunnel"
		events.that(inside(&p), from(a4), to(b4), on("va")).passed(t, marks(chosen()).sent)
		found++
	}
	if found == 0 {
		t.Error("no tunnel on another port")
	}
	events.that(func(r *record) bool { return r.Tunnel == nil || *r.Tunnel.Tuple.Dport != 7777 }).absent(t, "another inner port")
}
