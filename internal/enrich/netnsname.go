// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// namesHold is the time in ns after which names are read again: the kernel reuses the inode numbers of
// namespaces that were deleted.
const namesHold = 100_000_000

// namespaces has the names of network namespaces by inode number.
type namespaces struct {
	// folders are those whose entries are named namespaces. If several have a name for a namespace, the
	// first one counts.
	folders []string
	names   map[uint32]string
	// device is the file system of all namespaces. Namespaces of different kinds have different inode
	// numbers, so the others need not be excluded.
	device uint64
	due    uint64 // the kernel time at which names are read again
	// changed are the modification times of the folders at the last scan.
	changed []unix.Timespec
	// unready are names that did not refer to a namespace at the last scan. `ip netns` creates the name
	// before the namespace.
	unready []string
}

// unreadyMost bounds unready: some names are left over from namespaces that were never created.
const unreadyMost = 16

func newNamespaces(folders []string) *namespaces {
	n := &namespaces{folders: folders, names: map[uint32]string{}}
	if own, ok := status("/proc/self/ns/net"); ok {
		n.device = own.Dev
	}
	n.scan()
	return n
}

// name returns the name of a namespace at a kernel time, or an empty string. An unknown inode number causes
// a scan at once if there are new names.
func (n *namespaces) name(inode uint32, now uint64) string {
	name, known := n.names[inode]
	if now < n.due && (known || !n.hasNews()) {
		return name
	}
	n.scan()
	n.due = now + namesHold
	return n.names[inode]
}

// hasNews reports whether names have changed since the last scan, or one of them has got its namespace.
func (n *namespaces) hasNews() bool {
	return !slices.Equal(n.changed, n.changes()) || slices.ContainsFunc(n.unready, func(path string) bool {
		file, ok := status(path)
		return ok && file.Dev == n.device
	})
}

// changes returns the modification times of the folders that exist.
func (n *namespaces) changes() []unix.Timespec {
	var times []unix.Timespec
	for _, folder := range n.folders {
		if s, ok := status(folder); ok {
			times = append(times, s.Mtim)
		}
	}
	return times
}

// scan reads all names. It reads the modification times first, so that the next call notices changes made
// meanwhile.
func (n *namespaces) scan() {
	n.changed = n.changes()
	n.unready = n.unready[:0]
	clear(n.names)
	for _, folder := range n.folders {
		entries, _ := os.ReadDir(folder) // without the folder there are no names
		for _, e := range entries {
			n.add(filepath.Join(folder, e.Name()), e.Name())
		}
	}
}

func (n *namespaces) add(path, name string) {
	file, ok := status(path)
	switch {
	case !ok:
	case file.Dev != n.device:
		if len(n.unready) < unreadyMost {
			n.unready = append(n.unready, path)
		}
	case n.names[uint32(file.Ino)] == "":
		n.names[uint32(file.Ino)] = name
	}
}

// status follows links. ok is false if the file does not exist.
func status(path string) (s unix.Stat_t, ok bool) {
	err := unix.Stat(path, &s)
	return s, err == nil
}
