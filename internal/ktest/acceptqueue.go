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
	family, addr := sockaddr(on)
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	if err := errors.Join(unix.Bind(fd, addr), unix.Listen(fd, backlog)); err != nil {
		return nil, err
	}
	return net.FileListener(f)
}

// sockaddr returns the address of a socket for the system calls, and its family.
func sockaddr(of netip.AddrPort) (family int, addr unix.Sockaddr) {
	if of.Addr().Is6() {
		return unix.AF_INET6, &unix.SockaddrInet6{Port: int(of.Port()), Addr: of.Addr().As16()}
	}
	return unix.AF_INET, &unix.SockaddrInet4{Port: int(of.Port()), Addr: of.Addr().As4()}
}
