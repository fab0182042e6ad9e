// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// TestTables checks that the trial's table drops its datagram, and that its handles are listed, in a network namespace that
// ends with the thread, and not on the main thread.
func TestTables(t *testing.T) {
	ktest.Root(t)
	before := inode(t)
	var want listed
	err := onThread(func() error {
		if unix.Gettid() == unix.Getpid() {
			t.Error("the trial runs on the main thread")
		}
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		name, err := nameThread()
		if err != nil {
			return err
		}
		if len(name) != commSize || strings.IndexByte(name, 0) < 0 {
			t.Errorf("thread name %x", name)
		}
		if want, err = addTables(strings.TrimRight(name, "\x00")); err != nil {
			return err
		}
		return send()
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, handle := range []uint64{want.tableHandle, want.early, want.first, want.second, want.jump, want.drop} {
		if handle == 0 {
			t.Errorf("handle %d is 0: %+v", i, want)
		}
	}
	if after := inode(t); after != before {
		t.Errorf("this thread was in the network namespace %d, and is in %d", before, after)
	}
}

// inode returns the inode of the thread's network namespace.
func inode(t *testing.T) uint64 {
	t.Helper()
	var s unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &s); err != nil {
		t.Fatal(err)
	}
	return s.Ino
}
