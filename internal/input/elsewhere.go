// SPDX-License-Identifier: Apache-2.0

package input

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// netnsMost bounds how many namespaces are searched for an interface.
const netnsMost = 256

// netnsWith returns the network namespaces, except those at the given paths, that have an interface with this
// name, in the form that NetnsInode accepts. Namespaces that can't be entered are skipped.
func netnsWith(name string, except []string) []string {
	seen := map[unix.Stat_t]bool{}
	for _, path := range except {
		isNew(path, seen)
	}
	var found []string
	for _, path := range append(namedNetnsPaths(), processNetnsPaths()...) {
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

// namedNetnsPaths returns the paths of namespaces that have names.
func namedNetnsPaths() (all []string) {
	for _, folder := range NetnsFolders() {
		all = append(all, glob(filepath.Join(folder, "*"))...)
	}
	return all
}

// processNetnsPaths returns the paths of the namespaces of processes, the lowest PIDs first: the first process of a container
// lives as long as the container.
func processNetnsPaths() []string {
	paths := glob("/proc/[0-9]*/ns/net")
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return paths
}

func glob(pattern string) []string {
	paths, _ := filepath.Glob(pattern) // the only error is a malformed pattern
	return paths
}

// isNew records a namespace. It is false if the namespace was seen before or does not exist.
func isNew(path string, seen map[unix.Stat_t]bool) bool {
	var file unix.Stat_t
	err := unix.Stat(path, &file) // follows links
	id := unix.Stat_t{Dev: file.Dev, Ino: file.Ino}
	if err != nil || seen[id] {
		return false
	}
	seen[id] = true
	return true
}

// specOf is the word for the namespace at a path in --filter-netns.
func specOf(path string) string {
	if pid, isProcess := strings.CutPrefix(path, "/proc/"); isProcess {
		return "pid:" + strings.TrimSuffix(pid, "/ns/net")
	}
	if filepath.Dir(path) == namedNetns {
		return filepath.Base(path)
	}
	return path
}
