// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Deferred is an empty file that will be created later, to signal that tracer is ready. There is no temporary file
// until then, so nothing is left if the process is killed.
type Deferred struct{ *place }

// Defer opens the directory of the file, checks that files can be created there, and removes an
// empty file of an earlier run. It returns an error if anything else has the name.
func Defer(path string) (*Deferred, error) {
	p, err := findName(path)
	if err != nil {
		return nil, err
	}
	d := &Deferred{p}
	if err = d.Creatable(); err == nil {
		err = d.clear()
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return d, nil
}

// Creatable returns an error if the process may not create the file.
func (d *Deferred) Creatable() error { return d.writable() }

// Create creates the file with mode 0600. It replaces an existing empty file.
func (d *Deferred) Create() error {
	for range mostTries {
		file, err := d.create(d.name)
		if err == nil {
			return file.Close()
		}
		if !errors.Is(err, unix.EEXIST) {
			return err
		}
		if err := d.clear(); err != nil {
			return err
		}
	}
	return errBusy
}

// Close closes the directory.
func (d *Deferred) Close() error { return d.close() }

// clear removes an empty regular file, and refuses everything else.
func (d *Deferred) clear() error {
	s, err := d.stat(d.name)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err != nil:
		return err
	}
	if kind := kindOf(s.Mode); kind != "" {
		return &hinted{"is " + kind, "name a file that does not exist yet"}
	}
	if s.Size > 0 {
		return &hinted{fmt.Sprintf("exists and has %d bytes, so it is not the ready file of an earlier run", s.Size), "name another file, or remove this one first"}
	}
	if err := d.remove(d.name); err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	return nil
}

// kindOf returns the name of a file type; empty for a regular file.
func kindOf(mode uint32) string {
	return map[uint32]string{
		unix.S_IFDIR: "a directory", unix.S_IFLNK: "a symbolic link", unix.S_IFIFO: "a FIFO",
		unix.S_IFSOCK: "a socket", unix.S_IFCHR: "a device", unix.S_IFBLK: "a device",
	}[mode&unix.S_IFMT]
}
