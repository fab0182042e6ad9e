// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tracer/internal/event"
	"tracer/internal/ktest"
)

// noContainers has the names of `ip netns` alone count.
func noContainers(t *testing.T) {
	old := containerNetns
	t.Cleanup(func() { containerNetns = old })
	containerNetns = nil
}

func TestNameOfNetns(t *testing.T) {
	noContainers(t)
	named(t, "blue", "/proc/self/ns/net")
	n, inode := newNamespaces(), ownInode(t)
	if got := n.name(inode, 1); got != "blue" {
		t.Errorf("name %q, want blue", got)
	}
	for _, unknown := range []uint32{0, 1, inode + 1} {
		if got := n.name(unknown, 1); got != "" {
			t.Errorf("%d is named %q", unknown, got)
		}
	}
}

func TestContainersNetns(t *testing.T) {
	noContainers(t)
	named(t, "other", "/proc/self/ns/mnt")
	containerNetns = []string{"/no/such", t.TempDir()}
	link(t, filepath.Join(containerNetns[1], "1234abcd"))
	if got := newNamespaces().name(ownInode(t), 1); got != "1234abcd" {
		t.Errorf("name %q, want 1234abcd", got)
	}
	named(t, "blue", "/proc/self/ns/net")
	if got := newNamespaces().name(ownInode(t), 1); got != "blue" {
		t.Errorf("name %q, want blue, that of ip netns", got)
	}
}

func link(t *testing.T, path string) {
	t.Helper()
	if err := os.Symlink("/proc/self/ns/net", path); err != nil {
		t.Fatal(err)
	}
}

func TestOtherFilesAreNoNetns(t *testing.T) {
	noContainers(t)
	named(t, "file", "/dev/null")
	named(t, "gone", "/no/such")
	if n := newNamespaces(); len(n.names) != 0 {
		t.Errorf("names %v, want none", n.names)
	}
}

func TestNamesFollowTheNamespaces(t *testing.T) {
	noContainers(t)
	named(t, "blue", "/proc/self/ns/net")
	n, inode := newNamespaces(), ownInode(t)
	n.name(inode, 1000)
	if err := os.Rename(namedNetns+"/blue", namedNetns+"/green"); err != nil {
		t.Fatal(err)
	}
	if got := n.name(inode, 999+namesHold); got != "blue" {
		t.Errorf("name %q before it is looked for again, want blue", got)
	}
	if got := n.name(inode, 1000+namesHold); got != "green" {
		t.Errorf("name %q, want green", got)
	}
}

// TestNetnsMadeWhileTracing is with one that the kernel made.
func TestNetnsMadeWhileTracing(t *testing.T) {
	r := New(Options{NetnsNames: true})
	blue := ktest.NewNetns(t, "enrich")
	e := event.Event{Kind: event.Function, Time: 1, Meta: event.Meta{Netns: blue.Inode}}
	if r.Enrich(&e); e.Names.Netns != blue.Name {
		t.Errorf("name %q, want %q", e.Names.Netns, blue.Name)
	}
}

// TestNetnsMadeRightAfterALook does not wait until names are looked for again.
func TestNetnsMadeRightAfterALook(t *testing.T) {
	noContainers(t)
	old := namedNetns
	t.Cleanup(func() { namedNetns = old })
	namedNetns = t.TempDir()
	n, inode := newNamespaces(), ownInode(t)
	if got := n.name(inode, 1000); got != "" {
		t.Errorf("name %q, want none", got)
	}
	past := time.Unix(1, 0) // for file systems whose clock ticks slowly
	if err := os.Chtimes(namedNetns, past, past); err != nil {
		t.Fatal(err)
	}
	n.scan()
	if err := os.Symlink("/proc/self/ns/net", namedNetns+"/late"); err != nil {
		t.Fatal(err)
	}
	if got := n.name(inode, 1001); got != "late" {
		t.Errorf("name %q, want late", got)
	}
}

// TestNetnsMadeAfterItsName: the name is there first, as a plain file.
func TestNetnsMadeAfterItsName(t *testing.T) {
	noContainers(t)
	old := namedNetns
	t.Cleanup(func() { namedNetns = old })
	namedNetns = t.TempDir()
	target := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(filepath.Dir(target), "link")
	for _, l := range [][2]string{{target, link}, {link, namedNetns + "/late"}} {
		if err := os.Symlink(l[0], l[1]); err != nil {
			t.Fatal(err)
		}
	}
	n, inode := newNamespaces(), ownInode(t)
	if got := n.name(inode, 1000); got != "" {
		t.Errorf("name %q, want none", got)
	}
	// What the name leads to becomes a namespace, and its folder does not change.
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self/ns/net", link); err != nil {
		t.Fatal(err)
	}
	if got := n.name(inode, 1001); got != "late" {
		t.Errorf("name %q, want late", got)
	}
}

func TestNetnsNamesAreNotLookedForUnasked(t *testing.T) {
	named(t, "blue", "/proc/self/ns/net")
	e := event.Event{Kind: event.Function, Meta: event.Meta{Netns: ownInode(t)}}
	if New(Options{}).Enrich(&e); e.Names.Netns != "" {
		t.Errorf("name %q that nobody asked for", e.Names.Netns)
	}
}
