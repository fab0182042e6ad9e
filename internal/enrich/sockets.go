// SPDX-License-Identifier: Apache-2.0

package enrich

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

// proc is where processes are seen. It is a variable for tests.
var proc = "/proc"

// Sockets are the inode numbers of the sockets that processes have open, each
// once, of those processes that match. The comm is that of the process's first
// thread. A process that ends meanwhile has none. Hidden are those processes whose
// sockets we may not see (CAP_SYS_PTRACE).
func Sockets(match func(pid uint32, comm string) bool) (inodes []uint64, hidden []uint32, err error) {
	pids, err := processes()
	if err != nil {
		return nil, nil, err
	}
	for _, pid := range pids {
		folder := filepath.Join(proc, strconv.Itoa(int(pid)))
		comm, err := os.ReadFile(filepath.Join(folder, "comm"))
		if err != nil || !match(pid, strings.TrimSuffix(string(comm), "\n")) {
			continue
		}
		inodes, err = appendSockets(inodes, filepath.Join(folder, "fd"))
		switch {
		case errors.Is(err, fs.ErrPermission):
			hidden = append(hidden, pid)
		case err != nil:
			return nil, nil, fmt.Errorf("sockets of process %d: %w", pid, err)
		}
	}
	slices.Sort(inodes)
	return slices.Compact(inodes), hidden, nil
}

// processes are the folders of /proc whose name is a number.
func processes() ([]uint32, error) {
	folder, err := os.Open(proc)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	var pids []uint32
	for _, name := range names {
		if pid, err := strconv.ParseUint(name, 10, 31); err == nil {
			pids = append(pids, uint32(pid))
		}
	}
	return pids, err
}

// appendSockets adds those that one process has open.
func appendSockets(inodes []uint64, fds string) ([]uint64, error) {
	folder, err := os.Open(fds)
	if err != nil {
		return inodes, unlessGone(err)
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	for _, name := range names {
		inode, ok, refused := socketAt(filepath.Join(fds, name))
		if refused != nil { // and so are the others
			return inodes, refused
		}
		if ok {
			inodes = append(inodes, inode)
		}
	}
	return inodes, unlessGone(err)
}

// unlessGone passes over what happens when a process ends.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// socketAt reads the number out of a link to socket:[4711]. A link that is gone is none;
// one that we may not follow says so.
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
