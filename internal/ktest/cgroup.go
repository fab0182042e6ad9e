// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Cgroup is a control group of cgroup v2.
type Cgroup struct {
	Path string
	// ID is the kernel's number of the group.
	ID uint64
}

// cgroupMount finds the mount point of cgroup v2, with or without a cgroup v1 hierarchy beside it.
var cgroupMount = regexp.MustCompile(`(?m)^\S+ (/sys/fs/cgroup\S*) cgroup2 `)

// NewCgroup creates a group at the top of the hierarchy, and removes it at the end of the test. Its name starts
// with name.
func NewCgroup(t testing.TB, name string) *Cgroup {
	t.Helper()
	Root(t)
	mounts, err := os.ReadFile("/proc/self/mounts")
	must(t, err)
	m := cgroupMount.FindSubmatch(mounts)
	if m == nil {
		t.Skip("no cgroup v2 is mounted")
	}
	return newCgroup(t, filepath.Join(string(m[1]), fmt.Sprintf("%s-%d", name, os.Getpid())))
}

// NewChild creates a child group.
func (g *Cgroup) NewChild(t testing.TB, name string) *Cgroup {
	t.Helper()
	return newCgroup(t, filepath.Join(g.Path, name))
}

func newCgroup(t testing.TB, path string) *Cgroup {
	t.Helper()
	must(t, os.Mkdir(path, 0o755))
	t.Cleanup(func() {
		if err := removeCgroup(path); err != nil {
			t.Error(err)
		}
	})
	var st unix.Stat_t
	must(t, unix.Stat(path, &st))
	return &Cgroup{Path: path, ID: st.Ino}
}

// removeCgroup moves the remaining processes to the parent group, and removes the group. It tries again while
// rmdir fails, since processes that are exiting still belong to the group (EBUSY).
func removeCgroup(path string) error {
	above := &Cgroup{Path: filepath.Dir(path)}
	for deadline := time.Now().Add(answerTimeout); ; time.Sleep(time.Millisecond) {
		members, _ := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		for _, pid := range strings.Fields(string(members)) {
			above.write(pid) // the process may end meanwhile
		}
		err := os.Remove(path)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// LimitMemory limits the memory of the group's processes. The test is skipped if cgroup v2 has no memory
// controller on this kernel.
func (g *Cgroup) LimitMemory(t testing.TB, bytes int) {
	t.Helper()
	err := os.WriteFile(filepath.Join(filepath.Dir(g.Path), "cgroup.subtree_control"), []byte("+memory"), 0)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		t.Skip("cgroup v2 does not count memory here")
	}
	must(t, err)
	must(t, os.WriteFile(filepath.Join(g.Path, "memory.max"), []byte(strconv.Itoa(bytes)), 0))
}

// Open returns a descriptor of the group, to start processes in it.
func (g *Cgroup) Open(t testing.TB) int {
	t.Helper()
	fd, err := unix.Open(g.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// OOMKills returns the counter oom_kill in memory.events: how many of the group's processes the OOM killer has
// killed.
func (g *Cgroup) OOMKills(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.Path, "memory.events"))
	must(t, err)
	m := killedLine.FindSubmatch(text)
	if m == nil {
		t.Fatalf("no oom_kill line in %q", text)
	}
	return string(m[1])
}

var killedLine = regexp.MustCompile(`(?m)^oom_kill (\d+)$`)

// Add moves a process into the group. Sockets that it opens from now on belong to the group.
func (g *Cgroup) Add(pid int) error {
	return g.write(strconv.Itoa(pid))
}

func (g *Cgroup) write(pid string) error {
	return os.WriteFile(filepath.Join(g.Path, "cgroup.procs"), []byte(pid), 0)
}

// OwnCgroup returns the group of this process.
func OwnCgroup(t testing.TB) *Cgroup {
	t.Helper()
	lines, err := os.ReadFile("/proc/self/cgroup")
	must(t, err)
	mounts, err := os.ReadFile("/proc/self/mounts")
	must(t, err)
	m, line := cgroupMount.FindSubmatch(mounts), ownCgroup.FindSubmatch(lines)
	if m == nil || line == nil {
		t.Skip("no cgroup v2 is mounted")
	}
	return &Cgroup{Path: filepath.Join(string(m[1]), string(line[1]))}
}

// ownCgroup finds the cgroup v2 line in /proc/self/cgroup.
var ownCgroup = regexp.MustCompile(`(?m)^0::(\S+)$`)
