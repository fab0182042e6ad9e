// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/jsimonetti/rtnetlink/v2/driver"
	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// End is a device, or one end of a veth pair: its namespace, its name and its addresses.
type End struct {
	Netns     *Netns
	Name      string
	Addresses []netip.Prefix
}

// NewVeth connects two namespaces with a pair of devices, which are up and have their addresses. The pair is
// removed with either namespace.
func NewVeth(t testing.TB, a, b End) {
	t.Helper()
	NewVethNoWait(t, a, b)
	a.AwaitUp(t)
	b.AwaitUp(t)
}

// NewVethNoWait is NewVeth without waiting for the devices to be up, for tests with many pairs: they call
// [End.AwaitUp] after all pairs exist.
func NewVethNoWait(t testing.TB, a, b End) {
	t.Helper()
	must(t, a.Netns.Do(func() error { return newVeth(a, b) }))
	a.use(t)
	b.use(t)
}

// AwaitUp waits until a device can be used.
func (e End) AwaitUp(t testing.TB) {
	t.Helper()
	must(t, e.Netns.awaitUp(e.Name))
}

// AddAddress adds an address to a device.
func AddAddress(t testing.TB, n *Netns, device string, p netip.Prefix) {
	t.Helper()
	must(t, n.address(device, p))
}

// use adds the addresses and sets the device up.
func (e End) use(t testing.TB) {
	t.Helper()
	for _, p := range e.Addresses {
		must(t, e.Netns.address(e.Name, p))
	}
	must(t, e.Netns.raise(e.Name))
}

func newVeth(a, b End) error {
	other, err := os.Open(b.Netns.Path)
	if err != nil {
		return err
	}
	defer other.Close()
	peer := &rtnetlink.LinkMessage{Attributes: &rtnetlink.LinkAttributes{
		Name: b.Name, NetNS: rtnetlink.NetNSForFD(uint32(other.Fd())),
	}}
	return newLink(a.Name, "veth", &driver.Veth{PeerInfo: peer})
}

// NewDummy creates a device that discards everything sent to it, up and with addresses.
func NewDummy(t testing.TB, e End) {
	t.Helper()
	must(t, e.Netns.Do(func() error { return newLink(e.Name, "dummy", nil) }))
	e.use(t)
}

func newLink(name, kind string, data rtnetlink.LinkDriver) error {
	return newLinkOn(0, name, kind, data)
}

// newLinkOn creates a device on top of the device with index lower; 0 means none.
func newLinkOn(lower uint32, name, kind string, data rtnetlink.LinkDriver) error {
	return withRoute(func(c *rtnetlink.Conn) error {
		err := c.Link.New(&rtnetlink.LinkMessage{Attributes: &rtnetlink.LinkAttributes{
			Name: name, Info: &rtnetlink.LinkInfo{Kind: kind, Data: data},
			Type: lower, // the library's name for IFLA_LINK
		}})
		if err != nil {
			return fmt.Errorf("new device %q of kind %s: %w", name, kind, err)
		}
		return nil
	})
}

// DeleteLink removes a device.
func (n *Netns) DeleteLink(name string) error {
	return n.withDevice(name, func(c *rtnetlink.Conn, index uint32) error { return c.Link.Delete(index) })
}

func (n *Netns) raise(name string) error {
	return n.withDevice(name, func(c *rtnetlink.Conn, index uint32) error {
		return c.Link.Set(&rtnetlink.LinkMessage{Index: index, Flags: unix.IFF_UP, Change: unix.IFF_UP})
	})
}

// awaitUp waits until the device is operational, up to a second after both ends are up. IPv6 sends nothing
// before.
func (n *Netns) awaitUp(name string) error {
	return n.withDevice(name, func(c *rtnetlink.Conn, index uint32) error {
		for deadline := time.Now().Add(2 * answerTimeout); ; time.Sleep(10 * time.Millisecond) {
			device, err := c.Link.Get(index)
			if err != nil {
				return err
			}
			if device.Attributes.OperationalState == rtnetlink.OperStateUp {
				return nil
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("still in operational state %d", device.Attributes.OperationalState)
			}
		}
	})
}

// address adds an address that can be used at once, without duplicate address detection.
func (n *Netns) address(name string, p netip.Prefix) error {
	family := uint8(unix.AF_INET)
	if p.Addr().Is6() {
		family = unix.AF_INET6
	}
	ip := net.IP(p.Addr().AsSlice())
	return n.withDevice(name, func(c *rtnetlink.Conn, index uint32) error {
		return c.Address.New(&rtnetlink.AddressMessage{
			Family: family, PrefixLength: uint8(p.Bits()), Index: index,
			Attributes: &rtnetlink.AddressAttributes{Address: ip, Local: ip, Flags: unix.IFA_F_NODAD},
		})
	})
}

// withDevice calls f in the namespace with the index of a device.
func (n *Netns) withDevice(name string, f func(*rtnetlink.Conn, uint32) error) error {
	return n.Do(func() error {
		device, err := net.InterfaceByName(name)
		if err != nil {
			return fmt.Errorf("device %q: %w", name, err)
		}
		return withRoute(func(c *rtnetlink.Conn) error {
			if err := f(c, uint32(device.Index)); err != nil {
				return fmt.Errorf("device %q: %w", name, err)
			}
			return nil
		})
	})
}

func withRoute(f func(*rtnetlink.Conn) error) error {
	c, err := rtnetlink.Dial(nil)
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.Close())
}

// SetDown sets a device down.
func SetDown(t testing.TB, n *Netns, device string) {
	t.Helper()
	must(t, n.withDevice(device, func(c *rtnetlink.Conn, index uint32) error {
		return c.Link.Set(&rtnetlink.LinkMessage{Index: index, Change: unix.IFF_UP})
	}))
}

// SetARPOff makes a device take no part in ARP.
func SetARPOff(t testing.TB, n *Netns, device string) {
	t.Helper()
	must(t, n.withLink(device, func(l nl.Link) error { return nl.LinkSetARPOff(l) }))
}
