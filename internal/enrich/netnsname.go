// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// containerNetns is where container engines keep names, beside those of `ip netns`.
var containerNetns = []string{"/run/docker/netns", "/var/run/docker/netns"}

// namesHold is how long, in ns, names are good: namespaces come and go, and the
// kernel gives the inode number of one that went to the next that comes.
const namesHold = 100_000_000

// namespaces know the names of network namespaces by inode.
type namespaces struct {
	names map[uint32]string
	// device is the file system of all namespaces. The numbers of all kinds of them
	// are different, so that another kind does no harm.
	device uint64
	due    uint64 // the kernel time from which on they are looked for again
	// folders are when the folders were changed, as of the last look.
	folders []unix.Timespec
	// unready are names that led to no namespace then: it is made after its name.
	unready []string
}

// unreadyMost bounds the names that are looked at again: some are left over from
// namespaces that were never made.
const unreadyMost = 16

func newNamespaces() *namespaces {
	n := &namespaces{names: map[uint32]string{}}
	if own, ok := status("/proc/self/ns/net"); ok {
		n.device = own.Dev
	}
	n.scan()
	return n
}

// name is the namespace's at the kernel time given, empty where it has none. One
// that is not known is looked for at once if there are new names.
func (n *namespaces) name(inode uint32, now uint64) string {
	name, known := n.names[inode]
	if now < n.due && (known || !n.hasNews()) {
		return name
	}
	n.scan()
	n.due = now + namesHold
	return n.names[inode]
}

// hasNews tells whether there are other names than at the last look, or one of
// those has got its namespace.
func (n *namespaces) hasNews() bool {
	return !slices.Equal(n.folders, changes()) || slices.ContainsFunc(n.unready, func(path string) bool {
		file, ok := status(path)
		return ok && file.Dev == n.device
	})
}

// netnsFolders are where names may be.
func netnsFolders() []string { return append([]string{namedNetns}, containerNetns...) }

// changes are when names came or went, a time for each folder that is there.
func changes() []unix.Timespec {
	var times []unix.Timespec
	for _, folder := range netnsFolders() {
		if s, ok := status(folder); ok {
			times = append(times, s.Mtim)
		}
	}
	return times
}

// scan finds all names. Of two for one namespace the first counts. The times are
// taken first, so that what changes meanwhile is seen the next time.
func (n *namespaces) scan() {
	n.folders = changes()
	n.unready = n.unready[:0]
	clear(n.names)
	for _, folder := range netnsFolders() {
		entries, _ := os.ReadDir(folder) // no folder: no names
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

// status follows links; it is not ok for what is not there.
func status(path string) (unix.Stat_t, bool) {
	var s unix.Stat_t
	err := unix.Stat(path, &s)
	return s, err == nil
}
