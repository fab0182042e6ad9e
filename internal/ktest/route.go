// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// NewRoute sends what is for a network by way of a neighbour.
func NewRoute(t testing.TB, n *Netns, to netip.Prefix, via netip.Addr) {
	t.Helper()
	addRoute(t, n, &netlink.Route{Dst: network(to), Gw: via.AsSlice()})
}

// NewSourceRoute is NewRoute, for packets that are sent from an address of their
// own where nothing else is said.
func NewSourceRoute(t testing.TB, n *Netns, to netip.Prefix, via, from netip.Addr) {
	t.Helper()
	addRoute(t, n, &netlink.Route{Dst: network(to), Gw: via.AsSlice(), Src: from.AsSlice()})
}

// ReplaceRoute is NewRoute where there may be another route to the network already.
func ReplaceRoute(t testing.TB, n *Netns, to netip.Prefix, via netip.Addr) {
	t.Helper()
	must(t, n.Do(func() error {
		return netlink.RouteReplace(&netlink.Route{Dst: network(to), Gw: via.AsSlice()})
	}))
}

// NewBlackhole has a namespace discard what is for a network, and say nothing.
func NewBlackhole(t testing.TB, n *Netns, to netip.Prefix) {
	t.Helper()
	addRoute(t, n, &netlink.Route{Dst: network(to), Type: unix.RTN_BLACKHOLE})
}

func addRoute(t testing.TB, n *Netns, r *netlink.Route) {
	t.Helper()
	must(t, n.Do(func() error {
		if err := netlink.RouteAdd(r); err != nil {
			return fmt.Errorf("route %s: %w", r, err)
		}
		return nil
	}))
}

func network(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// MakeRouter lets a namespace forward packets, of IPv4 and of IPv6.
func MakeRouter(t testing.TB, n *Netns) {
	t.Helper()
	for _, setting := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
		n.Set(t, setting, "1")
	}
}

// Set writes one of the namespace's own settings, by its path below /proc/sys/net:
// the kernel shows each thread those of its namespace.
func (n *Netns) Set(t testing.TB, setting, value string) {
	t.Helper()
	must(t, n.Do(func() error {
		return os.WriteFile(filepath.Join("/proc/sys/net", setting), []byte(value), 0)
	}))
}

// RemoveRoute takes the route to a network away.
func RemoveRoute(t testing.TB, n *Netns, to netip.Prefix) {
	t.Helper()
	must(t, n.Do(func() error { return netlink.RouteDel(&netlink.Route{Dst: network(to)}) }))
}
