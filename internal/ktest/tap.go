// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// NewTap opens a socket that gets a clone of each packet that a device sends or
// receives, as tcpdump does. Nobody reads it, so that clones stay for as long as
// the test does.
func NewTap(t testing.TB, n *Netns, device string) {
	t.Helper()
	must(t, n.Do(func() error {
		d, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		all := binary.NativeEndian.Uint16(big16(unix.ETH_P_ALL))
		return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: d.Index, Protocol: all})
	}))
}
