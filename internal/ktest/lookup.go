// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// NewUnreachableRoute adds a route of type unreachable, so that sending to the network fails.
func NewUnreachableRoute(t testing.TB, n *Netns, to netip.Prefix) {
	t.Helper()
	addRoute(t, n, &netlink.Route{Dst: network(to), Type: unix.RTN_UNREACHABLE})
}

// NewPolicyRoute adds a route to a network in a separate table, and a rule that selects this table.
func NewPolicyRoute(t testing.TB, n *Netns, to netip.Prefix, via netip.Addr, table int) {
	t.Helper()
	addRoute(t, n, &netlink.Route{Dst: network(to), Gw: via.AsSlice(), Table: table})
	must(t, n.Do(func() error {
		rule := netlink.NewRule()
		rule.Dst, rule.Table = network(to), table
		return netlink.RuleAdd(rule)
	}))
}

// NewRefusingRule adds a rule with a type, so that packets to the network are discarded.
func NewRefusingRule(t testing.TB, n *Netns, to netip.Prefix, kind RouteType, priority int) {
	t.Helper()
	must(t, n.Do(func() error {
		rule := netlink.NewRule()
		rule.Dst, rule.Type, rule.Priority = network(to), uint8(kind), priority
		if to.Addr().Is6() {
			rule.Family = unix.AF_INET6
		}
		return netlink.RuleAdd(rule)
	}))
}

// SetNeighbour sets a permanent neighbour entry of a device. It replaces an existing one.
func SetNeighbour(t testing.TB, n *Netns, device string, ip netip.Addr, lladdr net.HardwareAddr) {
	t.Helper()
	must(t, n.withLink(device, func(l netlink.Link) error {
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT, IP: ip.AsSlice(), HardwareAddr: lladdr,
		})
	}))
}

// SetQdisc gives a device a queueing discipline with the handle major:0.
func SetQdisc(t testing.TB, n *Netns, device, kind string, major uint16) {
	t.Helper()
	needsModule(t, n.withLink(device, func(l netlink.Link) error {
		err := netlink.QdiscReplace(&netlink.GenericQdisc{
			QdiscAttrs: netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(major, 0), Parent: netlink.HANDLE_ROOT},
			QdiscType:  kind,
		})
		if err != nil {
			return fmt.Errorf("queueing discipline %s at %s: %w", kind, device, err)
		}
		return nil
	}))
}

// Inode returns the inode number of a socket.
func Inode(t testing.TB, socket any) uint64 {
	t.Helper()
	raw, err := socket.(syscall.Conn).SyscallConn()
	must(t, err)
	var stat unix.Stat_t
	controlErr := raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &stat) })
	must(t, errors.Join(err, controlErr))
	return stat.Ino
}
