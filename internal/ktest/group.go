// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// JoinSource joins an IPv6 multicast group on a device for packets from one source, until the end of the test.
func JoinSource(t testing.TB, n *Netns, device string, group, source netip.Addr) {
	t.Helper()
	var fd int
	must(t, n.Do(func() (err error) {
		link, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.SetsockoptString(fd, unix.IPPROTO_IPV6, unix.MCAST_JOIN_SOURCE_GROUP, groupSource(link.Index, group, source))
	}))
	t.Cleanup(func() { unix.Close(fd) })
}

// groupSource is a struct group_source_req: the index of the device, and two struct sockaddr_storage.
func groupSource(index int, group, source netip.Addr) string {
	const storage, addressOf6 = 128, 8
	b := make([]byte, 8+2*storage)
	binary.NativeEndian.PutUint32(b, uint32(index))
	for i, address := range []netip.Addr{group, source} {
		at := b[8+i*storage:]
		binary.NativeEndian.PutUint16(at, unix.AF_INET6)
		copy(at[addressOf6:], address.AsSlice())
	}
	return string(b)
}
