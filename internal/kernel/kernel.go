// SPDX-License-Identifier: Apache-2.0

// Package kernel describes a kernel: its types (BTF), its symbols, the functions and tracepoints that take an
// skb, its drop reasons, and the tracing backends that work. [Gather] examines the running kernel. [FactsFrom]
// reads stored files, so that every rule can be tested without the kernel that it is for.
package kernel

import (
	"errors"
	"regexp"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tracer/internal/rdonly"
)

// ErrNotAsked means that the kernel was not examined for a feature.
var ErrNotAsked = errors.New("not checked")

// Facts is what is known about a kernel. It is read-only.
type Facts struct {
	// Release is the output of uname -r; empty if made from files.
	Release string
	// PageSize is the size of a page in bytes; 0 if made from files.
	PageSize int
	// CPUs is the number of possible CPUs, including those that are offline; 0 if CPUsUnknown is set, or if
	// made from files.
	CPUs        int
	CPUsUnknown error
	// BTF has the types of vmlinux, for CO-RE.
	BTF *btf.Spec
	// Functions are the traceable functions that take an skb in a register; sorted by address.
	Functions []Function
	// NoSkbFuncs are the requested functions that take no skb in a register; sorted by address. Their SkbArg is 0.
	NoSkbFuncs []Function
	// Called has the functions that loaded BPF programs call; nil if not requested.
	Called *Called
	// MapFunctions are the functions that BPF programs call for operations on maps, if requested; sorted by
	// address.
	MapFunctions []MapFunction
	// Skipped are functions that take an skb, or were requested, and can't be traced; sorted by name.
	Skipped []Skipped
	// FuncRanges are the functions of Options.Wanted that exist; sorted by address.
	FuncRanges []FuncRange
	// Tracepoints are the raw tracepoints that take an skb; sorted by name.
	Tracepoints []Tracepoint
	// Reasons has the names of the drop reasons by value; nil before 5.17.
	Reasons map[uint32]string
	// Support has an entry for each backend: nil if it works, else why not.
	Support map[Backend]error
	// Symbols are the functions in /proc/kallsyms; nil if it hides addresses.
	Symbols *Symbols
	// Closed is why kernel memory (/proc/kcore) can't be read; nil if it can.
	Closed error
	// Pages locates page fragments; nil if PagesUnknown is set.
	Pages        *Pages
	PagesUnknown error
	// Contexts locates each CPU's preempt_count; nil if the architecture has it in the task, or if
	// ContextsUnknown is set.
	Contexts        *Contexts
	ContextsUnknown error
	// IsReturn is the body of a function that reports whether a program of a kprobe session was called at a
	// return; nil if NoSession is set.
	IsReturn  asm.Instructions
	NoSession error
	// Direct describes how programs read memory without calling a helper; nil if NoDirect is set.
	Direct   *rdonly.Cast
	NoDirect error
	// RawSockets locates the kernel's tables of raw sockets.
	RawSockets RawSockets
	// ListReadable is nil if the code of functions or available_filter_functions could be read; both show what
	// ftrace can trace. Otherwise it is the reason why not, and Functions are those that neither the symbols nor
	// the kprobe blacklist exclude.
	ListReadable error
	// Untraceable is why BPF programs can't be traced; nil if they can, or if Options did not request it.
	Untraceable error
	// NoBreakpoints is why no breakpoints can be set in BPF programs, so that tail calls can't be traced; nil if they
	// can, or if Options did not request it.
	NoBreakpoints error
	// Modules are the modules whose functions are included, and AbsentModules the modules of Options.Modules that
	// can't be read. If there are absent ones, ModulesWithBTF are all modules that could be read.
	Modules        []string
	AbsentModules  []AbsentModule
	ModulesWithBTF []string
	// Described has the types of Options.Described. NotDescribed is why a module whose types are needed is not among
	// them, although the kernel does not describe it; nil if that is not known.
	Described    []*btf.Spec
	NotDescribed error
}

// DescribedModule is a loaded module with its BTF, which does not refer to that of vmlinux.
type DescribedModule struct {
	Name string
	Raw  []byte
}

// Function is a kernel function that can be traced.
type Function struct {
	Name string
	// Module is the name of its module; empty for vmlinux.
	Module string
	// Addr is the address to probe: the symbol's or, on ppc64le, that of the ftrace call site.
	Addr uint64
	// SkbArg is the integer argument register that has the skb, from 1; 0 if there is none.
	SkbArg int
	// ReasonArg is the same for an enum skb_drop_reason, from 2 to 4.
	ReasonArg int
	// StateArg is the same for a struct nf_hook_state *.
	StateArg int
	// SocketArg is the same for a socket: a struct sock *, or another struct that begins with a struct
	// sock_common. NetArg is the same for a struct net *.
	SocketArg, NetArg int
	// Result describes the return value.
	Result Result
}

// Skipped is a function that can't be traced.
type Skipped struct {
	Name, Module string
	// Reason is a clause for messages.
	Reason string
}

// Tracepoint is a raw tracepoint that takes an skb. Its arguments are numbered from 0, as in a raw tracepoint
// program; -1 means that there is none.
type Tracepoint struct {
	Name, Module string
	SkbArg       int
	// ReasonArg is an enum skb_drop_reason (5.17).
	ReasonArg int
	// LocationArg is the address of the code that freed the skb.
	LocationArg int
	// SocketArg is a struct sock *: for drops, the socket that was to receive the packet (6.11).
	SocketArg int
}

// Options select what is examined. The zero value is the running kernel without its modules.
type Options struct {
	// BTFFile is read instead of /sys/kernel/btf/vmlinux: raw BTF or a vmlinux.
	BTFFile string
	// Modules are kernel modules whose functions and tracepoints are included.
	Modules []string
	// NoSkbFuncs requests functions that take no skb, or none in a register, and whose whole name matches one of
	// these expressions.
	NoSkbFuncs []*regexp.Regexp
	// LikelyModules are patterns of modules that are included if they are loaded and have BTF.
	LikelyModules []string
	// AllModules includes every loaded module that has BTF.
	AllModules bool
	// Called requests the functions that loaded BPF programs call, and Maps the functions for operations on
	// maps.
	Called, Maps bool
	// Wanted are names of functions to locate, whatever arguments they take.
	Wanted []string
	// Programs requests a test of whether BPF programs can be traced.
	Programs bool
	// Described are loaded modules whose types the kernel does not describe; see package layout.
	Described []DescribedModule
}
