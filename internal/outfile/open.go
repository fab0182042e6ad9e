// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Options are how a file is opened and rotated.
type Options struct {
	Rotation
	// Waiting is called once if the file is a FIFO without a reader; it may be nil.
	Waiting func()
}

// File is a file that is open for appending. Only regular files are rotated.
type File struct {
	io.WriteCloser
	place *place
	// special is the file if it is not rotated: a pipe, a device, or an open file that is named by its
	// descriptor (/dev/fd/3); nil for a regular file.
	special *os.File
	owner   unix.Stat_t
}

// Open opens a file for appending, or creates it with mode 0600. If the file is a FIFO, it waits for
// a reader until ctx is done, and then returns the cause of ctx. It rejects directories, sockets,
// block devices, files with several hard links in directories of other users and, in directories
// such as /tmp, files and FIFOs of other users.
func Open(ctx context.Context, path string, o Options) (*File, error) {
	p, err := find(path)
	if err != nil {
		return nil, err
	}
	file, err := p.append(ctx, o.Waiting)
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	f, err := newFile(p, file, o.Rotation)
	if err != nil {
		return nil, errors.Join(err, file.Close(), p.close())
	}
	return f, nil
}

func newFile(p *place, file *os.File, r Rotation) (*File, error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &s); err != nil {
		return nil, err
	}
	if err := p.refuse(s); err != nil && !p.magic {
		return nil, err
	}
	f := &File{place: p, owner: s}
	if s.Mode&unix.S_IFMT == unix.S_IFREG && !p.magic {
		f.WriteCloser = newRotator(p, file, s.Size, r)
	} else {
		f.WriteCloser, f.special = &plain{file, p.dir}, file
	}
	return f, nil
}

// refuse returns the reason not to write to a file in this place, or nil.
func (p *place) refuse(s unix.Stat_t) error {
	if p.planted(s) {
		return &hinted{fmt.Sprintf("is a file of user %d, in a directory where all users may create files", s.Uid), "name a new file, or one in a directory of yours"}
	}
	return refusal(s, p.shared())
}

// refusal returns the reason not to write to a file of this type, or nil. shared is true if other users may change
// the names in its directory. They could have made a hard link to a file such as /etc/shadow.
func refusal(s unix.Stat_t, shared bool) error {
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFBLK:
		return &hinted{"is a block device", "name a file"}
	case unix.S_IFREG:
		if s.Nlink > 1 && shared {
			return &hinted{fmt.Sprintf("has %d hard links, and other users may write to its directory", s.Nlink), "name a new file"}
		}
	}
	return nil
}

// Special returns the file if it is a pipe, a device, or an open file that is named by its descriptor, such as
// /dev/fd/3. It returns nil for a regular file, which is rotated.
func (f *File) Special() *os.File { return f.special }

// Rotate starts a new file, unless the file is special or empty.
func (f *File) Rotate() error {
	r, ok := f.WriteCloser.(*rotator)
	if !ok || r.size == 0 {
		return nil
	}
	return r.rotate()
}

// Rotatable returns an error if rotation needs privileges: the process may not create files in the
// directory, or they would have another owner. It returns nil if the file is not rotated.
func (f *File) Rotatable() error {
	if f.special != nil {
		return nil
	}
	if int(f.owner.Uid) != os.Geteuid() || int(f.owner.Gid) != os.Getegid() {
		return unix.EPERM
	}
	return f.place.writable()
}

// plain is a file that is not rotated.
type plain struct {
	*os.File
	dir *dir
}

// Close also closes the directory.
func (p *plain) Close() error { return errors.Join(p.File.Close(), p.dir.close()) }

// mostTries limits the retries while other processes create and remove the same name.
const mostTries = 100

// append opens the file or creates it.
func (p *place) append(ctx context.Context, waiting func()) (*os.File, error) {
	for range mostTries {
		file, err := p.openThere(ctx, waiting)
		if !errors.Is(err, unix.ENOENT) {
			return file, err
		}
		file, err = p.create(p.name)
		if !errors.Is(err, unix.EEXIST) {
			return file, err
		}
	}
	return nil, errBusy
}

var errBusy = errors.New("another process keeps creating and removing this name")

// readersEvery is the interval at which opening a FIFO without a reader is retried.
const readersEvery = 50 * time.Millisecond

// openThere opens an existing file. If it is a FIFO without a reader, it calls waiting once and waits for one.
func (p *place) openThere(ctx context.Context, waiting func()) (*os.File, error) {
	for {
		file, err := p.openNow()
		if !errors.Is(err, unix.ENXIO) {
			return file, explain(err)
		}
		if !p.isFIFO() {
			return nil, &hinted{"is a socket or a device without a driver", "name a file"}
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(readersEvery):
		}
	}
}

func (p *place) isFIFO() bool {
	s, err := p.stat(p.name)
	return err == nil && s.Mode&unix.S_IFMT == unix.S_IFIFO
}

// openNow opens an existing file without waiting. It follows a magic link, since the target is already open.
func (p *place) openNow() (*os.File, error) {
	const flags = unix.O_WRONLY | unix.O_APPEND
	if !p.magic {
		return p.open(p.name, flags)
	}
	fd, err := retry(func() (int, error) {
		return unix.Openat(p.fd, p.name, flags|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	return p.blocking(fd, p.name)
}

// explain replaces errors of open(2) by clearer ones.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EISDIR):
		return errDirectory
	case errors.Is(err, unix.ELOOP):
		return errors.New("became a symbolic link while it was opened")
	}
	return err
}
