// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestGSO checks that a GSO packet arrives in segments if the device has no segmentation offload.
func TestGSO(t *testing.T) {
	a, b := pair(t)
	SetOffload(t, a, "va", TSO, false)
	fd := received(t, b, "vb")
	s := Segment{From: at("10.9.0.1", 4000), To: at("10.9.0.2", 4001), Flags: 16, Payload: make([]byte, 250)}
	l := Link{Device: "va", To: HardwareAddr(t, b, "vb")}
	must(t, a.Do(func() error { return l.SendGSO(s, 100) }))
	var sizes []int
	for frame := make([]byte, 2000); len(sizes) < 3; {
		n, _, err := unix.Recvfrom(fd, frame, 0)
		if err != nil {
			t.Fatalf("segments with %d bytes, then: %v", sizes, err)
		}
		if n >= frameTCPData && frame[frameProtocol] == unix.IPPROTO_TCP && frame[frameTCP] == 4000>>8 {
			sizes = append(sizes, n-frameTCPData)
		}
	}
	if want := []int{100, 100, 50}; !slices.Equal(sizes, want) {
		t.Errorf("segments with %d bytes, want %d", sizes, want)
	}
}

// received returns a socket that receives the IPv4 packets of a device.
func received(t *testing.T, n *Netns, device string) (fd int) {
	t.Helper()
	must(t, n.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		link, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link.Index, Protocol: networkOrder(unix.ETH_P_IP)})
	}))
	return fd
}
