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

// Cgroup is a group of processes of cgroup v2.
type Cgroup struct {
	Path string
	// ID is the number by which the kernel tells groups apart.
	ID uint64
}

// cgroupMount is where the second version is mounted, alone or beside the first.
var cgroupMount = regexp.MustCompile(`(?m)^\S+ (/sys/fs/cgroup\S*) cgroup2 `)

// NewCgroup makes a group at the top of the hierarchy, which goes away with the
// test. Its name starts with the one given.
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

// Below makes a group within this one.
func (g *Cgroup) Below(t testing.TB, name string) *Cgroup {
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

// removeCgroup moves who is still there one group up, and waits for processes that
// have ended to be gone.
func removeCgroup(path string) error {
	above := &Cgroup{Path: filepath.Dir(path)}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		members, _ := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		for _, pid := range strings.Fields(string(members)) {
			above.write(pid) // it may end meanwhile
		}
		err := os.Remove(path)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// LimitMemory sets how much memory the processes of the group may use. It needs a kernel where the
// second version of control groups counts memory.
func (g *Cgroup) LimitMemory(t testing.TB, bytes int) {
	t.Helper()
	err := os.WriteFile(filepath.Join(filepath.Dir(g.Path), "cgroup.subtree_control"), []byte("+memory"), 0)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		t.Skip("cgroup v2 does not count memory here")
	}
	must(t, err)
	must(t, os.WriteFile(filepath.Join(g.Path, "memory.max"), []byte(strconv.Itoa(bytes)), 0))
}

// Open returns a descriptor of the group, for processes that begin in it.
func (g *Cgroup) Open(t testing.TB) int {
	t.Helper()
	fd, err := unix.Open(g.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// Killed counts the processes of the group that the kernel has killed for want of memory.
func (g *Cgroup) Killed(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.Path, "memory.events"))
	must(t, err)
	m := killedLine.FindSubmatch(text)
	if m == nil {
		t.Fatalf("no line of kills in %q", text)
	}
	return string(m[1])
}

var killedLine = regexp.MustCompile(`(?m)^oom_kill (\d+)$`)

// Add moves a process into the group. Sockets that it opens from now on belong
// to the group.
func (g *Cgroup) Add(pid int) error {
	return g.write(strconv.Itoa(pid))
}

func (g *Cgroup) write(pid string) error {
	return os.WriteFile(filepath.Join(g.Path, "cgroup.procs"), []byte(pid), 0)
}

// CgroupOf is the group that this process is in.
func CgroupOf(t testing.TB) *Cgroup {
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

// ownCgroup finds the group of the second version in /proc/self/cgroup.
var ownCgroup = regexp.MustCompile(`(?m)^0::(\S+)$`)
