// SPDX-License-Identifier: Apache-2.0

package input

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Process is a running process. Comm is the name of its first thread.
type Process struct {
	PID  uint32
	Comm string
}

// Processes lists the processes of a procfs, which are its folders whose name is a number. It skips
// processes that end meanwhile.
func Processes(procfs string) ([]Process, error) {
	entries, err := os.ReadDir(procfs)
	var found []Process
	for _, e := range entries {
		pid, err := strconv.ParseUint(e.Name(), 10, 31)
		if err != nil {
			continue
		}
		if comm, err := os.ReadFile(filepath.Join(procfs, e.Name(), "comm")); err == nil {
			found = append(found, Process{uint32(pid), strings.TrimSuffix(string(comm), "\n")})
		}
	}
	return found, err
}
