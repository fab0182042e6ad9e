// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tracer/internal/ktest"
)

// ownInode returns the inode number of our namespace.
func ownInode(t *testing.T) uint32 {
	t.Helper()
	var inode uint32
	link, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(link, "net:[%d]", &inode); err != nil {
		t.Fatal(err)
	}
	return inode
}

// named creates a folder with a single named namespace, which is a link to target.
func named(t *testing.T, name, target string) {
	t.Helper()
	old := namedNetns
	t.Cleanup(func() { namedNetns = old })
	namedNetns = t.TempDir()
	if err := os.Symlink(target, filepath.Join(namedNetns, name)); err != nil {
		t.Fatal(err)
	}
}

func TestNetnsNames(t *testing.T) {
	named(t, "blue", "/proc/self/ns/net")
	if names := NetnsNames(); len(names) != 1 || names[0] != "blue" {
		t.Errorf("%q, want blue", names)
	}
	namedNetns = filepath.Join(namedNetns, "none")
	if names := NetnsNames(); len(names) > 0 {
		t.Errorf("%q, want nothing", names)
	}
}

func TestNetnsInode(t *testing.T) {
	named(t, "blue", "/proc/self/ns/net")
	inode := ownInode(t)
	for spec, path := range map[string]string{
		"/proc/self/ns/net":             "/proc/self/ns/net",
		"blue":                          namedNetns + "/blue",
		fmt.Sprint("pid:", os.Getpid()): fmt.Sprintf("/proc/%d/ns/net", os.Getpid()),
		fmt.Sprint("inode:", inode):     namedNetns + "/blue",
	} {
		got, gotPath, err := NetnsInode(spec)
		if err != nil || got != inode || gotPath != path {
			t.Errorf("%q is inode %d at %q (%v), want %d at %q", spec, got, gotPath, err, inode, path)
		}
	}
}

func TestNetnsInodeWithoutName(t *testing.T) {
	named(t, "other", "/proc/self/ns/mnt")
	inode := ownInode(t)
	_, path, err := NetnsInode(fmt.Sprint("inode:", inode))
	if err != nil || path != "/proc/self/ns/net" {
		t.Errorf("our own namespace is at %q (%v), want /proc/self/ns/net", path, err)
	}
}

// TestNetnsInodeOfAContainer checks a namespace in a folder of container engines.
func TestNetnsInodeOfAContainer(t *testing.T) {
	named(t, "other", "/proc/self/ns/mnt")
	old := containerNetns
	t.Cleanup(func() { containerNetns = old })
	folder := t.TempDir()
	containerNetns = []string{folder}
	if err := os.Symlink("/proc/self/ns/net", filepath.Join(folder, "1234abcd")); err != nil {
		t.Fatal(err)
	}
	_, path, err := NetnsInode(fmt.Sprint("inode:", ownInode(t)))
	if want := filepath.Join(folder, "1234abcd"); err != nil || path != want {
		t.Errorf("the namespace is at %q (%v), want %s", path, err, want)
	}
}

func TestNetnsInodeWithoutFile(t *testing.T) {
	inode, path, err := NetnsInode("inode:1")
	if inode != 1 || path != "" || err != nil {
		t.Errorf("inode %d at %q (%v), want 1, no path, no error", inode, path, err)
	}
}

func TestNetnsErrors(t *testing.T) {
	named(t, "blue", "/proc/self/ns/mnt")
	for spec, want := range map[string]string{
		"":                  `netns "": empty name`,
		"green":             `netns "green": no such file or directory`,
		"blue":              `netns "blue": not a network namespace`,
		"/dev/null":         `netns "/dev/null": not a network namespace`,
		"/no/such":          `netns "/no/such": no such file or directory`,
		"pid:1x":            `netns "pid:1x": not a process id`,
		"pid:2147483646":    `netns "pid:2147483646": no such process`,
		"inode:0":           `netns "inode:0": not an inode number`,
		"inode:-1":          `netns "inode:-1": not an inode number`,
		"inode:99999999999": `netns "inode:99999999999": not an inode number`,
	} {
		_, _, err := NetnsInode(spec)
		if err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", spec, err, want)
			continue
		}
		var input *Error
		if !errors.As(err, &input) || !input.Usage() || !strings.HasSuffix(input.Hint(), "the names are blue") {
			t.Errorf("%q: %#v, want a usage error with a hint that lists blue", spec, err)
		}
	}
}

// TestBareNumbers checks the hints for numbers without inode: or pid:, since users copy inode numbers from columns.
func TestBareNumbers(t *testing.T) {
	named(t, "12", "/proc/self/ns/net")
	if inode, _, err := NetnsInode("12"); err != nil || inode != ownInode(t) {
		t.Errorf("a name of digits: inode %d, error %v", inode, err)
	}
	for spec, hint := range map[string]string{
		"4026533589": "type --filter-netns inode:4026533589 for the namespace with this inode number",
		"4242":       "type --filter-netns pid:4242 for the namespace of this process, or inode:4242 for the one with this inode number",
	} {
		_, _, err := NetnsInode(spec)
		checkInput(t, err, `netns "`+spec+`": no namespace has this name`, hint)
	}
}

func TestMissingPermissionIsNoUsageError(t *testing.T) {
	err := netnsError("pid:1", syscall.EACCES)
	var input *Error
	if !errors.As(err, &input) || input.Usage() || !strings.Contains(input.Hint(), "CAP_SYS_PTRACE") {
		t.Errorf("%v, want an error that is not the user's, with the capability in the hint", err)
	}
}

func TestNetnsByNameOfIP(t *testing.T) {
	blue := ktest.NewNetns(t, "input")
	inode, path, err := NetnsInode(blue.Name)
	if err != nil || inode != blue.Inode || path != blue.Path {
		t.Errorf("%q is inode %d at %q (%v), want %d at %q", blue.Name, inode, path, err, blue.Inode, blue.Path)
	}
	inode, path, err = NetnsInode(fmt.Sprint("inode:", blue.Inode))
	if err != nil || inode != blue.Inode || path != blue.Path {
		t.Errorf("inode %d is inode %d at %q (%v), want it at %q", blue.Inode, inode, path, err, blue.Path)
	}
}
