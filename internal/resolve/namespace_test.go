// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/input"
	"tracer/internal/ktest"
)

// TestNamespaceIsNotKept checks that the files of a namespace are closed when it is idle, since they keep it alive.
func TestNamespaceIsNotKept(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-idle")
	h := newHost(t, "none")
	h.idle = idle
	h.Listeners(n.Inode, TCP, 80)
	isOpen := func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.namespaces[n.Inode].file != nil
	}
	if !isOpen() {
		t.Error("closed at once")
	}
	for end := time.Now().Add(10 * idle); isOpen(); time.Sleep(idle / 10) {
		if time.Now().After(end) {
			t.Fatal("still open")
		}
	}
	if _, ok := h.Listeners(n.Inode, TCP, 80); !ok {
		t.Error("not opened again")
	}
}

// TestNamespaceOfAnotherTime checks that nothing is remembered of a namespace whose inode number is used again.
func TestNamespaceOfAnotherTime(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-reuse")
	h := newHost(t, "none")
	h.Watch(n.Inode)
	ns := h.namespaces[n.Inode]
	if ns.rules.known == nil {
		t.Fatal("nothing was noted")
	}
	ns.cookie++ // as if it was another one
	if _, err := h.enter(n.Inode); err != nil {
		t.Fatal(err)
	}
	if ns.rules.known != nil {
		t.Error("the rules of the other namespace are remembered")
	}
}

// TestOwnNamespace checks that questions about this process's namespace need no capability to enter it.
func TestOwnNamespace(t *testing.T) {
	ktest.Root(t)
	var stat unix.Stat_t
	if err := unix.Stat(input.OwnNetns, &stat); err != nil {
		t.Fatal(err)
	}
	h := newHost(t, "none")
	// The other threads keep their capabilities, so this one may not look at the files of the process.
	h.namespaces[uint32(stat.Ino)] = &namespace{inode: uint32(stat.Ino), path: input.OwnNetns}
	done := make(chan bool)
	go func() {
		runtime.LockOSThread() // for ever: the thread has lost its capabilities
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			t.Error(err)
		}
		_, ok := h.Listeners(uint32(stat.Ino), TCP, 80)
		done <- ok
	}()
	if !<-done {
		t.Error("no answer")
	}
}

// TestPathOfAnotherNamespace checks that a path that now leads elsewhere is not used.
func TestPathOfAnotherNamespace(t *testing.T) {
	n, other := ktest.NewNetns(t, "resolve-path"), ktest.NewNetns(t, "resolve-other")
	h := newHost(t, "none")
	h.namespaces[n.Inode] = &namespace{inode: n.Inode, path: other.Path}
	ns, err := h.enter(n.Inode)
	if err != nil || ns.path != n.Path {
		t.Errorf("path %q, error %v", ns.path, err)
	}
}

// TestAbsentNamespace checks that a namespace that is not there is searched for only now and then.
func TestAbsentNamespace(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-absent")
	h := newHost(t, "none")
	h.namespaces[n.Inode] = &namespace{inode: n.Inode, path: "/nonexistent", absent: pace{time.Now().Add(time.Hour)}}
	if _, err := h.enter(n.Inode); err == nil {
		t.Error("searched at once")
	}
	h.namespaces[n.Inode].absent = pace{}
	if _, err := h.enter(n.Inode); err != nil {
		t.Error(err)
	}
}

func TestNamespacesAreForgotten(t *testing.T) {
	h := newHost(t, "none")
	for inode := range uint32(namespacesMost) {
		h.namespaces[inode] = &namespace{inode: inode}
	}
	h.namespaces[7].file = os.Stdin
	h.forget()
	if len(h.namespaces) != 1 {
		t.Errorf("%d are left", len(h.namespaces))
	}
	h.namespaces[7].file = nil
}
