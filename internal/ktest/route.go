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

// NewRoute adds a route to a network through a gateway.
func NewRoute(t testing.TB, n *Netns, to netip.Prefix, via netip.Addr) {
	t.Helper()
	addRoute(t, n, &netlink.Route{Dst: network(to), Gw: via.AsSlice()})
}

// NewSourceRoute is NewRoute with a source address for packets that have none yet.
func NewSourceRoute(t testing.TB, n *Netns, to netip.Prefix, via, from netip.Addr) {
	t.Helper()
	addRoute(t, n, &netlink.Route{Dst: network(to), Gw: via.AsSlice(), Src: from.AsSlice()})
}

// ReplaceRoute is NewRoute, but replaces an existing route to the network.
func ReplaceRoute(t testing.TB, n *Netns, to netip.Prefix, via netip.Addr) {
	t.Helper()
	must(t, n.Do(func() error {
		return netlink.RouteReplace(&netlink.Route{Dst: network(to), Gw: via.AsSlice()})
	}))
}

// NewBlackholeRoute adds a route that silently discards packets to a network.
func NewBlackholeRoute(t testing.TB, n *Netns, to netip.Prefix) {
	t.Helper()
	addRoute(t, n, &netlink.Route{Dst: network(to), Type: unix.RTN_BLACKHOLE})
}

// NewDeviceRoute adds a route to a network that a device reaches without a gateway.
func NewDeviceRoute(t testing.TB, n *Netns, to netip.Prefix, device string) {
	t.Helper()
	must(t, n.Do(func() error {
		d, err := net.InterfaceByName(device)
		if err != nil {
			return fmt.Errorf("device %q: %w", device, err)
		}
		return netlink.RouteAdd(&netlink.Route{Dst: network(to), LinkIndex: d.Index, Scope: netlink.SCOPE_LINK})
	}))
}

// RouteType is what a route does with packets (RTN_*).
type RouteType int

// Types of routes that discard packets.
const (
	Blackhole   RouteType = unix.RTN_BLACKHOLE
	Unreachable RouteType = unix.RTN_UNREACHABLE
	Prohibit    RouteType = unix.RTN_PROHIBIT
)

// NewDiscardingRoute adds a route that discards packets to a network.
func NewDiscardingRoute(t testing.TB, n *Netns, to netip.Prefix, kind RouteType) {
	t.Helper()
	addRoute(t, n, &netlink.Route{Dst: network(to), Type: int(kind)})
}

// NewNarrowRoute is NewRoute for packets of at most mtu bytes. If the MTU is locked, path MTU discovery does not change
// it, and IPv6 routers respect it.
func NewNarrowRoute(t testing.TB, n *Netns, to netip.Prefix, via netip.Addr, mtu int, locked bool) {
	t.Helper()
	addRoute(t, n, &netlink.Route{Dst: network(to), Gw: via.AsSlice(), MTU: mtu, MTULock: locked})
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

// MakeRouter enables forwarding of IPv4 and IPv6 in a namespace.
func MakeRouter(t testing.TB, n *Netns) {
	t.Helper()
	for _, name := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
		n.SetSysctl(t, name, "1")
	}
}

// SetSysctl sets a sysctl of the namespace, by its path below /proc/sys/net. These files belong to the namespace of
// the thread that opens them.
func (n *Netns) SetSysctl(t testing.TB, name, value string) {
	t.Helper()
	must(t, n.Do(func() error {
		return os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0)
	}))
}

// RemoveRoute removes the route to a network.
func RemoveRoute(t testing.TB, n *Netns, to netip.Prefix) {
	t.Helper()
	must(t, n.Do(func() error { return netlink.RouteDel(&netlink.Route{Dst: network(to)}) }))
}
