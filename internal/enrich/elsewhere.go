// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// netnsMost bounds how many namespaces are searched for an interface.
const netnsMost = 256

// netnsWith are the network namespaces besides these that have an interface of that name, as
// NetnsInode takes them. Those that can't be entered are passed over.
func netnsWith(name string, besides []string) []string {
	seen := map[unix.Stat_t]bool{}
	for _, path := range besides {
		isNew(path, seen)
	}
	var found []string
	for _, path := range netnsPaths() {
		if len(seen) > netnsMost {
			break
		}
		if !isNew(path, seen) {
			continue
		}
		if links, err := linksOf(path); err == nil && slices.Contains(ifnames(links), name) {
			found = append(found, specOf(path))
		}
	}
	return found
}

// netnsPaths lead to the namespaces with names, and to those of processes.
func netnsPaths() []string {
	var all []string
	for _, folder := range append(netnsFolders(), "/proc/[0-9]*/ns/net") {
		pattern := folder
		if !strings.HasSuffix(folder, "/ns/net") {
			pattern = filepath.Join(folder, "*")
		}
		paths, _ := filepath.Glob(pattern) // the patterns are good
		all = append(all, paths...)
	}
	return all
}

// isNew notes a namespace, and is false for one that was seen or is not there.
func isNew(path string, seen map[unix.Stat_t]bool) bool {
	file, ok := status(path)
	id := unix.Stat_t{Dev: file.Dev, Ino: file.Ino}
	if !ok || seen[id] {
		return false
	}
	seen[id] = true
	return true
}

// specOf is how the user may name the namespace that a path leads to.
func specOf(path string) string {
	if pid, isProcess := strings.CutPrefix(path, "/proc/"); isProcess {
		return "pid:" + strings.TrimSuffix(pid, "/ns/net")
	}
	if filepath.Dir(path) == namedNetns {
		return filepath.Base(path)
	}
	return path
}
