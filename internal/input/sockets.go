// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// proc is the procfs. Tests replace it.
var proc = "/proc"

// Sockets returns the inode numbers of the open sockets of the processes that match, each once. It skips
// processes that end meanwhile. hidden are the processes whose sockets may not be read
// (CAP_SYS_PTRACE).
func Sockets(match func(pid uint32, comm string) bool) (inodes []uint64, hidden []uint32, err error) {
	processes, err := Processes(proc)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range processes {
		if !match(p.PID, p.Comm) {
			continue
		}
		inodes, err = appendSockets(inodes, filepath.Join(proc, strconv.Itoa(int(p.PID)), "fd"))
		switch {
		case errors.Is(err, fs.ErrPermission):
			hidden = append(hidden, p.PID)
		case err != nil:
			return nil, nil, fmt.Errorf("sockets of process %d: %w", p.PID, err)
		}
	}
	slices.Sort(inodes)
	return slices.Compact(inodes), hidden, nil
}

// appendSockets appends the sockets in the folder of open files of one process.
func appendSockets(inodes []uint64, fds string) ([]uint64, error) {
	folder, err := os.Open(fds)
	if err != nil {
		return inodes, ignoreEnded(err)
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	for _, name := range names {
		inode, ok, refused := socketAt(filepath.Join(fds, name))
		if refused != nil { // the other links would be refused, too
			return inodes, refused
		}
		if ok {
			inodes = append(inodes, inode)
		}
	}
	return inodes, ignoreEnded(err)
}

// ignoreEnded returns nil for the errors of files of a process that has ended.
func ignoreEnded(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// socketAt parses the inode number in a link to socket:[4711]. ok is false for other and for vanished links;
// refused is the error for a link that may not be read.
func socketAt(link string) (inode uint64, ok bool, refused error) {
	target, err := os.Readlink(link)
	if errors.Is(err, fs.ErrPermission) {
		return 0, false, err
	}
	number, ok := strings.CutPrefix(target, "socket:[")
	if err != nil || !ok {
		return 0, false, nil
	}
	inode, err = strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
	return inode, err == nil, nil
}
