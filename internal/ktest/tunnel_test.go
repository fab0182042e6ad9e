// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net/netip"
	"testing"
)

func TestTunnelsCarryPings(t *testing.T) {
	for name, tun := range map[string]Tunnel{
		"vxlan": {Kind: "vxlan", ID: 42, Port: 4789}, "vxlan, default port": {Kind: "vxlan", ID: 42},
		"geneve": {Kind: "geneve", ID: 43},
		"gre":    {Kind: "gre"}, "gre with key": {Kind: "gre", ID: 44}, "gretap": {Kind: "gretap", ID: 45},
		"ipip": {Kind: "ipip"},
	} {
		t.Run(name, func(t *testing.T) { carries(t, tun, "10.9.0.1", "10.9.0.2", "10.8.0.1", "10.8.0.2") })
	}
}

func TestTunnelsWithIPv6CarryPings(t *testing.T) {
	for _, kind := range []string{"vxlan", "geneve", "ip6gre", "ip6gretap", "ip6tnl"} {
		t.Run(kind+" over IPv6", func(t *testing.T) {
			carries(t, Tunnel{Kind: kind, ID: 46}, "fd09::1", "fd09::2", "10.8.0.1", "10.8.0.2")
		})
	}
	t.Run("sit", func(t *testing.T) { carries(t, Tunnel{Kind: "sit"}, "10.9.0.1", "10.9.0.2", "fd08::1", "fd08::2") })
}

// carries checks that a ping passes through a tunnel between two outer addresses, from one inner address to the
// other.
func carries(t *testing.T, tun Tunnel, outerA, outerB, innerA, innerB string) {
	a, b := pair(t)
	local, remote := netip.MustParseAddr(outerA), netip.MustParseAddr(outerB)
	NewTunnel(t, End{a, "ta", subnets(innerA)}, tun.Between(local, remote))
	NewTunnel(t, End{b, "tb", subnets(innerB)}, tun.Between(remote, local))
	pings(t, a, innerB)
}

// pair returns two namespaces that are connected by va and vb.
func pair(t *testing.T) (a, b *Netns) {
	t.Helper()
	a, b = NewNetns(t, "a"), NewNetns(t, "b")
	NewVeth(t, End{a, "va", prefixes("10.9.0.1/24", "fd09::1/64")}, End{b, "vb", prefixes("10.9.0.2/24", "fd09::2/64")})
	return a, b
}

// subnets returns an address with the usual prefix length.
func subnets(addr string) []netip.Prefix {
	ip := netip.MustParseAddr(addr)
	if ip.Is6() {
		return []netip.Prefix{netip.PrefixFrom(ip, 64)}
	}
	return []netip.Prefix{netip.PrefixFrom(ip, 24)}
}

func pings(t *testing.T, from *Netns, to string) {
	t.Helper()
	if err := from.Do(func() error { return Ping(netip.MustParseAddr(to), 7, 1) }); err != nil {
		t.Error(err)
	}
}

func TestUnknownTunnel(t *testing.T) {
	if _, err := (Tunnel{Kind: "wormhole"}).driver(); err == nil {
		t.Error("no error for an unknown kind")
	}
}
