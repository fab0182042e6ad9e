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

// openOld returns nil for what is not one of our files: a link, a directory, or a file with several
// hard links, which may be a file that the owner of the directory may not read.
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

// pack writes the compressed file. It is on the disk before the other one is removed.
func (k *keeper) pack(from *os.File, part string) (err error) {
	to, err := k.createOver(part)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := alike(to, from); err != nil {
		return err
	}
	zip := gzip.NewWriter(to)
	if _, err := io.Copy(zip, from); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return to.Sync()
}

// createOver creates a file, and first removes one that an interrupted run left.
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
