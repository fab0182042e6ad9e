// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// maxBTF is the maximum size of BTF in bytes, many times that of any kernel.
const maxBTF = 128 << 20

var errBigFile = fmt.Errorf("has more than %d MiB of BTF", maxBTF>>20)

// readBTFFile reads raw BTF, or the .BTF section of an ELF file, from a file or a pipe. It does not wait for a
// writer of a FIFO.
func readBTFFile(path string) (_ []byte, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.Mode().IsRegular():
		return sectionBTF(f)
	case info.Mode()&os.ModeNamedPipe == 0:
		return nil, errors.New("not a file or a pipe")
	}
	return limitedBTF(f)
}

// sectionBTF reads the .BTF section of an ELF file, or any other file as a whole.
func sectionBTF(f *os.File) ([]byte, error) {
	magic := make([]byte, len(elf.ELFMAG))
	if _, err := f.ReadAt(magic, 0); err != nil || string(magic) != elf.ELFMAG {
		return limitedBTF(f)
	}
	return elfBTF(f)
}

// limitedBTF reads all of r, raw BTF or an ELF file, up to maxBTF bytes.
func limitedBTF(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBTF+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxBTF:
		return nil, errBigFile
	}
	return rawBTF(b)
}

// rawBTF returns b if it is raw BTF, or its .BTF section if it is an ELF file.
func rawBTF(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, []byte(elf.ELFMAG)) {
		return b, checkMagic(b)
	}
	return elfBTF(bytes.NewReader(b))
}

// elfBTF reads the .BTF section, which may be compressed, up to maxBTF bytes of content.
func elfBTF(r io.ReaderAt) ([]byte, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err
	}
	s := f.Section(".BTF")
	if s == nil {
		return nil, errors.New("ELF file has no section .BTF")
	}
	b, err := io.ReadAll(io.LimitReader(s.Open(), maxBTF+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("section .BTF: %w", err)
	case len(b) > maxBTF:
		return nil, errBigFile
	}
	return b, checkMagic(b)
}
