// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// partSuffix marks a compressed file that is not complete yet.
const partSuffix = ".tmp"

// compress replaces an older file with a compressed one of the same owner and mode.
func (k *keeper) compress(name string) error {
	from, err := k.openOld(name)
	if from == nil {
		return err
	}
	part := name + packed + partSuffix
	err = k.pack(from, part)
	if err == nil {
		err = k.rename(part, name+packed)
	}
	if err = errors.Join(err, from.Close()); err != nil {
		return errors.Join(fmt.Errorf("compress %s: %w", text(k.at(name)), err), k.removeOld(part))
	}
	return k.removeOld(name)
}

// openOld opens a backup. It returns nil if tracer can't have created the file: a link, a directory, or a file with
// several hard links. Such a hard link may have been made to get a copy of a file that only root may read.
func (k *keeper) openOld(name string) (*os.File, error) {
	file, err := k.open(name, unix.O_RDONLY)
	switch {
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENXIO):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("compress %s: %w", text(k.at(name)), err)
	}
	var s unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &s); err != nil || s.Mode&unix.S_IFMT != unix.S_IFREG || s.Nlink > 1 {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// pack writes the compressed file, and syncs it to the disk before the original is removed.
func (k *keeper) pack(from *os.File, part string) (err error) {
	to, unnamed, err := k.createPart(part)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := zipTo(to, from); err != nil {
		return err
	}
	if unnamed { // before alike changes the owner, since only the owner may link the file (fs.protected_hardlinks)
		if err := k.giveName(to, part); err != nil {
			return err
		}
	}
	return alike(to, from)
}

// zipTo compresses a file, and syncs the result to the disk.
func zipTo(to, from *os.File) error {
	zip := gzip.NewWriter(to)
	if _, err := io.Copy(zip, from); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return to.Sync()
}

// createPart creates a file without a name, which disappears if the process is killed. On a file system without
// O_TMPFILE, it creates a file with the name.
func (k *keeper) createPart(name string) (file *os.File, unnamed bool, err error) {
	if file, err = k.createUnnamed(); err == nil {
		return file, true, nil
	}
	file, err = k.createOver(name)
	return file, false, err
}

// giveName links the file to a name, and replaces an existing file of this name.
func (k *keeper) giveName(file *os.File, name string) error {
	for range mostTries {
		err := unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", file.Fd()), k.fd, name, unix.AT_SYMLINK_FOLLOW)
		if !errors.Is(err, unix.EEXIST) {
			return err
		}
		if err := k.remove(name); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return errBusy
}

// createOver creates a file, and first removes a file that an interrupted run left.
func (k *keeper) createOver(name string) (*os.File, error) {
	for range mostTries {
		file, err := k.create(name)
		if !errors.Is(err, unix.EEXIST) {
			return file, err
		}
		if err := k.remove(name); err != nil && !errors.Is(err, unix.ENOENT) {
			return nil, err
		}
	}
	return nil, errBusy
}
