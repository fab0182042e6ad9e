// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Offload is something that a device may do for the network stack.
type Offload uint32

// The commands that switch offloads, of linux/ethtool.h.
const (
	// Checksum leaves it to the device to fill in checksums. A veth device has it
	// and does nothing, which an XDP program that sends packets on makes visible:
	// they are then thrown away as damaged.
	Checksum Offload = 0x17
	// TSO leaves it to the device to cut TCP's big packets into segments.
	TSO Offload = 0x1f
	// GRO joins segments into big packets when they come in. A veth device needs to
	// poll for that: it does since 5.13 or with an XDP program.
	GRO Offload = 0x2c
)

// SetOffload switches an offload of a device.
func SetOffload(t testing.TB, n *Netns, device string, o Offload, on bool) {
	t.Helper()
	must(t, n.Do(func() error { return o.set(device, on) }))
}

// set is the call that ethtool(8) makes: an interface request that points to a
// command with its value.
func (o Offload) set(device string, on bool) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	command := struct{ command, value uint32 }{command: uint32(o)}
	if on {
		command.value = 1
	}
	var request struct {
		name    [unix.IFNAMSIZ]byte
		command unsafe.Pointer
		_       [16]byte
	}
	copy(request.name[:], device)
	request.command = unsafe.Pointer(&command)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return fmt.Errorf("device %q: ethtool command %#x: %w", device, uint32(o), errno)
	}
	return nil
}

// CutSegments has the stack cut UDP's big packets before a device gets them.
func CutSegments(t testing.TB, n *Netns, device string) {
	t.Helper()
	must(t, n.withLink(device, func(l netlink.Link) error { return netlink.LinkSetGSOMaxSegs(l, 1) }))
}

// SetMTU sets how long a packet of a device may be.
func SetMTU(t testing.TB, n *Netns, device string, mtu int) {
	t.Helper()
	must(t, n.withLink(device, func(l netlink.Link) error { return netlink.LinkSetMTU(l, mtu) }))
}

// withLink calls f inside the namespace with one of its devices.
func (n *Netns) withLink(device string, f func(netlink.Link) error) error {
	return n.Do(func() error {
		l, err := netlink.LinkByName(device)
		if err == nil {
			err = f(l)
		}
		if err != nil {
			return fmt.Errorf("device %q: %w", device, err)
		}
		return nil
	})
}
