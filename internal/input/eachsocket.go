// SPDX-License-Identifier: Apache-2.0

package input

import (
	"path/filepath"
	"slices"
	"strconv"
)

// EachSocket calls f with each open socket of each process, once for each process, until f returns false. It skips
// processes whose open files may not be read, and those that end meanwhile.
func EachSocket(f func(p Process, inode uint64) bool) error {
	processes, err := Processes(proc)
	if err != nil {
		return err
	}
	for _, p := range processes {
		inodes, _ := appendSockets(nil, filepath.Join(proc, strconv.Itoa(int(p.PID)), "fd"))
		slices.Sort(inodes)
		for _, inode := range slices.Compact(inodes) {
			if !f(p, inode) {
				return nil
			}
		}
	}
	return nil
}
