// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestRoutesNeighbourAndQdisc(t *testing.T) {
	a, b := NewNetns(t, "a"), NewNetns(t, "b")
	near, far := netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("10.9.0.2")
	NewVeth(t,
		End{Netns: a, Name: "va", Addresses: []netip.Prefix{netip.PrefixFrom(near, 24)}},
		End{Netns: b, Name: "vb", Addresses: []netip.Prefix{netip.PrefixFrom(far, 24)}})
	refused, ruled := netip.MustParsePrefix("10.51.0.0/16"), netip.MustParsePrefix("10.53.0.0/16")
	NewUnreachableRoute(t, a, refused)
	NewPolicyRoute(t, a, ruled, far, 123)
	SetNeighbour(t, a, "va", far, net.HardwareAddr{2, 0, 0, 0, 0, 7})
	must(t, a.Do(func() error {
		if _, err := netlink.RouteGet(refused.Addr().Next().AsSlice()); !errors.Is(err, unix.EHOSTUNREACH) {
			t.Errorf("route to %s: %v", refused, err)
		}
		routes, err := netlink.RouteGet(ruled.Addr().Next().AsSlice())
		if err != nil || routes[0].Table != 123 {
			t.Errorf("route to %s: %v, %v", ruled, routes, err)
		}
		return nil
	}))
	must(t, a.withLink("va", func(l netlink.Link) error {
		list, err := netlink.NeighList(l.Attrs().Index, netlink.FAMILY_V4)
		if err != nil || len(list) != 1 || list[0].State != netlink.NUD_PERMANENT || list[0].HardwareAddr.String() != "02:00:00:00:00:07" {
			t.Errorf("neighbours %v, %v", list, err)
		}
		return nil
	}))
	SetQdisc(t, a, "va", "pfifo", 0x4321)
	must(t, a.withLink("va", func(l netlink.Link) error {
		list, err := netlink.QdiscList(l)
		if err != nil || len(list) != 1 || list[0].Type() != "pfifo" || list[0].Attrs().Handle != 0x43210000 {
			t.Errorf("queueing disciplines %v, %v", list, err)
		}
		return nil
	}))
}

func TestInodesOfSocketsDiffer(t *testing.T) {
	open := func() uint64 {
		c, err := ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
		must(t, err)
		t.Cleanup(func() { c.Close() })
		return Inode(t, c)
	}
	if a, b := open(), open(); a == 0 || a == b {
		t.Errorf("inodes %d and %d", a, b)
	}
}
