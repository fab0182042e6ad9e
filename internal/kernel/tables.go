// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// tables has the addresses of the kernel's compressed symbol tables (kernel/kallsyms.c), from the kernel's note
// for crash dumps (since 6.0). Decoding them takes a fraction of the time that the kernel needs to print
// /proc/kallsyms.
type tables struct {
	count, names, tokens, index, offsets, base uint64
	// text is the address of _stext, to check the decoded symbols.
	text uint64
}

// vmcoreinfo is the name of the note for crash dumps.
const vmcoreinfo = "VMCOREINFO"

func findTables(c *core) (*tables, error) {
	info, err := c.note(vmcoreinfo)
	if err != nil {
		return nil, err
	}
	t := &tables{}
	wanted := map[string]*uint64{
		"kallsyms_num_syms": &t.count, "kallsyms_names": &t.names, "kallsyms_token_table": &t.tokens,
		"kallsyms_token_index": &t.index, "kallsyms_offsets": &t.offsets, "kallsyms_relative_base": &t.base, "_stext": &t.text,
	}
	for line := range bytes.Lines(info) {
		name, value, ok := bytes.Cut(bytes.TrimPrefix(line, []byte("SYMBOL(")), []byte(")="))
		if at := wanted[string(name)]; ok && at != nil {
			*at, _ = hexadecimal(value)
		}
	}
	for name, at := range wanted {
		if *at == 0 && at != &t.base { // newer kernels have no base
			return nil, fmt.Errorf("the kernel does not export the address of %s", name)
		}
	}
	return t, nil
}

// note returns the content of the note with that name.
func (c *core) note(name string) ([]byte, error) {
	for _, s := range c.segments {
		if s.Type != elf.PT_NOTE {
			continue
		}
		b := make([]byte, s.Filesz)
		if _, err := c.file.ReadAt(b, int64(s.Off)); err != nil {
			return nil, err
		}
		if found := findNote(b, name); found != nil {
			return found, nil
		}
	}
	return nil, fmt.Errorf("%s has no note %s", corePath, name)
}

// findNote searches ELF notes: each has a header of three words, a name and a description, which are padded to
// words.
func findNote(b []byte, name string) []byte {
	const header, word = 12, 4
	padded := func(n uint32) uint64 { return (uint64(n) + word - 1) &^ (word - 1) }
	for len(b) >= header {
		nameSize, size := binary.NativeEndian.Uint32(b), binary.NativeEndian.Uint32(b[4:])
		description := header + padded(nameSize)
		end := description + padded(size)
		if end > uint64(len(b)) {
			return nil
		}
		if bytes.HasPrefix(b[header:description], append([]byte(name), 0)) {
			return b[description : description+uint64(size)]
		}
		b = b[end:]
	}
	return nil
}

// unpacker decodes symbols from the tables, in their order.
type unpacker struct {
	names   *bufio.Reader
	offsets []byte
	address offsetEncoding
	// at is the address of the next symbol's offset, and base the address that most kernels add to the offset.
	at, base uint64
	tokens   [256][]byte
	name     []byte
}

// offsetEncoding computes a symbol's address from its offset.
type offsetEncoding func(u *unpacker, offset int32) uint64

// offsetEncodings are the encodings of offsets in various kernels.
var offsetEncodings = []offsetEncoding{
	// Relative to the base.
	func(u *unpacker, offset int32) uint64 { return u.base + uint64(uint32(offset)) },
	// Negative offsets are subtracted from base-1. Others are absolute: the addresses of per-CPU variables (amd64,
	// until 6.14).
	func(u *unpacker, offset int32) uint64 {
		if offset >= 0 {
			return uint64(offset)
		}
		return u.base - 1 - uint64(int64(offset))
	},
	// Relative to the address of the offset itself (7.3; without a base).
	func(u *unpacker, offset int32) uint64 { return u.at + uint64(int64(offset)) },
}

// maxSymbols limits the number of symbols that the kernel may claim to have.
const maxSymbols = 1 << 22

func (t *tables) open(c *core, encoding offsetEncoding) (*unpacker, error) {
	u := &unpacker{address: encoding, at: t.offsets, names: bufio.NewReaderSize(&memoryReader{c, t.names}, lineBuffer)}
	var count [4]byte
	var base [8]byte
	var index [512]byte
	if err := errors.Join(c.read(t.count, count[:]), c.read(t.index, index[:])); err != nil {
		return nil, err
	}
	if t.base != 0 {
		if err := c.read(t.base, base[:]); err != nil {
			return nil, err
		}
	}
	n := binary.NativeEndian.Uint32(count[:])
	if n == 0 || n > maxSymbols {
		return nil, fmt.Errorf("the kernel's symbol table has an implausible size: %d symbols", n)
	}
	u.base = binary.NativeEndian.Uint64(base[:])
	u.offsets = make([]byte, 4*n)
	if err := c.read(t.offsets, u.offsets); err != nil {
		return nil, err
	}
	return u, u.readTokens(c, t.tokens, index[:])
}

// readTokens reads the token table; names are sequences of tokens.
func (u *unpacker) readTokens(c *core, table uint64, index []byte) error {
	const room = 128 // for the last token
	last := binary.NativeEndian.Uint16(index[len(index)-2:])
	b := make([]byte, int(last)+room)
	if err := c.read(table, b); err != nil {
		return err
	}
	for i := range u.tokens {
		token := b[binary.NativeEndian.Uint16(index[2*i:]):]
		end := bytes.IndexByte(token, 0)
		if end < 0 {
			return errors.New("the kernel's symbol table has a token without an end")
		}
		u.tokens[i] = token[:end]
	}
	return nil
}

// next returns the next symbol, and io.EOF after the last. name is valid until the following call.
func (u *unpacker) next() (addr uint64, kind byte, name []byte, err error) {
	if len(u.offsets) == 0 {
		return 0, 0, nil, io.EOF
	}
	addr = u.address(u, int32(binary.NativeEndian.Uint32(u.offsets)))
	u.offsets, u.at = u.offsets[4:], u.at+4
	length, err := u.length()
	if err != nil {
		return 0, 0, nil, err
	}
	tokens, err := u.names.Peek(length)
	if err != nil {
		return 0, 0, nil, err
	}
	u.name = u.name[:0]
	for _, token := range tokens {
		u.name = append(u.name, u.tokens[token]...)
	}
	if len(u.name) < 2 {
		return 0, 0, nil, errors.New("the kernel's symbol table has a symbol without a name")
	}
	_, err = u.names.Discard(length)
	return addr, u.name[0], u.name[1:], err
}

// length returns the number of tokens of a name. It is stored in one byte, or in two if it is large (since
// 6.1).
func (u *unpacker) length() (int, error) {
	first, err := u.names.ReadByte()
	if err != nil || first&0x80 == 0 {
		return int(first), err
	}
	second, err := u.names.ReadByte()
	return int(first&0x7f) | int(second)<<7, err
}

// memoryReader reads kernel memory from addr on.
type memoryReader struct {
	core *core
	addr uint64
}

func (m *memoryReader) Read(b []byte) (int, error) {
	if err := m.core.read(m.addr, b); err != nil {
		return 0, err
	}
	m.addr += uint64(len(b))
	return len(b), nil
}

// unpackSymbols reads the symbols of vmlinux, without those of modules, from kernel memory. They must agree
// with the beginning of /proc/kallsyms.
func unpackSymbols(c *core) (*Symbols, error) {
	head, err := printedHead()
	if err != nil {
		return nil, err
	}
	return unpack(c, head)
}

func unpack(c *core, head []byte) (*Symbols, error) {
	t, err := findTables(c)
	if err != nil {
		return nil, err
	}
	for _, encoding := range offsetEncodings {
		u, err := t.open(c, encoding)
		if err != nil {
			return nil, err
		}
		if s, err := u.symbols(head, t.text); err == nil {
			return s, nil
		}
	}
	return nil, errors.New("the kernel's symbol tables have an unknown format")
}

// printedHead returns the first lines of /proc/kallsyms.
func printedHead() ([]byte, error) {
	f, err := os.Open(kallsymsPath)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 4096)
	n, err := io.ReadFull(f, b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return b[:bytes.LastIndexByte(b[:n], '\n')+1], err
}

var errDisagree = errors.New("the kernel's symbol tables disagree with /proc/kallsyms")

// symbols decodes all symbols. The first must be those in head, and _stext must be at text.
func (u *unpacker) symbols(head []byte, text uint64) (*Symbols, error) {
	p := newSymbolParser()
	var line []byte
	seen := false
	for {
		addr, kind, name, err := u.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(head) > 0 {
			line = fmt.Appendf(line[:0], "%016x %c %s\n", addr, kind, name)
			if !bytes.HasPrefix(head, line) {
				return nil, errDisagree
			}
			head = head[len(line):]
		}
		if string(name) == "_stext" {
			seen = addr == text
		}
		p.add(addr, kind, name, nil)
	}
	if !seen || len(head) > 0 {
		return nil, errDisagree
	}
	p.sort()
	p.Partial = true
	return &p.Symbols, nil
}
