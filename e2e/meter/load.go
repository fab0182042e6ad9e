// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wire is a pair of UDP sockets on loopback, which are connected to each other.
type wire struct{ a, b int }

func newWire() (wire, error) {
	var w wire
	var ends [2]*unix.SockaddrInet4
	for i, fd := range []*int{&w.a, &w.b} {
		var err error
		if *fd, ends[i], err = bound(); err != nil {
			return w, err
		}
	}
	if err := unix.Connect(w.a, ends[1]); err != nil {
		return w, err
	}
	return w, unix.Connect(w.b, ends[0])
}

func bound() (int, *unix.SockaddrInet4, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, nil, fmt.Errorf("socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, nil, fmt.Errorf("bind to loopback: %w", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return -1, nil, err
	}
	end, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return -1, nil, fmt.Errorf("socket has the name %v", name)
	}
	return fd, end, nil
}

func (w wire) close() {
	unix.Close(w.a)
	unix.Close(w.b)
}

// exchange sends and receives n requests and responses on one thread, which never blocks, and returns the elapsed time.
// It uses raw system calls, so that Go's scheduler does not run other goroutines during a system call.
func (w wire) exchange(n int) (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := make([]byte, 64)
	began := time.Now()
	for range n {
		for _, hop := range [][2]int{{w.a, w.b}, {w.b, w.a}} {
			if err := raw(unix.SYS_WRITE, hop[0], b); err != nil {
				return 0, err
			}
			if err := raw(unix.SYS_READ, hop[1], b); err != nil {
				return 0, err
			}
		}
	}
	return time.Since(began), nil
}

// raw reads or writes all of b.
func raw(call uintptr, fd int, b []byte) error {
	n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return errno
	}
	if int(n) != len(b) {
		return fmt.Errorf("%d of %d bytes", n, len(b))
	}
	return nil
}
