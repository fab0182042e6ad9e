// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tracer/internal/event"
	"tracer/internal/ktest"
)

// ownInode returns the inode number of our namespace.
func ownInode(t *testing.T) (inode uint32) {
	t.Helper()
	link, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(link, "net:[%d]", &inode); err != nil {
		t.Fatal(err)
	}
	return inode
}

// folderWith returns a folder with a link of this name to target.
func folderWith(t *testing.T, name, target string) string {
	t.Helper()
	folder := t.TempDir()
	link(t, target, filepath.Join(folder, name))
	return folder
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func TestNameOfNetns(t *testing.T) {
	n, inode := newNamespaces([]string{folderWith(t, "blue", "/proc/self/ns/net")}), ownInode(t)
	if got := n.name(inode, 1); got != "blue" {
		t.Errorf("name %q, want blue", got)
	}
	for _, unknown := range []uint32{0, 1, inode + 1} {
		if got := n.name(unknown, 1); got != "" {
			t.Errorf("%d is named %q", unknown, got)
		}
	}
}

// TestFirstFolderNamesANetns checks that the first of several folders with a name counts.
func TestFirstFolderNamesANetns(t *testing.T) {
	folders := []string{folderWith(t, "other", "/proc/self/ns/mnt"), "/no/such", folderWith(t, "1234abcd", "/proc/self/ns/net")}
	if got := newNamespaces(folders).name(ownInode(t), 1); got != "1234abcd" {
		t.Errorf("name %q, want 1234abcd", got)
	}
	folders[0] = folderWith(t, "blue", "/proc/self/ns/net")
	if got := newNamespaces(folders).name(ownInode(t), 1); got != "blue" {
		t.Errorf("name %q, want blue, that of the first folder", got)
	}
}

func TestOtherFilesAreNoNetns(t *testing.T) {
	folder := folderWith(t, "file", "/dev/null")
	link(t, "/no/such", filepath.Join(folder, "gone"))
	if n := newNamespaces([]string{folder}); len(n.names) != 0 {
		t.Errorf("names %v, want none", n.names)
	}
}

func TestNamesFollowTheNamespaces(t *testing.T) {
	folder := folderWith(t, "blue", "/proc/self/ns/net")
	n, inode := newNamespaces([]string{folder}), ownInode(t)
	n.name(inode, 1000)
	if err := os.Rename(folder+"/blue", folder+"/green"); err != nil {
		t.Fatal(err)
	}
	if got := n.name(inode, 999+namesHold); got != "blue" {
		t.Errorf("name %q before names are read again, want blue", got)
	}
	if got := n.name(inode, 1000+namesHold); got != "green" {
		t.Errorf("name %q, want green", got)
	}
}

// TestNetnsCreatedWhileTracing creates a real namespace.
func TestNetnsCreatedWhileTracing(t *testing.T) {
	r := New(Options{NetnsFolders: []string{"/run/netns"}})
	blue := ktest.NewNetns(t, "enrich")
	e := event.Event{Kind: event.Function, Time: 1, Meta: event.Meta{Netns: blue.Inode}}
	if r.Enrich(&e); e.Names.Netns != blue.Name {
		t.Errorf("name %q, want %q", e.Names.Netns, blue.Name)
	}
}

// TestNetnsCreatedRightAfterAScan checks that a new name is read before the next regular scan.
func TestNetnsCreatedRightAfterAScan(t *testing.T) {
	folder := t.TempDir()
	n, inode := newNamespaces([]string{folder}), ownInode(t)
	if got := n.name(inode, 1000); got != "" {
		t.Errorf("name %q, want none", got)
	}
	past := time.Unix(1, 0) // for file systems with coarse timestamps
	if err := os.Chtimes(folder, past, past); err != nil {
		t.Fatal(err)
	}
	n.scan()
	link(t, "/proc/self/ns/net", folder+"/late")
	if got := n.name(inode, 1001); got != "late" {
		t.Errorf("name %q, want late", got)
	}
}

// TestNetnsCreatedAfterItsName checks a name that is a plain file at first.
func TestNetnsCreatedAfterItsName(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	indirect := filepath.Join(filepath.Dir(target), "link")
	link(t, target, indirect)
	link(t, indirect, folder+"/late")
	n, inode := newNamespaces([]string{folder}), ownInode(t)
	if got := n.name(inode, 1000); got != "" {
		t.Errorf("name %q, want none", got)
	}
	// The target becomes a namespace, and the folder of the name does not change.
	if err := os.Remove(indirect); err != nil {
		t.Fatal(err)
	}
	link(t, "/proc/self/ns/net", indirect)
	if got := n.name(inode, 1001); got != "late" {
		t.Errorf("name %q, want late", got)
	}
}

func TestNetnsNamesAreOptional(t *testing.T) {
	e := event.Event{Kind: event.Function, Meta: event.Meta{Netns: ownInode(t)}}
	if New(Options{}).Enrich(&e); e.Names.Netns != "" {
		t.Errorf("name %q that was not requested", e.Names.Netns)
	}
}
