// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// object is kernel memory that a probe copies: size bytes from an address. The address is that in the word at the position `at` of an object that was
// copied before, or an argument, plus `plus`.
type object struct {
	from string // an object, or "" for the arguments
	at   uint32 // of the word in the object, or the number of the argument
	plus int32
	name string
	size uint32
}

// recipe has the objects that a probe on a function copies.
type recipe struct {
	function string
	objects  []object
}

// arguments is the number of arguments that are copied.
const arguments = 3

// start is the position of an object in a capture. A capture begins with the number of the recipe and the arguments.
func (r *recipe) start(name string) (start, size uint32) {
	start = 8 * (1 + arguments)
	for _, o := range r.objects {
		if o.name == name {
			return start, o.size
		}
		start += o.size
	}
	return 0, 0
}

// capture is what a probe copied.
type capture struct {
	*recipe
	raw []byte
}

// argument returns the address in an argument, from 0.
func (c *capture) argument(i int) uint64 { return binary.NativeEndian.Uint64(c.raw[8*(1+i):]) }

// of returns an object.
func (c *capture) of(name string) memory {
	start, size := c.start(name)
	return c.raw[start : start+size]
}

// memory is a copy of kernel memory.
type memory []byte

func (m memory) u8(at uint32) uint8   { return m[at] }
func (m memory) u16(at uint32) uint16 { return binary.NativeEndian.Uint16(m[at:]) }
func (m memory) u32(at uint32) uint32 { return binary.NativeEndian.Uint32(m[at:]) }
func (m memory) u64(at uint32) uint64 { return binary.NativeEndian.Uint64(m[at:]) }

// number returns the value of a member, whose struct begins at a position.
func (m memory) number(start uint32, f member) uint64 {
	var n uint64
	switch f.of {
	case "u8":
		n = uint64(m.u8(start + f.at))
	case "u16":
		n = uint64(m.u16(start + f.at))
	case "u32", "s32":
		n = uint64(m.u32(start + f.at))
	default:
		n = m.u64(start + f.at)
	}
	if f.bits > 0 {
		n = n >> f.from & (1<<f.bits - 1)
	}
	return n
}

// name returns the string at the beginning.
func (m memory) name() string {
	for i, c := range m {
		if c == 0 {
			return string(m[:i])
		}
	}
	return ""
}

const (
	captureSize = 1536
	capturesMax = 64
)

// probes are the probes of a trial.
type probes struct {
	recipes  []recipe
	captures *ebpf.Map
	open     []io.Closer
}

// argumentOffsets are the offsets of the first arguments in the kernel's struct pt_regs, by architecture.
var argumentOffsets = map[string][arguments]int16{"amd64": {112, 104, 96}, "arm64": {0, 8, 16}}

// probe attaches probes that copy memory in calls by a thread with this name (comm), which has 16 bytes.
func probe(recipes []recipe, comm string) (p *probes, err error) {
	offsets, ok := argumentOffsets[runtime.GOARCH]
	if !ok {
		return nil, fmt.Errorf("there is no trial on %s", runtime.GOARCH)
	}
	p = &probes{recipes: recipes}
	defer func() {
		if err != nil {
			p.close()
			p = nil
		}
	}()
	counter, err := p.array(1, 8)
	if err != nil {
		return p, err
	}
	if p.captures, err = p.array(capturesMax, captureSize); err != nil {
		return p, err
	}
	for i, r := range recipes {
		program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Name: "tracer_layout", Type: ebpf.Kprobe, License: "GPL", KernelVersion: 1,
			Instructions: copies(&recipes[i], i+1, comm, offsets, counter, p.captures),
		})
		if err != nil {
			return p, fmt.Errorf("load a program: %w", err)
		}
		p.open = append(p.open, program)
		l, err := link.Kprobe(r.function, program, nil)
		if err != nil {
			return p, fmt.Errorf("probe %s: %w", r.function, err)
		}
		p.open = append(p.open, l)
	}
	return p, nil
}

func (p *probes) array(entries, size uint32) (*ebpf.Map, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "tracer_layout", Type: ebpf.Array, KeySize: 4, ValueSize: size, MaxEntries: entries})
	if err != nil {
		return nil, fmt.Errorf("create a map: %w", err)
	}
	p.open = append(p.open, m)
	return m, nil
}

// close detaches the probes.
func (p *probes) close() error {
	var errs []error
	for i := len(p.open) - 1; i >= 0; i-- {
		errs = append(errs, p.open[i].Close())
	}
	return errors.Join(errs...)
}

// read returns the captures, in the order of the calls.
func (p *probes) read() ([]capture, error) {
	var all []capture
	for i := range uint32(capturesMax) {
		raw := make([]byte, captureSize)
		if err := p.captures.Lookup(i, &raw); err != nil {
			return nil, err
		}
		number := binary.NativeEndian.Uint64(raw)
		if number == 0 || number > uint64(len(p.recipes)) {
			break
		}
		all = append(all, capture{&p.recipes[number-1], raw})
	}
	return all, nil
}

// copies is the program of a recipe. Only one thread has the name, so nothing else counts meanwhile.
func copies(r *recipe, number int, comm string, offsets [arguments]int16, counter, captures *ebpf.Map) asm.Instructions {
	word := func(i int) int64 { return int64(binary.NativeEndian.Uint64([]byte(comm[8*i:]))) }
	body := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, -16), asm.Mov.Imm(asm.R2, 16), asm.FnGetCurrentComm.Call(),
	}
	for i := range 2 {
		body = append(body, asm.LoadMem(asm.R1, asm.RFP, int16(-16+8*i), asm.DWord), asm.LoadImm(asm.R2, word(i), asm.DWord), asm.JNE.Reg(asm.R1, asm.R2, "end"))
	}
	find := func(m *ebpf.Map) {
		body = append(body, asm.LoadMapPtr(asm.R1, m.FD()), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -4), asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, "end"))
	}
	body = append(body, asm.StoreImm(asm.RFP, -4, 0, asm.Word))
	find(counter)
	body = append(body,
		asm.LoadMem(asm.R8, asm.R0, 0, asm.DWord), asm.Mov.Reg(asm.R1, asm.R8), asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord), asm.StoreMem(asm.RFP, -4, asm.R8, asm.Word),
	)
	find(captures) // NULL if there are too many
	body = append(body, asm.Mov.Reg(asm.R9, asm.R0), asm.Mov.Imm(asm.R1, int32(number)), asm.StoreMem(asm.R9, 0, asm.R1, asm.DWord))
	for i, offset := range offsets {
		body = append(body, asm.LoadMem(asm.R1, asm.R6, offset, asm.DWord), asm.StoreMem(asm.R9, int16(8*(1+i)), asm.R1, asm.DWord))
	}
	for _, o := range r.objects {
		to, _ := r.start(o.name)
		from := 8 * (1 + o.at)
		if o.from != "" {
			start, _ := r.start(o.from)
			from = start + o.at
		}
		body = append(body,
			asm.Mov.Reg(asm.R1, asm.R9), asm.Add.Imm(asm.R1, int32(to)), asm.Mov.Imm(asm.R2, int32(o.size)),
			asm.LoadMem(asm.R3, asm.R9, int16(from), asm.DWord), asm.Add.Imm(asm.R3, o.plus), asm.FnProbeReadKernel.Call(),
		)
	}
	return append(body, asm.Mov.Imm(asm.R0, 0).WithSymbol("end"), asm.Return())
}
