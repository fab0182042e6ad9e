// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"tracer/internal/printable"
)

// Given is the argument that the kernel passes to a BPF program. The packet is found from it.
type Given uint8

const (
	// GivenSkb is the sk_buff itself.
	GivenSkb Given = iota
	// GivenHook is a struct bpf_nf_ctx.
	GivenHook
	// GivenFrame is a struct xdp_buff.
	GivenFrame
)

// ProgramKind is a kind of BPF program that can be traced.
type ProgramKind struct {
	// Name is the name that the user enters.
	Name string
	// Types are the kernel's program types of this kind, with the kernel's names.
	Types map[ebpf.ProgramType]string
	Given Given
	// Context is the struct that such programs take, as their own BTF names it.
	Context string
	// Verdicts are the names of their return values.
	Verdicts map[int32]string
}

// skbContext is the struct that programs see instead of an sk_buff.
const skbContext = "__sk_buff"

// ProgramKinds lists all kinds. To trace another kind, add an entry here and, if its packet is found in another
// way, a program in bpf/entry/program.h.
var ProgramKinds = []*ProgramKind{
	{
		Name:    "tc",
		Types:   map[ebpf.ProgramType]string{ebpf.SchedCLS: "sched_cls", ebpf.SchedACT: "sched_act"},
		Context: skbContext,
		// From include/uapi/linux/pkt_cls.h. Those of tcx and netkit are the same numbers.
		Verdicts: map[int32]string{
			-1: "TC_ACT_UNSPEC", 0: "TC_ACT_OK", 1: "TC_ACT_RECLASSIFY", 2: "TC_ACT_SHOT", 3: "TC_ACT_PIPE",
			4: "TC_ACT_STOLEN", 5: "TC_ACT_QUEUED", 6: "TC_ACT_REPEAT", 7: "TC_ACT_REDIRECT", 8: "TC_ACT_TRAP",
		},
	},
	{
		Name:     "xdp",
		Types:    map[ebpf.ProgramType]string{ebpf.XDP: "xdp"},
		Given:    GivenFrame,
		Context:  "xdp_md",
		Verdicts: map[int32]string{0: "XDP_ABORTED", 1: "XDP_DROP", 2: "XDP_PASS", 3: "XDP_TX", 4: "XDP_REDIRECT"},
	},
	{
		Name:     "netfilter",
		Types:    map[ebpf.ProgramType]string{ebpf.Netfilter: "netfilter"},
		Given:    GivenHook,
		Context:  "bpf_nf_ctx",
		Verdicts: map[int32]string{0: "NF_DROP", 1: "NF_ACCEPT"},
	},
	{
		Name:    "cgroup_skb",
		Types:   map[ebpf.ProgramType]string{ebpf.CGroupSKB: "cgroup_skb"},
		Context: skbContext,
		// The kernel has no names for these; cn means that the sender is notified of congestion.
		Verdicts: map[int32]string{0: "drop", 1: "allow", 2: "drop,cn", 3: "allow,cn"},
	},
	{
		Name:     "sk_skb",
		Types:    map[ebpf.ProgramType]string{ebpf.SkSKB: "sk_skb"},
		Context:  skbContext,
		Verdicts: map[int32]string{0: "SK_DROP", 1: "SK_PASS"},
	},
	{
		Name: "lwt",
		Types: map[ebpf.ProgramType]string{
			ebpf.LWTIn: "lwt_in", ebpf.LWTOut: "lwt_out", ebpf.LWTXmit: "lwt_xmit", ebpf.LWTSeg6Local: "lwt_seg6local",
		},
		Context:  skbContext,
		Verdicts: map[int32]string{0: "BPF_OK", 2: "BPF_DROP", 7: "BPF_REDIRECT", 128: "BPF_LWT_REROUTE"},
	},
}

// ProgramKindOf returns the kind with that name, or nil.
func ProgramKindOf(name string) *ProgramKind {
	i := slices.IndexFunc(ProgramKinds, func(k *ProgramKind) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return ProgramKinds[i]
}

// Program is a loaded BPF program.
type Program struct {
	ID   uint32
	Kind *ProgramKind
	// Name may be empty. The kernel truncates it to 15 bytes if the program has no BTF.
	Name, Tag string
	// Type is the kernel's name for the program type.
	Type string
	// Function is the program's first function, from its BTF.
	Function string
	// Kept is the number of arguments that the kernel saves for a program that traces this one.
	Kept int
	// Addr is the address of its code; 0 if the kernel hides it.
	Addr uint64
	// BreakpointAddr is the address at which tail calls enter the program. It is unknown if NoBreakpoint is set.
	BreakpointAddr uint64
	NoBreakpoint   error
}

// String returns the program's description for messages.
func (p *Program) String() string {
	return fmt.Sprintf("%s (id %d, tag %s, %s)", printable.Text(p.Called()), p.ID, p.Tag, p.Type)
}

// Called returns the name, or bpf_prog_TAG, as the kernel calls a program without a name.
func (p *Program) Called() string {
	if p.Name == "" {
		return "bpf_prog_" + p.Tag
	}
	return p.Name
}

// LoadedProgram is a program with an open file descriptor, which the caller closes.
type LoadedProgram struct {
	Program
	Handle *ebpf.Program
	// Untraceable is why it can't be traced, if that is known before attaching.
	Untraceable error
}

var (
	errNoProgramBTF = errors.New("it has no BTF")
	errNoFunction   = errors.New("its BTF does not describe its function")
)

// ProgramsAfter returns the programs of these kinds whose ids are above last, and the highest id that exists.
// The kernel assigns ids in ascending order, so a call with that id finds the programs that were loaded since.
func ProgramsAfter(last uint32, kinds []*ProgramKind) (found []*LoadedProgram, now uint32, err error) {
	for {
		id, err := ebpf.ProgramGetNextID(ebpf.ProgramID(last))
		if errors.Is(err, fs.ErrNotExist) {
			return found, last, nil
		}
		if err != nil {
			return found, last, fmt.Errorf("list of BPF programs: %w", err)
		}
		last = uint32(id)
		if p := openProgram(id, kinds); p != nil {
			found = append(found, p)
		}
	}
}

// openProgram returns nil for a program of another kind, for one that no longer exists, and for test programs
// of tracer.
func openProgram(id ebpf.ProgramID, kinds []*ProgramKind) *LoadedProgram {
	handle, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return nil
	}
	for _, k := range kinds {
		if typ := k.Types[handle.Type()]; typ != "" {
			p := &LoadedProgram{Program: Program{ID: uint32(id), Kind: k, Type: typ}, Handle: handle}
			p.Untraceable = p.describe()
			if p.Name != testName {
				return p
			}
		}
	}
	handle.Close()
	return nil
}

// describe fills in what the kernel reports about the program.
func (p *LoadedProgram) describe() error {
	info, err := p.Handle.Info()
	if err != nil {
		return err
	}
	p.Name, p.Tag = info.Name, info.Tag
	p.locate(info)
	if _, ok := info.BTFID(); !ok {
		return errNoProgramBTF
	}
	functions, err := info.FuncInfos()
	if errors.Is(err, ebpf.ErrNotSupported) || err == nil && len(functions) == 0 {
		return errNoFunction
	}
	if err != nil {
		return err
	}
	p.Function = functions[0].Func.Name
	p.Kept, err = keptArguments(functions[0].Func, p.Kind.Context)
	return err
}

// locate finds the program's code.
func (p *Program) locate(info *ebpf.ProgramInfo) {
	addrs, known := info.JitedKsymAddrs()
	code, readable := info.JitedInsns()
	if !known || !readable {
		p.NoBreakpoint = errCodeHidden
		return
	}
	p.Addr = uint64(addrs[0])
	offset, err := tailCallEntry(runtime.GOARCH, code)
	p.BreakpointAddr, p.NoBreakpoint = p.Addr+uint64(offset), err
}

// maxArguments is the number of arguments that the kernel saves if it does not trust the types of a function.
const maxArguments = 5

// keptArguments returns the number of arguments that the kernel saves when it traces f, the function of a
// program that takes this context (btf_check_func_arg_match and bpf_check_attach_target in the kernel).
func keptArguments(f *btf.Func, context string) (int, error) {
	proto, ok := f.Type.(*btf.FuncProto)
	switch {
	case !ok:
		return 0, errNoFunction
	case len(proto.Params) == 0:
		return 0, errors.New("its BTF describes a function without arguments")
	case len(proto.Params) == 1 && pointsTo(proto.Params[0].Type, context):
		return 1, nil
	}
	return maxArguments, nil
}

func pointsTo(t btf.Type, name string) bool {
	pointer, ok := btf.UnderlyingType(t).(*btf.Pointer)
	if !ok {
		return false
	}
	s, ok := btf.UnderlyingType(pointer.Target).(*btf.Struct)
	return ok && s.Name == name
}
