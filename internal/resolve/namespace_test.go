// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/input"
	"tracer/internal/ktest"
)

// TestNamespaceIsNotKept checks that the files of an idle namespace are closed, since they keep it alive.
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

// TestReusedInode checks that cached answers are dropped if another namespace has the same inode number.
func TestReusedInode(t *testing.T) {
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

// unprivileged is set in the environment of a child without capabilities.
const unprivileged = "RESOLVE_TEST_UNPRIVILEGED"

func TestMain(m *testing.M) {
	if os.Getenv(unprivileged) == "" {
		os.Exit(m.Run())
	}
	var stat unix.Stat_t
	err := unix.Stat(input.OwnNetns, &stat)
	answer, ok := New(Options{}).Listeners(uint32(stat.Ino), TCP, 1)
	fmt.Println(err, ok, answer)
}

// TestOwnNamespace checks that questions about this process's namespace need no capability to enter it.
func TestOwnNamespace(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-own")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), unprivileged+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var out []byte
	err := n.Do(func() (err error) {
		out, err = cmd.CombinedOutput()
		return err
	})
	if want := "<nil> true no socket listens on port 1 in this network namespace\n"; err != nil || string(out) != want {
		t.Errorf("%q (%v), want %q", out, err, want)
	}
}

// TestPathOfAnotherNamespace checks that the last path of a namespace is not used if it is now another namespace.
func TestPathOfAnotherNamespace(t *testing.T) {
	n, other := ktest.NewNetns(t, "resolve-path"), ktest.NewNetns(t, "resolve-other")
	h := newHost(t, "none")
	h.namespaces[n.Inode] = &namespace{inode: n.Inode, path: other.Path}
	ns, err := h.enter(n.Inode)
	if err != nil || ns.path != n.Path {
		t.Errorf("path %q, error %v", ns.path, err)
	}
}

// TestAbsentNamespace checks that searches for a namespace that does not exist have pauses.
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
