// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Tap is a socket that receives a clone of each packet that a device sends or receives, as tcpdump does.
type Tap struct{ fd int }

// NewTap opens a tap, and closes it at the end of the test. The clones, as many as fit into its queue, exist until
// [Tap.Drain].
func NewTap(t testing.TB, n *Netns, device string) *Tap {
	t.Helper()
	tap := new(Tap)
	must(t, n.Do(func() error {
		d, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		tap.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(tap.fd) })
		all := binary.NativeEndian.Uint16(big16(unix.ETH_P_ALL))
		return unix.Bind(tap.fd, &unix.SockaddrLinklayer{Ifindex: d.Index, Protocol: all})
	}))
	return tap
}

// Drain frees the clones in the queue and returns their number.
func (tap *Tap) Drain() (int, error) {
	for n, b := 0, make([]byte, 1<<16); ; n++ {
		_, _, err := unix.Recvfrom(tap.fd, b, 0)
		if errors.Is(err, unix.EAGAIN) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
