// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mostLinks is the maximum number of links that are followed in a path, as in the kernel.
const mostLinks = 40

// walk opens the directories of a path one by one. It follows links of another user only to directories of the
// same user, so that no user can redirect the output of root to a directory where that user cannot write.
type walk struct {
	fd    int
	links int
	// guest is the user other than root and the current user whose links were followed; nil if there is none.
	guest *uint32
}

// startWalk opens the directory that a path is relative to.
func startWalk(path string) (*walk, error) {
	w := &walk{fd: unix.AT_FDCWD}
	return w, w.restart(path)
}

// restart moves to the directory that a path is relative to: the root or the working directory.
func (w *walk) restart(path string) error {
	start := "."
	if filepath.IsAbs(path) {
		start = "/"
	}
	return w.enter(start, 0)
}

// enter moves to a directory in the current one. It follows links unless flags has O_NOFOLLOW.
func (w *walk) enter(name string, flags int) error {
	fd, err := retry(func() (int, error) {
		return unix.Openat(w.fd, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC|flags, 0)
	})
	if err != nil {
		return err
	}
	err = w.close()
	w.fd = fd
	return err
}

func (w *walk) close() error {
	if w.fd < 0 {
		return nil
	}
	fd := w.fd
	w.fd = unix.AT_FDCWD
	return unix.Close(fd)
}

// through moves to the directory with this path, one component at a time.
func (w *walk) through(path string) error {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" {
			continue
		}
		if err := w.step(part); err != nil {
			return fmt.Errorf("%s: %w", text(part), err)
		}
	}
	return nil
}

func (w *walk) step(part string) error {
	err := w.enter(part, unix.O_NOFOLLOW)
	if !errors.Is(err, unix.ELOOP) && !errors.Is(err, unix.ENOTDIR) {
		return err
	}
	target, linkErr := w.readLink(part)
	switch {
	case errors.Is(linkErr, errNoLink):
		return err
	case linkErr != nil:
		return linkErr
	case target == "": // a magic link
		return w.enter(part, 0)
	case filepath.IsAbs(target):
		if err := w.restart(target); err != nil {
			return err
		}
	}
	return w.through(target)
}

var errNoLink = errors.New("not a link")

// readLink returns the target of a link, or "" for a magic link. It returns errNoLink for any other file.
func (w *walk) readLink(name string) (target string, err error) {
	fd, err := unix.Openat(w.fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return "", err
	}
	if s.Mode&unix.S_IFMT != unix.S_IFLNK {
		return "", errNoLink
	}
	if w.links++; w.links > mostLinks {
		return "", unix.ELOOP
	}
	if err := w.follows(s.Uid); err != nil {
		return "", err
	}
	if isMagic(fd) {
		return "", nil
	}
	return linkText(fd)
}

// follows records the owner of a link that is followed. It returns an error if the links of the path belong to
// more than one user other than root and the current user.
func (w *walk) follows(owner uint32) error {
	switch {
	case trusted(owner):
		return nil
	case w.guest != nil && *w.guest != owner:
		return &linkError{link: *w.guest, target: owner}
	}
	w.guest = &owner
	return nil
}

// isMagic reports whether a link is in procfs. Links such as /proc/self contain a path, but are treated like magic
// links: the kernel follows both.
func isMagic(fd int) bool {
	var s unix.Statfs_t
	return unix.Fstatfs(fd, &s) == nil && s.Type == unix.PROC_SUPER_MAGIC
}

func linkText(fd int) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// allowed returns an error if another user's link led to a directory that this user does not own.
func (w *walk) allowed() error {
	if w.guest == nil {
		return nil
	}
	var s unix.Stat_t
	if err := unix.Fstat(w.fd, &s); err != nil {
		return err
	}
	if s.Uid != *w.guest {
		return &linkError{link: *w.guest, target: s.Uid}
	}
	return nil
}

// linkError is the error for a link of one user to a directory of another user.
type linkError struct{ link, target uint32 }

func (e *linkError) Error() string {
	return fmt.Sprintf("the path contains a symbolic link of user %d that leads to a directory of user %d", e.link, e.target)
}

func (e *linkError) Hint() string { return "give the path without the link" }
