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

// maxFunction bounds the offset of an address into the last function before a
// gap; the biggest function of a kernel is ten times smaller.
const maxFunction = 1 << 20

// usualSymbols is how many functions a kernel with modules has.
const usualSymbols = 128 << 10

// symbol is a function, or, without a name, the place where functions end.
type symbol struct {
	addr   uint64
	name   uint32 // offset in the names
	length uint16
	module uint16
}

// Symbols are the functions of a kernel by address: 16 bytes each, and their
// names in one block.
type Symbols struct {
	list    []symbol
	names   []byte
	modules []string // by symbol.module; the first is the kernel itself
	marks   map[string]uint64
	// loaded are the modules that there were when the reading began; nil is unknown.
	loaded []byte
	// Partial says that there are more: those of modules, and of BPF programs.
	Partial bool
}

// ReadSymbols reads /proc/kallsyms. It returns [ErrAddressesHidden] when the
// kernel shows no addresses to this process.
func ReadSymbols() (*Symbols, error) {
	f, err := OpenSymbols()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Read()
}

// SymbolsFile is /proc/kallsyms held open, and /proc/modules. The kernel decides when they are
// opened whether they show addresses to who opens them, so that they can be read again by a
// process that has given up the right (CAP_SYSLOG) since.
type SymbolsFile struct{ symbols, modules heldFile }

// OpenSymbols opens the files.
func OpenSymbols() (*SymbolsFile, error) {
	f := new(SymbolsFile)
	if err := f.symbols.open(kallsymsPath); err != nil {
		return nil, err
	}
	// Where there is no such file, there are no modules; where it can't be opened, they are
	// not known, and the symbols are.
	if err := f.modules.open(modulesPath); !errors.Is(err, os.ErrNotExist) {
		f.modules.closed = err
	}
	return f, nil
}

// Read reads the symbols that there are now, as [ReadSymbols] does.
func (f *SymbolsFile) Read() (*Symbols, error) {
	modules, _ := f.loaded() // first: what is loaded meanwhile is seen to be new
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

// Current says that the modules are still those of a list that was read: what it tells of an
// address in one is true. It takes a fraction of the time that reading the list takes.
func (f *SymbolsFile) Current(s *Symbols) bool {
	modules, err := f.loaded()
	return err == nil && s.loaded != nil && bytes.Equal(modules, s.loaded)
}

// loaded are the names of the modules that are loaded and where they are: nil with an error,
// and only then.
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

// appendModule takes `NAME SIZE REFERENCES USERS STATE ADDRESS` and perhaps more, and leaves out
// what changes while a module stays.
func appendModule(modules, line []byte) []byte {
	if fields := bytes.Fields(line); len(fields) > 5 {
		modules = fmt.Appendf(modules, "%s %s\n", fields[0], fields[5])
	}
	return modules
}

// Close ends the reading.
func (f *SymbolsFile) Close() error { return errors.Join(f.symbols.close(), f.modules.close()) }

// heldFile is a file that is read from its beginning again and again.
type heldFile struct {
	mu     sync.Mutex
	file   *os.File // nil: there is none, or closed is why it can't be read
	closed error
}

func (h *heldFile) open(path string) (err error) {
	h.file, err = os.Open(path)
	return err
}

// again has f read the file.
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

// ParseSymbols reads symbols in the format of /proc/kallsyms.
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

// Lookup finds the function that addr lies in. Its offset is from the start of
// the function. It is not found below the first function and beyond the end of
// one, as far as symbols tell.
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

// find is the index of the symbol at or below addr, -1 when there is none. Of
// several at one address it is the first in the file, as in the kernel.
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

// Addresses are those of every function with exactly that name in that module;
// "" is the kernel itself.
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

// after is the start of the next function behind the one at index i.
func (s *Symbols) after(i int) uint64 {
	addr := s.list[i].addr
	for _, next := range s.list[i+1:] {
		if next.addr > addr {
			return next.addr
		}
	}
	return addr + maxFunction
}

// symbolParser takes the lines of a kallsyms.
type symbolParser struct {
	Symbols
	lines  int
	module uint16 // of the last line: modules come in one piece
}

// line takes `ADDRESS TYPE NAME [MODULE]`, with a tab before the module.
func (p *symbolParser) line(b []byte) {
	addr, rest := hexadecimal(b)
	if len(rest) < 4 || rest[0] != ' ' || rest[2] != ' ' {
		return
	}
	p.lines++
	name, module, _ := bytes.Cut(rest[3:], []byte{'\t'})
	p.add(addr, rest[1], name, module)
}

// add takes a symbol; module is nil for one of the kernel itself.
func (p *symbolParser) add(addr uint64, kind byte, name, module []byte) {
	if module == nil && isMark(name) {
		p.marks[string(name)] = addr
	}
	if addr == 0 || kind == 'a' || kind == 'A' || isLabel(name) { // per-CPU offsets are no addresses
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

// isLabel tells labels that compiler and assembler put inside of functions: .LBB7, and $x for
// where code begins. Modules have them among their symbols on riscv64.
func isLabel(name []byte) bool {
	return bytes.HasPrefix(name, []byte(".L")) || bytes.HasPrefix(name, []byte("$"))
}

func isText(kind byte) bool {
	return kind == 't' || kind == 'T' || kind == 'w' || kind == 'W'
}

// boundary ends the function before addr. The first of many in a row is enough, where they
// are in the order of their addresses: in modules they are not.
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

// sort keeps the order of the file among symbols of one address, a boundary
// being the last of them.
func (p *symbolParser) sort() {
	slices.SortStableFunc(p.list, func(a, b symbol) int {
		if c := cmp.Compare(a.addr, b.addr); c != 0 {
			return c
		}
		return cmp.Compare(min(b.length, 1), min(a.length, 1))
	})
}

// hexadecimal reads a number up to the first other byte.
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
