// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// place is the location of a file that exists or will be created: a name in an open directory. If find returned it,
// the name was not a link, unless magic is set: then it is a magic link, as for /dev/fd/3.
type place struct {
	*dir
	name  string
	magic bool
}

// find opens the directory of a file, and follows all links of the path.
func find(path string) (*place, error) { return locate(path, (*walk).resolve) }

// findName is like find, but does not follow the last component of the path.
func findName(path string) (*place, error) { return locate(path, (*walk).stay) }

func locate(path string, by func(*walk, string, string) (*place, error)) (*place, error) {
	parent, name := baseName(path)
	w, err := startWalk(path)
	if err != nil {
		return nil, err
	}
	p, err := by(w, parent, name)
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	p.path = filepath.Dir(path)
	return p, nil
}

// stay walks to the parent directory. It does not follow the name, which may be a link.
func (w *walk) stay(parent, name string) (*place, error) {
	if err := w.through(parent); err != nil {
		return nil, &missingError{parent, err}
	}
	if name == "" {
		return nil, errDirectory
	}
	return &place{dir: &dir{fd: w.fd}, name: name}, w.allowed()
}

// resolve is like stay, but follows the name as long as it is a link, up to a magic link.
func (w *walk) resolve(parent, name string) (*place, error) {
	for {
		p, err := w.stay(parent, name)
		if err != nil {
			return nil, err
		}
		target, err := w.readLink(name)
		switch {
		case errors.Is(err, errNoLink), errors.Is(err, unix.ENOENT):
			return p, nil
		case err != nil:
			return nil, err
		case target == "":
			p.magic = true
			return p, w.trustedOnly()
		case filepath.IsAbs(target):
			if err := w.restart(target); err != nil {
				return nil, err
			}
		}
		parent, name = baseName(target)
	}
}

// trustedOnly returns an error if another user's link led to a magic link, whose target can be any file.
func (w *walk) trustedOnly() error {
	if w.guest != nil {
		return &linkError{link: *w.guest, target: 0}
	}
	return nil
}

// errDirectory is the error for a path that names a directory.
var errDirectory = &hinted{"is a directory", "write the name of a file in it too, such as trace.log"}

// missingError is an error about the directory of a file, such as that it does not exist.
type missingError struct {
	dir string
	error
}

func (e *missingError) Unwrap() error { return e.error }

func (e *missingError) Error() string { return "directory " + e.error.Error() }

// Hint returns how to create the directory; empty if it exists.
func (e *missingError) Hint() string {
	if errors.Is(e.error, unix.ENOENT) {
		return "create the directory first: mkdir -p " + e.dir
	}
	return ""
}

// hinted is an error with a hint.
type hinted struct{ text, hint string }

func (e *hinted) Error() string { return e.text }

func (e *hinted) Hint() string { return e.hint }
