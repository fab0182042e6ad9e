// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// ListenBacklog listens for TCP in the namespace of the calling thread, with an accept queue for backlog+1
// connections. Package net always uses the maximum (net.core.somaxconn).
func ListenBacklog(on netip.AddrPort, backlog int) (net.Listener, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	bindErr := unix.Bind(fd, &unix.SockaddrInet4{Port: int(on.Port()), Addr: on.Addr().As4()})
	if err := errors.Join(bindErr, unix.Listen(fd, backlog)); err != nil {
		return nil, err
	}
	return net.FileListener(f)
}
