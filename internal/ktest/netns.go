// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// netnsFolder is where `ip netns` keeps its names.
const netnsFolder = "/run/netns"

// Netns is a named network namespace, as `ip netns add` creates it. Its loopback device is up.
type Netns struct {
	Name, Path string
	// Inode is the kernel's number of the namespace.
	Inode uint32
}

// NewNetns creates a namespace, and removes it at the end of the test. Its name starts with name and differs
// between runs, so that several can run at the same time.
func NewNetns(t testing.TB, name string) *Netns {
	t.Helper()
	Root(t)
	n := &Netns{Name: fmt.Sprintf("%s-%d", name, os.Getpid())}
	n.Path = filepath.Join(netnsFolder, n.Name)
	must(t, os.MkdirAll(netnsFolder, 0o755))
	must(t, os.WriteFile(n.Path, nil, 0o444))
	t.Cleanup(func() { n.remove(t) })
	must(t, onThread(func() error { return bindNewNetns(n.Path) }))
	var st unix.Stat_t
	must(t, unix.Stat(n.Path, &st))
	n.Inode = uint32(st.Ino)
	must(t, n.raise("lo"))
	return n
}

func bindNewNetns(path string) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("new network namespace: %w", err)
	}
	return unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
}

func (n *Netns) remove(t testing.TB) {
	err := errors.Join(unix.Unmount(n.Path, unix.MNT_DETACH), os.Remove(n.Path))
	if err != nil {
		t.Errorf("remove network namespace %q: %v", n.Name, err)
	}
}

// Do calls f on a thread in the namespace. Sockets that f opens stay in it.
func (n *Netns) Do(f func() error) error {
	return onThread(func() error {
		if err := n.enter(); err != nil {
			return err
		}
		return f()
	})
}

// DoAs is Do on a thread with its own name, which is the process name in the kernel (at most 15 bytes).
func (n *Netns) DoAs(comm string, f func() error) error {
	return n.Do(func() error {
		if err := os.WriteFile("/proc/thread-self/comm", []byte(comm), 0); err != nil {
			return err
		}
		return f()
	})
}

func (n *Netns) enter() error {
	f, err := os.Open(n.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %q: %w", n.Name, err)
	}
	return nil
}

// onThread calls f on a separate thread that ends with f, so f may leave it in any state.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}
