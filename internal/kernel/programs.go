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

// Given is what the kernel gives to a BPF program, by which the packet is found.
type Given uint8

const (
	// GivenSkb is the sk_buff itself.
	GivenSkb Given = iota
	// GivenHook is a struct bpf_nf_ctx.
	GivenHook
	// GivenFrame is a struct xdp_buff.
	GivenFrame
)

// ProgramKind is a kind of BPF programs that can be traced.
type ProgramKind struct {
	// Name is the user's word for it.
	Name string
	// Types are the kernel's types of such programs, with the kernel's names.
	Types map[ebpf.ProgramType]string
	Given Given
	// Context is the structure that such programs take, by their own types.
	Context string
	// Verdicts are the names of what they return.
	Verdicts map[int32]string
}

// skbContext is what programs know an sk_buff as.
const skbContext = "__sk_buff"

// ProgramKinds are all of them. To trace another kind is an entry here, and a program in
// bpf/entry/program.h where its packet is found in another way.
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
		// The kernel has no names for these; with cn the sender is told of congestion.
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

// ProgramKindOf is the kind of that name; nil is none.
func ProgramKindOf(name string) *ProgramKind {
	i := slices.IndexFunc(ProgramKinds, func(k *ProgramKind) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return ProgramKinds[i]
}

// Program is a BPF program that is loaded.
type Program struct {
	ID   uint32
	Kind *ProgramKind
	// Name may be empty, and cut to 15 bytes where the program has no types.
	Name, Tag string
	// Type is the kernel's name for it.
	Type string
	// Function is the one that it begins with, as its types have it.
	Function string
	// Kept is how many arguments the kernel keeps when the program is traced.
	Kept int
	// Addr is where its code begins; 0 where the kernel hides that.
	Addr uint64
	// BreakpointAddr is where tail calls of it go on, or NoBreakpoint says why that is not known.
	BreakpointAddr uint64
	NoBreakpoint   error
}

// String is how messages name a program.
func (p *Program) String() string {
	return fmt.Sprintf("%s (id %d, tag %s, %s)", printable.Text(p.Called()), p.ID, p.Tag, p.Type)
}

// Called is the name, or what the kernel calls a program without one.
func (p *Program) Called() string {
	if p.Name == "" {
		return "bpf_prog_" + p.Tag
	}
	return p.Name
}

// LoadedProgram is a program that is held until it is closed.
type LoadedProgram struct {
	Program
	Handle *ebpf.Program
	// Untraceable is why it can't be traced, where that is known beforehand.
	Untraceable error
}

var (
	errNoProgramBTF = errors.New("it has no BTF")
	errNoFunction   = errors.New("its BTF does not describe its function")
)

// ProgramsAfter finds the programs of these kinds with ids above one, and the last id
// that there is. The kernel counts ids up, so that those loaded later are found by it.
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

// openProgram is nil for a program of another kind, and for one that is gone already.
func openProgram(id ebpf.ProgramID, kinds []*ProgramKind) *LoadedProgram {
	handle, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return nil
	}
	for _, k := range kinds {
		if typ := k.Types[handle.Type()]; typ != "" {
			p := &LoadedProgram{Program: Program{ID: uint32(id), Kind: k, Type: typ}, Handle: handle}
			p.Untraceable = p.describe()
			if p.Name != tried {
				return p
			}
		}
	}
	handle.Close()
	return nil
}

// describe fills in what the kernel says of the program.
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
	offset, err := landingIn(runtime.GOARCH, code)
	p.BreakpointAddr, p.NoBreakpoint = p.Addr+uint64(offset), err
}

// mostArguments is what the kernel keeps of a function whose types it does not trust.
const mostArguments = 5

// keptArguments is how many arguments the kernel keeps when the function is traced that
// takes a context (btf_check_func_arg_match and bpf_check_attach_target in the kernel).
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
	return mostArguments, nil
}

func pointsTo(t btf.Type, name string) bool {
	pointer, ok := btf.UnderlyingType(t).(*btf.Pointer)
	if !ok {
		return false
	}
	s, ok := btf.UnderlyingType(pointer.Target).(*btf.Struct)
	return ok && s.Name == name
}
