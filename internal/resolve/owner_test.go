// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/input"
	"tracer/internal/ktest"
)

// inodeOf returns the inode number of a socket.
func inodeOf(t *testing.T, c *net.UDPConn) (inode uint64) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &stat) }); err != nil {
		t.Fatal(err)
	}
	return stat.Ino
}

func TestOwner(t *testing.T) {
	ktest.Root(t)
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	h := newHost(t, "none")
	p, ok := h.Owner(inodeOf(t, c))
	if !ok || p.String() != ourselves(t) || p.PID != uint32(os.Getpid()) {
		t.Errorf("%v, %+v, want %s", ok, p, ourselves(t))
	}
	if p, ok := h.Owner(0); ok {
		t.Errorf("inode 0: %+v", p)
	}
	if p, ok := h.Owner(1); ok {
		t.Errorf("inode 1: %+v", p)
	}
}

// TestOwnersAreReadAgain checks that an unknown socket is searched for, with pauses.
func TestOwnersAreReadAgain(t *testing.T) {
	ktest.Root(t)
	h := newHost(t, "none")
	h.Owner(1)
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	inode := inodeOf(t, c)
	h.owners.pace.next = time.Now().Add(time.Hour)
	if _, ok := h.Owner(inode); ok {
		t.Error("searched at once")
	}
	h.owners.pace.next = time.Now()
	if _, ok := h.Owner(inode); !ok {
		t.Error("not searched again")
	}
	if len(socketOwners(time.Now().Add(-time.Second))) > 1 {
		t.Error("a look at all processes goes on after its deadline")
	}
}

func TestProcessText(t *testing.T) {
	for want, p := range map[string]Process{
		"nginx[812]":              {812, "nginx", 0},
		"nginx[812] and 1 other":  {812, "nginx", 1},
		"nginx[812] and 3 others": {812, "nginx", 3},
	} {
		if got := p.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestSharedSocket checks which process is named for a socket that several have open.
func TestSharedSocket(t *testing.T) {
	for _, test := range []struct {
		first Process
		other input.Process
		want  Process
	}{
		{Process{812, "nginx", 0}, input.Process{PID: 813, Comm: "worker"}, Process{812, "nginx", 1}},
		{Process{813, "worker", 1}, input.Process{PID: 812, Comm: "nginx"}, Process{812, "nginx", 2}},
		{Process{1, "systemd", 0}, input.Process{PID: 900, Comm: "sshd"}, Process{900, "sshd", 1}},
		{Process{900, "sshd", 0}, input.Process{PID: 1, Comm: "systemd"}, Process{900, "sshd", 1}},
	} {
		if got := test.first.with(test.other); got != test.want {
			t.Errorf("%v with %v: %+v, want %+v", test.first, test.other, got, test.want)
		}
	}
}
