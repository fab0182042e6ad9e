// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inodeOf returns the inode number of a socket.
func inodeOf(t *testing.T, conn syscall.Conn) uint64 {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := errors.Join(raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &stat) }), err); err != nil {
		t.Fatal(err)
	}
	return stat.Ino
}

func TestSocketsOfThisProcess(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	inode := inodeOf(t, conn)
	var comm string
	ours := func(pid uint32, c string) bool {
		if pid != uint32(os.Getpid()) {
			return false
		}
		comm = c
		return true
	}
	got, _, err := Sockets(ours)
	if err != nil || !slices.Contains(got, inode) {
		t.Errorf("sockets %v (%v), want %d among them", got, err, inode)
	}
	if want := filepath.Base(os.Args[0]); comm != want[:min(len(want), nameMost)] {
		t.Errorf("comm %q, want %q truncated to 15 bytes", comm, want)
	}
	got, _, err = Sockets(func(uint32, string) bool { return false })
	if err != nil || len(got) != 0 {
		t.Errorf("sockets of no process: %v, %v", got, err)
	}
}

// fakeProc replaces /proc by one with a single process, whose open files are the given links.
func fakeProc(t *testing.T, pid int, links ...string) {
	t.Helper()
	old := proc
	t.Cleanup(func() { proc = old })
	proc = t.TempDir()
	fds := filepath.Join(proc, fmt.Sprint(pid), "fd")
	if err := errors.Join(os.MkdirAll(fds, 0o755), os.WriteFile(filepath.Join(proc, fmt.Sprint(pid), "comm"), []byte("curl\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for i, link := range links {
		if err := os.Symlink(link, filepath.Join(fds, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSocketsAreFoundOnce(t *testing.T) {
	fakeProc(t, 12, "/dev/null", "socket:[99]", "pipe:[5]", "socket:[7]", "socket:[99]", "anon_inode:[eventpoll]", "socket:[x]")
	got, hidden, err := Sockets(func(pid uint32, comm string) bool { return pid == 12 && comm == "curl" })
	if len(hidden) != 0 {
		t.Errorf("processes %v are hidden", hidden)
	}
	if err != nil || !slices.Equal(got, []uint64{7, 99}) {
		t.Errorf("%v (%v), want 7 and 99", got, err)
	}
}

func TestAProcessThatEndsHasNoSockets(t *testing.T) {
	fakeProc(t, 12)
	if err := os.Remove(filepath.Join(proc, "12", "fd")); err != nil {
		t.Fatal(err)
	}
	if got, _, err := Sockets(func(uint32, string) bool { return true }); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestMissingPermissionIsReturned(t *testing.T) {
	if err := ignoreEnded(fs.ErrPermission); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error %v", err)
	}
}

func BenchmarkSockets(b *testing.B) {
	for b.Loop() {
		if _, _, err := Sockets(func(uint32, string) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
}
