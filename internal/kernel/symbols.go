// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

const (
	kallsymsPath = "/proc/kallsyms"
	modulesPath  = "/proc/modules"
)

// maxFunction limits the size of the last function before a gap, in bytes. The largest function of a kernel is
// ten times smaller.
const maxFunction = 1 << 20

// usualSymbols is the usual number of functions of a kernel with modules.
const usualSymbols = 128 << 10

// symbol is a function or, if length is 0, the address where the functions before it end.
type symbol struct {
	addr   uint64
	name   uint32 // offset in the names
	length uint16
	module uint16
}

// Symbols are the functions of a kernel by address: 16 bytes each, and all names in one buffer.
type Symbols struct {
	list    []symbol
	names   []byte
	modules []string // by symbol.module; the first is the kernel itself
	marks   map[string]uint64
	// loaded are the modules that were loaded when reading began; nil if unknown.
	loaded []byte
	// Partial is set if the symbols of modules and BPF programs are missing.
	Partial bool
}

// ReadSymbols reads /proc/kallsyms. It returns [ErrAddressesHidden] if the kernel shows no addresses to this
// process.
func ReadSymbols() (*Symbols, error) {
	f, err := OpenSymbols()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Read()
}

// SymbolsFile holds /proc/kallsyms and /proc/modules open. The kernel decides when a file is opened whether it
// shows addresses, so that a process can still read them after it has dropped CAP_SYSLOG.
type SymbolsFile struct{ symbols, modules heldFile }

// OpenSymbols opens both files.
func OpenSymbols() (*SymbolsFile, error) {
	f := new(SymbolsFile)
	if err := f.symbols.open(kallsymsPath); err != nil {
		return nil, err
	}
	// Without this file there are no modules. If it can't be opened, the modules are unknown, but the symbols can
	// still be read.
	if err := f.modules.open(modulesPath); !errors.Is(err, os.ErrNotExist) {
		f.modules.closed = err
	}
	return f, nil
}

// Read reads the current symbols, like [ReadSymbols].
func (f *SymbolsFile) Read() (*Symbols, error) {
	modules, _ := f.loaded() // before the symbols, so that a module that is loaded meanwhile counts as new
	var s *Symbols
	err := f.symbols.again(func(r io.Reader) (err error) {
		s, err = ParseSymbols(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.loaded = modules
	return s, nil
}

// Current reports whether the loaded modules are still those of s, so that addresses in modules are still
// valid. It takes a fraction of the time of Read.
func (f *SymbolsFile) Current(s *Symbols) bool {
	modules, err := f.loaded()
	return err == nil && s.loaded != nil && bytes.Equal(modules, s.loaded)
}

// loaded returns the names and addresses of the loaded modules. It is nil only together with an error.
func (f *SymbolsFile) loaded() ([]byte, error) {
	modules := []byte{}
	err := f.modules.again(func(r io.Reader) error {
		return lines(r, func(line []byte) { modules = appendModule(modules, line) })
	})
	if err != nil {
		return nil, err
	}
	return modules, nil
}

// appendModule adds the name and address from a line `NAME SIZE REFERENCES USERS STATE ADDRESS`, which may have
// more fields. The other fields change while a module is loaded.
func appendModule(modules, line []byte) []byte {
	if fields := bytes.Fields(line); len(fields) > 5 {
		modules = fmt.Appendf(modules, "%s %s\n", fields[0], fields[5])
	}
	return modules
}

// Close closes both files.
func (f *SymbolsFile) Close() error { return errors.Join(f.symbols.close(), f.modules.close()) }

// heldFile is an open file that is read several times from its beginning.
type heldFile struct {
	mu     sync.Mutex
	file   *os.File // nil if there is no such file, or if closed is why it can't be opened
	closed error
}

func (h *heldFile) open(path string) (err error) {
	h.file, err = os.Open(path)
	return err
}

// again seeks to the beginning of the file and calls f.
func (h *heldFile) again(f func(io.Reader) error) error {
	if h.file == nil {
		return h.closed
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return f(h.file)
}

func (h *heldFile) close() error {
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}

// ParseSymbols parses symbols in the format of /proc/kallsyms.
func ParseSymbols(r io.Reader) (*Symbols, error) {
	p := newSymbolParser()
	if err := lines(r, p.line); err != nil {
		return nil, err
	}
	if p.hidden() {
		return nil, ErrAddressesHidden
	}
	p.sort()
	return &p.Symbols, nil
}

func newSymbolParser() *symbolParser {
	return &symbolParser{Symbols: Symbols{
		list:    make([]symbol, 0, usualSymbols),
		names:   make([]byte, 0, usualSymbols*24),
		modules: []string{""},
		marks:   map[string]uint64{},
	}}
}

// Lookup finds the function that contains addr. offset is relative to the start of the function. ok is false
// below the first function, and after the end of a function, as far as symbols show where it ends.
func (s *Symbols) Lookup(addr uint64) (name, module string, offset uint64, ok bool) {
	i := s.find(addr)
	if i < 0 {
		return "", "", 0, false
	}
	sym := s.list[i]
	offset = addr - sym.addr
	if sym.length == 0 || offset >= maxFunction {
		return "", "", 0, false
	}
	return string(s.name(sym)), s.modules[sym.module], offset, true
}

// find returns the index of the symbol at or below addr, or -1. Of several at one address, it is the first in
// the file, as in the kernel.
func (s *Symbols) find(addr uint64) int {
	i, found := slices.BinarySearchFunc(s.list, addr, func(sym symbol, a uint64) int {
		return cmp.Compare(sym.addr, a)
	})
	if found {
		return i
	}
	i--
	for i > 0 && s.list[i-1].addr == s.list[i].addr {
		i--
	}
	return i
}

// Addresses returns the addresses of every function with exactly that name in that module; "" is vmlinux.
func (s *Symbols) Addresses(name, module string) []uint64 {
	m := slices.Index(s.modules, module)
	var out []uint64
	if name == "" {
		return nil
	}
	for _, sym := range s.list {
		if int(sym.length) == len(name) && int(sym.module) == m && string(s.name(sym)) == name {
			out = append(out, sym.addr)
		}
	}
	return slices.Compact(out)
}

func (s *Symbols) name(sym symbol) []byte {
	return s.names[sym.name : sym.name+uint32(sym.length)]
}

// after returns the end of the function at index i: the next higher address of a symbol or, for the last one,
// maxFunction bytes after its start.
func (s *Symbols) after(i int) uint64 {
	addr := s.list[i].addr
	for _, next := range s.list[i+1:] {
		if next.addr > addr {
			return next.addr
		}
	}
	return addr + maxFunction
}

// symbolParser parses the lines of /proc/kallsyms.
type symbolParser struct {
	Symbols
	lines  int
	module uint16 // of the last line, since the symbols of a module are contiguous
}

// line parses `ADDRESS TYPE NAME [MODULE]`, with a tab before the module.
func (p *symbolParser) line(b []byte) {
	addr, rest := hexadecimal(b)
	if len(rest) < 4 || rest[0] != ' ' || rest[2] != ' ' {
		return
	}
	p.lines++
	name, module, _ := bytes.Cut(rest[3:], []byte{'\t'})
	p.add(addr, rest[1], name, module)
}

// add adds a symbol; module is nil for a symbol of vmlinux.
func (p *symbolParser) add(addr uint64, kind byte, name, module []byte) {
	if isMark(name) && (module == nil || p.marks[string(name)] == 0) {
		p.marks[string(name)] = addr
	}
	if addr == 0 || kind == 'a' || kind == 'A' || isLabel(name) { // per-CPU offsets are not addresses
		return
	}
	if !isText(kind) {
		p.boundary(addr, module != nil)
		return
	}
	p.setModule(module)
	p.list = append(p.list, symbol{addr, uint32(len(p.names)), uint16(len(name)), p.module})
	p.names = append(p.names, name...)
}

// isLabel reports whether a symbol is a label inside a function: .LBB7 from a compiler, or $x where code
// begins. On riscv64, modules have them among their symbols.
func isLabel(name []byte) bool {
	return bytes.HasPrefix(name, []byte(".L")) || bytes.HasPrefix(name, []byte("$"))
}

func isText(kind byte) bool {
	return kind == 't' || kind == 'T' || kind == 'w' || kind == 'W'
}

// boundary ends the function before addr. In vmlinux, whose symbols are sorted by address, only the first of
// several boundaries in a row is kept. The symbols of modules are not sorted, so all are kept.
func (p *symbolParser) boundary(addr uint64, ofModule bool) {
	if n := len(p.list); !ofModule && n > 0 && p.list[n-1].length == 0 && p.list[n-1].addr <= addr {
		return
	}
	p.list = append(p.list, symbol{addr: addr})
}

func (p *symbolParser) setModule(m []byte) {
	m = bytes.TrimSuffix(bytes.TrimPrefix(m, []byte{'['}), []byte{']'})
	if p.modules[p.module] == string(m) {
		return
	}
	i := slices.Index(p.modules, string(m))
	if i < 0 {
		i = len(p.modules)
		p.modules = append(p.modules, string(m))
	}
	p.module = uint16(i)
}

func (p *symbolParser) hidden() bool { return p.lines > 0 && len(p.list) == 0 }

// sort sorts by address. At the same address it keeps the order of the file, with boundaries last.
func (p *symbolParser) sort() {
	slices.SortStableFunc(p.list, func(a, b symbol) int {
		if c := cmp.Compare(a.addr, b.addr); c != 0 {
			return c
		}
		return cmp.Compare(min(b.length, 1), min(a.length, 1))
	})
}

// hexadecimal parses the lower-case hexadecimal number at the start of b, and returns the rest.
func hexadecimal(b []byte) (uint64, []byte) {
	var v uint64
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return v, b[i:]
		}
	}
	return v, nil
}
