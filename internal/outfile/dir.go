// SPDX-License-Identifier: Apache-2.0

// Package outfile opens and creates the files that tracer writes.
//
// tracer often runs as root and may write into directories of other users, who can replace any
// name there at any time. So a directory is opened once and all later operations are relative to
// it, no link is followed after that, and owner and mode are set on descriptors. New files have
// mode 0600, whatever the umask. Libraries for rotation open files by path, which the owner of the
// directory can redirect between two calls; this is why rotation is written here.
package outfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// dir is an open directory.
type dir struct {
	fd int
	// path is how the user wrote it, for messages.
	path string
}

// at is the path of a file in the directory, for messages.
func (d *dir) at(name string) string { return filepath.Join(d.path, name) }

func (d *dir) close() error { return unix.Close(d.fd) }

// privateMode is the mode of new files.
const privateMode = 0o600

// create makes a new file, open for appending. It fails if the name exists, also as a link.
func (d *dir) create(name string) (*os.File, error) {
	const flags = unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY | unix.O_APPEND | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := retry(func() (int, error) { return unix.Openat(d.fd, name, flags, privateMode) })
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), d.at(name))
	if err := file.Chmod(privateMode); err != nil { // the umask may have removed more
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// createUnnamed makes a file that is gone when it is closed, unless it gets a name.
func (d *dir) createUnnamed() (*os.File, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd, ".", unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, privateMode)
	})
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), d.path)
	if err := file.Chmod(privateMode); err != nil { // the umask may have removed more
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// open opens an existing file; links are not followed, and a FIFO is not waited for.
func (d *dir) open(name string, flags int) (*os.File, error) {
	flags |= unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := retry(func() (int, error) { return unix.Openat(d.fd, name, flags, 0) })
	if err != nil {
		return nil, err
	}
	return d.blocking(fd, name)
}

// blocking clears O_NONBLOCK and makes a file of a descriptor. os.NewFile comes last, as it reads
// the flag.
func (d *dir) blocking(fd int, name string) (*os.File, error) {
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), d.at(name)), nil
}

// rename replaces what has the new name.
func (d *dir) rename(from, to string) error { return unix.Renameat(d.fd, from, d.fd, to) }

// exchange swaps two names at once, so that neither is ever missing.
func (d *dir) exchange(a, b string) error {
	return unix.Renameat2(d.fd, a, d.fd, b, unix.RENAME_EXCHANGE)
}

// remove removes a name that is no directory; a link itself, not its target.
func (d *dir) remove(name string) error { return unix.Unlinkat(d.fd, name, 0) }

// stat describes what has this name, a link itself and not its target.
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

// writable returns an error unless files can be created in the directory.
func (d *dir) writable() error {
	return unix.Faccessat(d.fd, ".", unix.R_OK|unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}

// shared reports whether users other than root and the own one can change the names in the
// directory; true if that is not known.
func (d *dir) shared() bool {
	var s unix.Stat_t
	if err := unix.Fstat(d.fd, &s); err != nil {
		return true
	}
	return !trusted(s.Uid) || s.Mode&0o022 != 0
}

// planted reports whether another user may have made the file in order to read or change what is
// written: a regular file or FIFO of neither the process nor the directory's owner, in a sticky
// directory that others may write to. The kernel refuses to open such a file with O_CREAT if
// fs.protected_regular and fs.protected_fifos are 2 (proc_sys_fs(5)); here it is opened without.
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

// trusted reports whether links of this user are followed to any directory: those of root and of
// the own user.
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

// baseName splits a path into directory and name; the name is empty if the path can only be
// that of a directory.
func baseName(path string) (parent, name string) {
	parent, name = filepath.Split(path)
	if name == "." || name == ".." {
		return path, ""
	}
	return parent, name
}

// text quotes a path for a message.
func text(path string) string { return fmt.Sprintf("%q", strings.TrimSpace(path)) }
