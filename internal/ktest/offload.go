// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Offload is an offload of a device, as the ethtool command that switches it.
type Offload uint32

// The commands ETHTOOL_STXCSUM, ETHTOOL_STSO and ETHTOOL_SGRO (linux/ethtool.h).
const (
	// Checksum is checksum offload of sent packets. A veth device has it but computes no checksums, so packets
	// that an XDP program sends on have wrong checksums and are dropped.
	Checksum Offload = 0x17
	// TSO is TCP segmentation offload.
	TSO Offload = 0x1f
	// GRO merges received segments into large packets. A veth device needs NAPI for it, which it has since 5.13
	// or with an XDP program.
	GRO Offload = 0x2c
)

// SetOffload switches an offload of a device on or off.
func SetOffload(t testing.TB, n *Netns, device string, o Offload, on bool) {
	t.Helper()
	must(t, n.Do(func() error { return o.set(device, on) }))
}

// set makes the ioctl of ethtool(8): an interface request that points to a command with its value.
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

// DisableGSO sets gso_max_segs of a device to 1, so that the stack segments GSO packets before it passes them to the
// device.
func DisableGSO(t testing.TB, n *Netns, device string) {
	t.Helper()
	must(t, n.withLink(device, func(l netlink.Link) error { return netlink.LinkSetGSOMaxSegs(l, 1) }))
}

// SetMTU sets the MTU of a device.
func SetMTU(t testing.TB, n *Netns, device string, mtu int) {
	t.Helper()
	must(t, n.withLink(device, func(l netlink.Link) error { return netlink.LinkSetMTU(l, mtu) }))
}

// withLink calls f in the namespace with one of its devices.
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
