// SPDX-License-Identifier: Apache-2.0

package complete

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// proc has a folder for each process. It is a variable for tests.
var proc = "/proc"

// Processes are the ids of processes, with their names.
func Processes() []Word {
	var words []Word
	eachProcess(func(pid, name string) { words = append(words, Word{pid, name}) })
	return words
}

// Commands are the names of processes.
func Commands() []Word {
	var names []string
	eachProcess(func(_, name string) { names = append(names, name) })
	return distinct(names, "process", "processes")
}

// eachProcess leaves out those that end meanwhile.
func eachProcess(f func(pid, name string)) {
	entries, _ := os.ReadDir(proc) // no /proc: no processes
	for _, e := range entries {
		if _, err := strconv.ParseUint(e.Name(), 10, 31); err != nil {
			continue
		}
		if name, err := os.ReadFile(filepath.Join(proc, e.Name(), "comm")); err == nil {
			f(e.Name(), strings.TrimSuffix(string(name), "\n"))
		}
	}
}
