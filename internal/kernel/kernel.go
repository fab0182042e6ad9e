// SPDX-License-Identifier: Apache-2.0

// Package kernel says what this kernel is: its types (BTF), its symbols, the
// functions and tracepoints that take an skb, the drop reasons it knows, and
// which ways of tracing it allows. [Gather] asks the running kernel;
// [FactsFrom] answers from stored files, so that every rule can be tested
// without the kernel it is about.
package kernel

import (
	"errors"
	"regexp"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tracer/internal/rdonly"
)

// ErrNotAsked: nothing is known of a backend.
var ErrNotAsked = errors.New("not checked")

// Facts is what is known about a kernel. It is not changed once it is made.
type Facts struct {
	// Release is what uname -r prints; empty when made from files.
	Release string
	// PageSize is the size of a page in bytes; 0 when made from files.
	PageSize int
	// CPUs is how many CPUs this machine can have, including those that are off; 0 where
	// CPUsUnknown says why not, or when made from files.
	CPUs        int
	CPUsUnknown error
	// BTF are the types of vmlinux, for CO-RE.
	BTF *btf.Spec
	// Functions take an skb in a register and can be traced; sorted by address.
	Functions []Function
	// NoSkbFuncs are those without an skb in a register that were asked for; sorted by address, with 0 for
	// SkbArg.
	NoSkbFuncs []Function
	// Called is what loaded BPF programs call, where it was asked for, or else nil.
	Called *Called
	// MapFunctions are what BPF programs call for operations on maps, where they were asked
	// for; sorted by address.
	MapFunctions []MapFunction
	// Skipped take an skb, or were asked for, and can't be traced; sorted by name.
	Skipped []Skipped
	// Places are those of Options.Wanted that there are; sorted by address.
	FuncRanges []FuncRange
	// Tracepoints are the raw tracepoints that take an skb; sorted by name.
	Tracepoints []Tracepoint
	// Reasons are the names of the drop reasons by value; nil before 5.17.
	Reasons map[uint32]string
	// Support has an entry for each backend: nil when it runs here, else why not.
	Support map[Backend]error
	// Symbols are the functions of /proc/kallsyms; nil when it hides addresses.
	Symbols *Symbols
	// Closed is why the kernel's memory can't be read (/proc/kcore); nil where it can be.
	Closed error
	// Pages locates page fragments; nil where PagesUnknown says why not.
	Pages        *Pages
	PagesUnknown error
	// Contexts locates what tells a CPU's contexts apart; nil where the architecture has
	// no need of it, or where ContextsUnknown says why not.
	Contexts        *Contexts
	ContextsUnknown error
	// IsReturn is the body of a function that tells programs of a kprobe session whether they
	// are called at a return; nil where NoSession says why there are no sessions.
	IsReturn  asm.Instructions
	NoSession error
	// Direct is how programs read memory without a helper; nil where NoDirect says why they
	// can't.
	Direct   *rdonly.Cast
	NoDirect error
	// RawSockets are where the kernel keeps raw sockets.
	RawSockets RawSockets
	// ListReadable is nil when the code of functions or available_filter_functions could
	// be read, which tells what ftrace can trace, else why not;
	// Functions are then what the symbols and the blacklist let through.
	ListReadable error
	// Untraceable is why BPF programs can't be traced here; nil where they can be, and
	// where Options did not ask.
	Untraceable error
	// Unlandable is why tail calls of BPF programs can't be seen, likewise.
	Unlandable error
	// Modules are those whose functions are among the above, AbsentModules those of
	// Options.Modules that can't be. Where there are any of these, ModulesWithBTF are all modules
	// that could be read.
	Modules        []string
	AbsentModules  []AbsentModule
	ModulesWithBTF []string
}

// Function is a kernel function that takes an skb.
type Function struct {
	Name string
	// Module is the name of its module; empty for the kernel itself.
	Module string
	// Addr is its first byte, as in /proc/kallsyms.
	Addr uint64
	// SkbArg is the integer argument register that carries the skb, from 1.
	SkbArg int
	// ReasonArg is the same for an enum skb_drop_reason, from 2 to 4; 0 when there is none.
	ReasonArg int
	// StateArg is the same for a struct nf_hook_state *.
	StateArg int
	// SocketArg is the same for a socket: a struct sock * or what else begins with a struct
	// sock_common. NetArg is the same for a struct net *.
	SocketArg, NetArg int
	// Result is what it returns.
	Result Result
}

// Skipped is a function that takes an skb and can't be traced.
type Skipped struct {
	Name, Module string
	// Reason is one clause for people.
	Reason string
}

// Tracepoint is a raw tracepoint that takes an skb. Its members count the
// arguments of a raw tracepoint program from 0; -1 means that there is none.
type Tracepoint struct {
	Name, Module string
	SkbArg       int
	// ReasonArg carries an enum skb_drop_reason (5.17).
	ReasonArg int
	// LocationArg carries the address of the code that let go of the skb.
	LocationArg int
	// SocketArg carries a struct sock *: for drops, the socket that was to receive the packet (6.11).
	SocketArg int
}

// Options choose what is looked at. The zero value is the running kernel
// without its modules.
type Options struct {
	// BTFFile is read instead of /sys/kernel/btf/vmlinux: raw BTF or a vmlinux.
	BTFFile string
	// Modules are the kernel modules whose functions and tracepoints count too.
	Modules []string
	// NoSkbFuncs asks for functions that take no skb, or none in a register: those whose whole name matches one of these.
	NoSkbFuncs []*regexp.Regexp
	// LikelyModules are patterns for modules that count too where they are loaded and have BTF.
	LikelyModules []string
	// AllModules takes every loaded module that has BTF, besides Modules.
	AllModules bool
	// Called asks for the functions that loaded BPF programs call, Maps for those of maps.
	Called, Maps bool
	// Wanted are names of functions that have to be found, whatever they take.
	Wanted []string
	// Programs asks whether BPF programs can be traced.
	Programs bool
}
