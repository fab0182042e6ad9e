// SPDX-License-Identifier: Apache-2.0

package live

import (
	"path/filepath"
	"strings"

	"tracer/internal/explain"
	"tracer/internal/input"
	"tracer/internal/resolve"
)

// prefix returns what has to stand before a command to run it in the network namespace of a question.
func (a answers) prefix(q explain.Question) (string, bool) {
	if q.Key == string(explain.InInitialNetns) {
		return prefixOf(resolve.WayToInitial()), true
	}
	path, ok := a.host.Way(q.Netns)
	return prefixOf(path), ok
}

// prefixOf returns the beginning of a command that enters the network namespace at a path; "" for no path.
func prefixOf(path string) string {
	pid, isProcess := strings.CutPrefix(strings.TrimSuffix(path, "/ns/net"), "/proc/")
	switch {
	case path == "":
		return ""
	case isProcess:
		return "nsenter -t " + pid + " -n "
	case filepath.Dir(path) == input.NetnsFolders()[0]:
		return "ip netns exec " + explain.ShellWord(filepath.Base(path)) + " "
	}
	return "nsenter --net=" + explain.ShellWord(path) + " "
}
