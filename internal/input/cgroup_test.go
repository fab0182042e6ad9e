// SPDX-License-Identifier: Apache-2.0

package input

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// newCgroup makes a group below the root of cgroup2, and another one in it.
func newCgroup(t *testing.T) (mount, outer, inner string) {
	t.Helper()
	ktest.Root(t)
	mount = realMount(t)
	outer = filepath.Join(mount, fmt.Sprintf("tracer-test-%d", os.Getpid()))
	inner = filepath.Join(outer, "inner")
	for _, folder := range []string{outer, inner} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Rmdir(folder) }) // if it fails, Mkdir of a later run fails
	}
	return mount, outer, inner
}

// realMount returns the mount point of cgroup2 on this machine, or mounts it.
func realMount(t *testing.T) string {
	t.Helper()
	mounts, err := cgroupMounts()
	if err == nil {
		return mounts[0]
	}
	point := t.TempDir()
	if err := unix.Mount("none", point, "cgroup2", 0, ""); err != nil {
		t.Fatalf("mount cgroup2: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(point, 0) }) // a mount that stays does no harm
	return point
}

func inodeOfPath(t *testing.T, path string) uint64 {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Ino
}

func TestCgroup(t *testing.T) {
	mount, outer, inner := newCgroup(t)
	name := filepath.Base(outer)
	for spec, want := range map[string]string{
		"/":                                      mount,
		mount:                                    mount,
		name:                                     outer,
		"/" + name:                               outer,
		outer:                                    outer,
		outer + "/inner/":                        inner,
		name + "/inner/../inner":                 inner,
		fmt.Sprint(inodeOfPath(t, inner)):        inner,
		"./" + name + "/" + filepath.Base(inner): inner,
	} {
		id, err := Cgroup(spec)
		if err != nil || id != inodeOfPath(t, want) {
			t.Errorf("%q is %d (%v), want %d", spec, id, err, inodeOfPath(t, want))
		}
	}
}

func TestCgroupsBelow(t *testing.T) {
	mount, outer, _ := newCgroup(t)
	name := filepath.Base(outer)
	for spec, want := range map[string]string{"": name + "/", "/": name + "/", mount + "/": name + "/", name + "/": "inner", outer: "inner"} {
		if names := CgroupsBelow(spec); !slices.Contains(names, want) {
			t.Errorf("below %q are %q, want %q among them", spec, names, want)
		}
	}
	if names := CgroupsBelow("no/such"); len(names) > 0 {
		t.Errorf("%q, want nothing", names)
	}
}

func TestCgroupErrors(t *testing.T) {
	_, outer, _ := newCgroup(t)
	name := filepath.Base(outer)
	for spec, want := range map[string]string{
		"no/such":              "no such file or directory",
		"/../no":               "no such file or directory",
		name + "/cgroup.procs": "not a cgroup2 control group",
		"18446744073709551615": "no control group has that id",
	} {
		_, err := Cgroup(spec)
		checkInput(t, err, fmt.Sprintf("cgroup %q: %s", spec, want), "below the cgroup2 mount")
	}
}

func mountsOf(t *testing.T, text string) {
	t.Helper()
	old := mountinfo
	t.Cleanup(func() { mountinfo = old })
	mountinfo = filepath.Join(t.TempDir(), "mountinfo")
	if err := os.WriteFile(mountinfo, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const someMounts = `22 1 259:1 / / rw,relatime - ext4 /dev/root rw
31 30 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
40 30 0:37 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
41 30 0:37 /kube/pod /mnt/with\040blank rw,relatime - cgroup2 cgroup2 rw
`

func TestMountsOfCgroup2(t *testing.T) {
	mountsOf(t, someMounts)
	mounts, err := cgroupMounts()
	want := []string{"/sys/fs/cgroup/unified", "/mnt/with blank"}
	if err != nil || fmt.Sprint(mounts) != fmt.Sprint(want) {
		t.Errorf("%v (%v), want %v", mounts, err, want)
	}
	for spec, want := range map[string]string{
		"/mnt/with blank/c1":         "/mnt/with blank/c1",
		"/mnt/with blankness":        "/sys/fs/cgroup/unified/mnt/with blankness",
		"a/b":                        "/sys/fs/cgroup/unified/a/b",
		"/sys/fs/cgroup/unified/../": "/sys/fs/cgroup/unified/sys/fs/cgroup",
	} {
		if got := locate(spec, mounts); got != want {
			t.Errorf("%q is %s, want %s", spec, got, want)
		}
	}
}

func TestNoCgroup2(t *testing.T) {
	mountsOf(t, "22 1 259:1 / / rw,relatime - ext4 /dev/root rw\nshort\n")
	_, err := Cgroup("a")
	checkInput(t, err, `cgroup "a": cgroup2 is not mounted`, "mount -t cgroup2")
}
