// SPDX-License-Identifier: Apache-2.0

// Package outfile opens and creates the files that tracer writes.
//
// tracer often runs as root and may write into directories of other users, who can replace any
// name there at any time. So a directory is opened once, all later operations are relative to
// its descriptor and follow no symbolic links, and owner and mode are set on descriptors. New files have
// mode 0600, regardless of the umask. Rotation is implemented here because libraries for it open files by
// path, which the owner of the directory can redirect between two calls.
//
// In comments, a link is a symbolic link, and a magic link is one of procfs, such as /proc/self/fd/3: the kernel
// does not look up its text, but goes to the open file.
package outfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"tracer/internal/printable"

	"golang.org/x/sys/unix"
)

// dir is an open directory.
type dir struct {
	fd int
	// path is the path as the user wrote it, for messages.
	path string
}

// at returns the path of a file in the directory, for messages.
func (d *dir) at(name string) string { return filepath.Join(d.path, name) }

func (d *dir) close() error { return unix.Close(d.fd) }

// privateMode is the mode of new files.
const privateMode = 0o600

// create creates a file and opens it for appending. It fails if the name exists, even as a link.
func (d *dir) create(name string) (*os.File, error) {
	const flags = unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY | unix.O_APPEND | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := retry(func() (int, error) { return unix.Openat(d.fd, name, flags, privateMode) })
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), d.at(name))
	if err := file.Chmod(privateMode); err != nil { // the umask may have cleared some of these bits
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// createUnnamed creates a file without a name (O_TMPFILE). It disappears when it is closed, unless it is linked to
// a name.
func (d *dir) createUnnamed() (*os.File, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd, ".", unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, privateMode)
	})
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), d.path)
	if err := file.Chmod(privateMode); err != nil { // the umask may have cleared some of these bits
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// open opens an existing file. It does not follow links, and does not wait for the other end of a FIFO.
func (d *dir) open(name string, flags int) (*os.File, error) {
	flags |= unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := retry(func() (int, error) { return unix.Openat(d.fd, name, flags, 0) })
	if err != nil {
		return nil, err
	}
	return d.blocking(fd, name)
}

// blocking clears O_NONBLOCK and returns a file for the descriptor. os.NewFile comes last, since it reads the
// flag.
func (d *dir) blocking(fd int, name string) (*os.File, error) {
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), d.at(name)), nil
}

// rename renames a file. An existing file with the new name is replaced.
func (d *dir) rename(from, to string) error { return unix.Renameat(d.fd, from, d.fd, to) }

// exchange swaps two names atomically, so that both always exist.
func (d *dir) exchange(a, b string) error {
	return unix.Renameat2(d.fd, a, d.fd, b, unix.RENAME_EXCHANGE)
}

// remove removes a name, which must not be a directory. It removes a link, and not its target.
func (d *dir) remove(name string) error { return unix.Unlinkat(d.fd, name, 0) }

// stat returns the status of the file with this name, or of the link and not its target.
func (d *dir) stat(name string) (unix.Stat_t, error) {
	var s unix.Stat_t
	err := unix.Fstatat(d.fd, name, &s, unix.AT_SYMLINK_NOFOLLOW)
	return s, err
}

// names lists the directory.
func (d *dir) names() ([]string, error) {
	fd, err := unix.Openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	list := os.NewFile(uintptr(fd), d.path)
	names, err := list.Readdirnames(-1)
	return names, errors.Join(err, list.Close())
}

// writable returns an error unless the process may list the directory and create files in it.
func (d *dir) writable() error {
	return unix.Faccessat(d.fd, ".", unix.R_OK|unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}

// shared reports whether users other than root and the current user can change the names in the directory. It
// returns true if that is unknown.
func (d *dir) shared() bool {
	var s unix.Stat_t
	if err := unix.Fstat(d.fd, &s); err != nil {
		return true
	}
	return !trusted(s.Uid) || s.Mode&0o022 != 0
}

// planted reports whether another user may have created the file in order to read or change the output: a
// regular file or FIFO that belongs neither to the current user nor to the owner of the directory, in a sticky
// directory that others may write to. The kernel refuses to open such a file with O_CREAT if
// fs.protected_regular and fs.protected_fifos are 2 (proc_sys_fs(5)), but here it is opened without O_CREAT.
func (d *dir) planted(file unix.Stat_t) bool {
	var s unix.Stat_t
	if kind := file.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFIFO {
		return false
	}
	if err := unix.Fstat(d.fd, &s); err != nil {
		return true
	}
	return s.Mode&unix.S_ISVTX != 0 && s.Mode&0o022 != 0 && int(file.Uid) != os.Geteuid() && file.Uid != s.Uid
}

// trusted reports whether a link of this user may lead to any directory: the user is root or the current
// user.
func trusted(uid uint32) bool { return uid == 0 || int(uid) == os.Geteuid() }

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		fd, err := call()
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// baseName splits a path into directory and name. The name is empty if the path ends in a slash, . or .., so that it
// can only be a directory.
func baseName(path string) (parent, name string) {
	parent, name = filepath.Split(path)
	if name == "." || name == ".." {
		return path, ""
	}
	return parent, name
}

// text quotes a path for a message.
func text(path string) string { return printable.Quote(strings.TrimSpace(path)) }
