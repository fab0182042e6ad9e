// SPDX-License-Identifier: Apache-2.0

package complete

import (
	"strconv"

	"tracer/internal/input"
)

// proc is the mount point of procfs. Tests change it.
var proc = "/proc"

// Processes returns the IDs of all processes, with their names.
func Processes() []Word {
	var words []Word
	for _, p := range processes() {
		words = append(words, Word{strconv.Itoa(int(p.PID)), p.Comm})
	}
	return words
}

// Commands returns the names of processes.
func Commands() []Word {
	var names []string
	for _, p := range processes() {
		names = append(names, p.Comm)
	}
	return distinct(names, "process", "processes")
}

func processes() []input.Process {
	list, _ := input.Processes(proc) // no /proc: no processes
	return list
}
