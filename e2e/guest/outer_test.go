// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// Ports of the tunnels in UDP.
const (
	portVXLAN     = 4789
	portGeneve    = 6081
	portWireGuard = 51820
)

// encapsulation is a kind of tunnel or IPsec mode, with its own outer and inner addresses.
type encapsulation struct {
	name string
	net  int
	// six is true if the outer packet is IPv6, sixInside if the inner packet is.
	six, sixInside bool
	// protocol is the outer packet's protocol. seen is the tunnel type in tracer's output, empty if the inner
	// packet is encrypted.
	protocol, seen string
	setUp          func(*testing.T, *world, *encapsulation)
}

var encapsulations = []encapsulation{
	{name: "VXLAN", net: 1, protocol: "udp", seen: "vxlan", setUp: tunnelWith(ktest.Tunnel{Kind: "vxlan", ID: 42, Port: portVXLAN})},
	{name: "VXLAN over IPv6", net: 2, six: true, protocol: "udp", seen: "vxlan", setUp: tunnelWith(ktest.Tunnel{Kind: "vxlan", ID: 43, Port: portVXLAN})},
	{name: "Geneve", net: 3, protocol: "udp", seen: "geneve", setUp: tunnelWith(ktest.Tunnel{Kind: "geneve", ID: 44})},
	{name: "Geneve over IPv6", net: 4, six: true, protocol: "udp", seen: "geneve", setUp: tunnelWith(ktest.Tunnel{Kind: "geneve", ID: 45})},
	{name: "GRE", net: 5, protocol: "gre", seen: "gre", setUp: tunnelWith(ktest.Tunnel{Kind: "gre"})},
	{name: "GRE over IPv6", net: 6, six: true, protocol: "gre", seen: "gre", setUp: tunnelWith(ktest.Tunnel{Kind: "ip6gre"})},
	{name: "GRETAP", net: 7, protocol: "gre", seen: "gre", setUp: tunnelWith(ktest.Tunnel{Kind: "gretap"})},
	{name: "GRETAP over IPv6", net: 8, six: true, protocol: "gre", seen: "gre", setUp: tunnelWith(ktest.Tunnel{Kind: "ip6gretap"})},
	{name: "IPIP", net: 9, protocol: "ipip", seen: "ipip", setUp: tunnelWith(ktest.Tunnel{Kind: "ipip"})},
	{name: "SIT", net: 10, sixInside: true, protocol: "ipv6", seen: "ipip", setUp: tunnelWith(ktest.Tunnel{Kind: "sit"})},
	{name: "IPv4 in IPv6", net: 11, six: true, protocol: "ipip", seen: "ipip", setUp: tunnelWith(ktest.Tunnel{Kind: "ip6tnl"})},
	{name: "IPv6 in IPv6", net: 12, six: true, sixInside: true, protocol: "ipv6", seen: "ipip", setUp: tunnelWith(ktest.Tunnel{Kind: "ip6tnl"})},
	{name: "ESP in tunnel mode", net: 13, protocol: "esp", setUp: espTunnel},
	{name: "ESP in transport mode", net: 14, protocol: "esp", setUp: espTransport},
	{name: "WireGuard", net: 15, protocol: "udp", setUp: wireguarded},
	{name: "WireGuard over IPv6", net: 16, six: true, protocol: "udp", setUp: wireguarded},
}

func (c *encapsulation) outer(host int) netip.Addr {
	return addressIn(map[bool]string{false: "10.9.%d.%d", true: "fd09:%d::%d"}[c.six], c.net, host)
}

func (c *encapsulation) inner(host int) netip.Addr {
	return addressIn(map[bool]string{false: "10.8.%d.%d", true: "fd08:%d::%d"}[c.sixInside], c.net, host)
}

func addressIn(format string, net, host int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf(format, net, host))
}

// subnet returns the address with a prefix length of 24 (IPv4) or 120 (IPv6).
func subnet(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()-8) }

// device returns the tunnel device at a host.
func (c *encapsulation) device(n *ktest.Netns, host int) ktest.End {
	return ktest.End{Netns: n, Name: fmt.Sprintf("t%d", c.net), Addresses: []netip.Prefix{subnet(c.inner(host))}}
}

func tunnelWith(tunnel ktest.Tunnel) func(*testing.T, *world, *encapsulation) {
	return func(t *testing.T, w *world, c *encapsulation) {
		ktest.NewTunnel(t, c.device(w.a, 1), tunnel.Between(c.outer(1), c.outer(2)))
		ktest.NewTunnel(t, c.device(w.b, 2), tunnel.Between(c.outer(2), c.outer(1)))
	}
}

func espTunnel(t *testing.T, w *world, c *encapsulation) {
	here, there := netip.PrefixFrom(c.inner(1), 32), netip.PrefixFrom(c.inner(2), 32)
	ktest.AddAddress(t, w.a, "lo", here)
	ktest.AddAddress(t, w.b, "lo", there)
	ktest.NewSourceRoute(t, w.a, there, c.outer(2), here.Addr())
	ktest.NewSourceRoute(t, w.b, here, c.outer(1), there.Addr())
	c.encrypt(t, w, ktest.ESP{From: here, To: there})
}

// espTransport encrypts the packets between the outer addresses, which are also the inner ones.
func espTransport(t *testing.T, w *world, c *encapsulation) { c.encrypt(t, w, ktest.ESP{}) }

func (c *encapsulation) encrypt(t *testing.T, w *world, e ktest.ESP) {
	e = e.Between(c.outer(1), c.outer(2))
	ktest.NewESP(t, w.a, e)
	ktest.NewESP(t, w.b, e.Reverse())
}

func wireguarded(t *testing.T, w *world, c *encapsulation) {
	port := uint16(portWireGuard + c.net)
	end := func(n *ktest.Netns, here, there int) {
		ktest.NewWireGuard(t, c.device(n, here), ktest.WireGuard{
			Local: netip.AddrPortFrom(c.outer(here), port), Remote: netip.AddrPortFrom(c.outer(there), port),
			Inside: []netip.Prefix{netip.PrefixFrom(c.inner(there), c.inner(there).BitLen())},
		})
	}
	end(w.a, 1, 2)
	end(w.b, 2, 1)
}

// target returns the address to which the traffic is sent: the inner one, or the outer one if there is none.
func (c *encapsulation) target(host int) netip.Addr {
	if c.name == "ESP in transport mode" {
		return c.outer(host)
	}
	return c.inner(host)
}

// encapsulating is two hosts with each encapsulation that the kernel supports.
type encapsulating struct {
	*world
	encapsulations []encapsulation
}

func newEncapsulating(t *testing.T) *encapsulating {
	t.Helper()
	w := &encapsulating{world: newWorld(t)}
	for _, c := range encapsulations {
		ktest.AddAddress(t, w.a, "va", subnet(c.outer(1)))
		ktest.AddAddress(t, w.b, "vb", subnet(c.outer(2)))
		ok := t.Run("set up "+c.name, func(sub *testing.T) {
			sub.Cleanup(func() {
				switch {
				case !sub.Skipped():
					w.encapsulations = append(w.encapsulations, c)
				case isDedicated():
					t.Errorf("this kernel has no %s", c.name)
				}
			})
			c.setUp(sub, w.world, &c)
		})
		if !ok {
			t.FailNow()
		}
	}
	for _, c := range w.encapsulations { // resolves neighbours, and starts the sessions of peers
		ping(t, w.a, c.target(2).String(), 0x3501)
	}
	return w
}

// send sends one datagram with each encapsulation. Some sends fail with EPERM if the firewall drops the packet.
func (w *encapsulating) send(t *testing.T) {
	t.Helper()
	for _, c := range w.encapsulations {
		u := ktest.UDP{From: netip.AddrPortFrom(c.target(1), 7001), To: netip.AddrPortFrom(c.target(2), 7777), Size: 20}
		if err := w.a.Do(func() error { return u.Send(1) }); err != nil && !errors.Is(err, unix.EPERM) {
			t.Fatal(err)
		}
	}
}

// sent returns the events of the outer packets that the first host sends with an encapsulation. Without encryption,
// only events that show the inner packet count.
func (c *encapsulation) sent(t *testing.T, events records) records {
	t.Helper()
	outer := events.that(from(c.outer(1).String()), to(c.outer(2).String()), protocol(c.protocol))
	if c.seen == "" {
		return outer
	}
	return outer.that(func(r *record) bool {
		return r.Tunnel != nil && r.Tunnel.Type == c.seen && r.Tunnel.Tuple.Source == c.inner(1).String() &&
			r.Tunnel.Tuple.Dest == c.inner(2).String() && r.Tunnel.Tuple.Dport != nil && *r.Tunnel.Tuple.Dport == 7777
	})
}

func hasTunnel(r *record) bool { return r.Tunnel != nil }

const (
	outerNets = "(net 10.9.0.0/16 or net fd09::/16)"
	innerNets = "(net 10.8.0.0/16 or net fd08::/16)"
)

// TestOuterPackets checks that from ip_local_out on, the filter and the columns see the outer packet after
// encapsulation.
func TestOuterPackets(t *testing.T) {
	w := newEncapsulating(t)
	t.Run("drops", w.drops)
	t.Run("path", w.path)
}

// drops makes the first host's firewall drop the outer packets, and checks the drops.
func (w *encapsulating) drops(t *testing.T) {
	const gre, ipip, ipv6, esp, udp = 47, 4, 41, 50, 17
	for _, protocol := range []byte{gre, ipip, ipv6, esp} {
		ktest.DropSent(t, w.a, protocol, 0)
	}
	for _, port := range []uint16{portVXLAN, portGeneve, portWireGuard + 15, portWireGuard + 16} {
		ktest.DropSent(t, w.a, udp, port)
	}
	defer ktest.FlushRules(t, w.a)
	tracer := start(t, "--drop", "--output-tunnel", outerNets)
	w.send(t)
	events := tracer.stop().events
	for _, c := range w.encapsulations {
		c.sent(t, events.that(dropped)).present(t, "drop of the outer packet of "+c.name)
	}
}

// path checks the functions from ip_local_out to the device. Some are static, and 5.10 on arm64 has no
// types of static functions, such as udpv6_rcv.
func (w *encapsulating) path(t *testing.T) {
	needFunctions(t)
	functions := []string{"__ip_local_out", "ip_output", "__ip6_local_out", "ip6_output", "__dev_queue_xmit"}
	arrived := []string{"udp_rcv", "udpv6_rcv", "__udp6_lib_rcv"}
	tracer := start(t, "--filter-func", "^("+strings.Join(append(functions, arrived...), "|")+")$", "--output-tunnel", outerNets+" or "+innerNets)
	w.send(t)
	events := tracer.stop().events
	for _, c := range w.encapsulations {
		way := []string{functions[0], functions[1], functions[4]}
		if c.six {
			way = functions[2:]
		}
		t.Run(c.name, func(t *testing.T) {
			c.sent(t, events).passed(t, described(way...)...)
			events.that(from(c.target(1).String()), to(c.target(2).String()), ports(7001, 7777), in(arrived...)).
				present(t, "datagram without outer headers")
			if c.seen == "" {
				events.that(from(c.outer(1).String()), protocol(c.protocol), hasTunnel).absent(t, "packet inside of an encrypted one")
			}
			if c.target(1) == c.inner(1) {
				events.that(on("va"), from(c.inner(1).String())).absent(t, "inner packet on the outer device")
			}
		})
	}
}
