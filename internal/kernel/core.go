// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"debug/elf"
	"fmt"
	"os"
)

const corePath = "/proc/kcore"

// core reads kernel memory from /proc/kcore, an ELF file with a segment for each address range.
type core struct {
	file     *os.File
	segments []*elf.Prog
}

func openCore(path string) (*core, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	image, err := elf.NewFile(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &core{file, image.Progs}, nil
}

// read fills b with the memory at addr.
func (c *core) read(addr uint64, b []byte) error {
	for _, s := range c.segments {
		if s.Type == elf.PT_LOAD && addr >= s.Vaddr && addr-s.Vaddr+uint64(len(b)) <= s.Memsz {
			_, err := c.file.ReadAt(b, int64(s.Off+addr-s.Vaddr))
			return err
		}
	}
	return fmt.Errorf("%s has no data at address %#x", corePath, addr)
}

func (c *core) close() {
	if c != nil {
		c.file.Close()
	}
}
