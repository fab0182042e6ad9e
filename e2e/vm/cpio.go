// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"fmt"
	"path"
)

// archive is a cpio archive in the "newc" format, which the kernel unpacks as its
// initramfs. Entries are owned by root and have no timestamps.
type archive struct {
	buf    bytes.Buffer
	inode  int
	folder map[string]bool
}

// File types, as in the upper bits of st_mode.
const (
	typeFolder  = 0o040000
	typeChar    = 0o020000
	typeRegular = 0o100000
)

// file adds a regular file, and its parent folders if they are missing.
func (a *archive) file(name string, mode uint32, data []byte) {
	a.folders(path.Dir(name))
	a.entry(name, typeRegular|mode, data, 0, 0)
}

// char adds a character device.
func (a *archive) char(name string, major, minor int) {
	a.folders(path.Dir(name))
	a.entry(name, typeChar|0o600, nil, major, minor)
}

func (a *archive) folders(name string) {
	if name == "." || name == "/" || a.folder[name] {
		return
	}
	a.folders(path.Dir(name))
	if a.folder == nil {
		a.folder = make(map[string]bool)
	}
	a.folder[name] = true
	a.entry(name, typeFolder|0o755, nil, 0, 0)
}

// entry writes the header (the magic number and thirteen fields), the name and the data. Name and data are padded to a
// multiple of four bytes.
func (a *archive) entry(name string, mode uint32, data []byte, major, minor int) {
	a.inode++
	const links = 1
	a.buf.WriteString("070701")
	for _, n := range []int{a.inode, int(mode), 0, 0, links, 0, len(data), 0, 0, major, minor, len(name) + 1, 0} {
		fmt.Fprintf(&a.buf, "%08x", n)
	}
	a.buf.WriteString(name)
	a.buf.WriteByte(0)
	a.pad()
	a.buf.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.buf.Len()%4 != 0 {
		a.buf.WriteByte(0)
	}
}

// bytes ends the archive and returns it.
func (a *archive) bytes() []byte {
	a.entry("TRAILER!!!", 0, nil, 0, 0)
	return a.buf.Bytes()
}
