// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Rotation has the limits at which a new file is started and older files are removed.
type Rotation struct {
	// MaxSize is the maximum size of a file in MiB; 0 means 100.
	MaxSize int
	// MaxBackups is the maximum number of older files, MaxAge their maximum age in days; 0 means no limit.
	MaxBackups, MaxAge int
	// Compress compresses older files with gzip.
	Compress bool
	// Manual means that a new file is only started by [File.Rotate], whatever its size.
	Manual bool
}

// defaultMaxSize is the default maximum size of a file in MiB.
const defaultMaxSize = 100

func (r Rotation) limit() int64 {
	if r.Manual {
		return math.MaxInt64
	}
	if r.MaxSize == 0 {
		return defaultMaxSize << 20
	}
	return int64(r.MaxSize) << 20
}

// rotator writes a regular file, and starts a new one when it gets too large.
type rotator struct {
	*place
	file *os.File
	size int64
	keep *keeper
}

func newRotator(p *place, file *os.File, size int64, r Rotation) *rotator {
	return &rotator{place: p, file: file, size: size, keep: newKeeper(p, r)}
}

// Write writes whole lines, which are never split between two files. A write that is larger than the limit
// gets a file of its own.
func (r *rotator) Write(lines []byte) (int, error) {
	if r.size > 0 && int64(len(lines)) > r.keep.limit()-r.size {
		if err := r.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := r.file.Write(lines)
	r.size += int64(n)
	return n, err
}

// Close closes the file, after older files are compressed and removed.
func (r *rotator) Close() error {
	return errors.Join(r.keep.finish(), r.file.Close(), r.place.close())
}

// rotate renames the file to a backup and starts a new one with the same owner and mode.
func (r *rotator) rotate() error {
	next, err := r.replace()
	if err != nil {
		return fmt.Errorf("start a new file beside %s: %w", text(r.at(r.name)), err)
	}
	err = r.file.Close()
	r.file, r.size = next, 0
	r.keep.start()
	return err
}

// replace creates the new file with the name of the backup, and then swaps the two names. So the new file is
// created with O_EXCL, and whatever another user puts in place of the output file is renamed, but never opened.
func (r *rotator) replace() (*os.File, error) {
	file, backup, err := r.createBackup(time.Now())
	if err != nil {
		return nil, err
	}
	defer r.keep.pending.Store(nil)
	if err := errors.Join(alike(file, r.file), r.swap(backup)); err != nil {
		return nil, errors.Join(err, file.Close(), r.remove(backup))
	}
	return file, nil
}

// createBackup creates a file with the first free backup name from now on.
func (r *rotator) createBackup(now time.Time) (*os.File, string, error) {
	for range mostTries {
		name := backupName(r.name, now)
		r.keep.pending.Store(&name)
		file, err := r.create(name)
		if !errors.Is(err, unix.EEXIST) {
			return file, name, err
		}
		now = now.Add(backupStep)
	}
	return nil, "", errBusy
}

// alike sets the owner and the mode of a file to those of another one.
func alike(file, model *os.File) error {
	var s unix.Stat_t
	if err := unix.Fstat(int(model.Fd()), &s); err != nil {
		return err
	}
	if err := unix.Fchown(int(file.Fd()), int(s.Uid), int(s.Gid)); err != nil {
		return fmt.Errorf("owner: %w", err)
	}
	return file.Chmod(os.FileMode(s.Mode) & os.ModePerm)
}

// swap exchanges the file's name with the backup's.
func (r *rotator) swap(backup string) error {
	for range mostTries {
		err := r.exchange(backup, r.name)
		switch {
		case errors.Is(err, unix.ENOENT): // another process moved the file away
			err = unix.Renameat2(r.fd, backup, r.fd, r.name, unix.RENAME_NOREPLACE)
			if errors.Is(err, unix.EEXIST) {
				continue
			}
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
			return r.swapInSteps(backup)
		}
		return err
	}
	return errBusy
}

// swapInSteps is swap for file systems without RENAME_EXCHANGE. It is not atomic: its second rename overwrites a
// file that another process created after the first one.
func (r *rotator) swapInSteps(backup string) error {
	aside := backup + asideSuffix
	if err := r.rename(r.name, aside); err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	if err := r.rename(backup, r.name); err != nil {
		return err
	}
	if err := r.rename(aside, backup); err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	return nil
}

// asideSuffix is the suffix of the temporary name in swapInSteps.
const asideSuffix = ".old"
