// SPDX-License-Identifier: Apache-2.0

// Package plan decides what will be done to the kernel, without doing it: from
// what the user wants and what the kernel is it makes a [Plan], which is pure
// data and can be printed, compared and tested without privileges.
package plan

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/bpf"
	"tracer/internal/expr"
	"tracer/internal/filter"
	"tracer/internal/kernel"
)

// Options is what the user wants. The zero value traces every skb in every
// function, on the best backend, and records no more than the core.
type Options struct {
	// Backend forces one; empty takes the best that runs.
	Backend kernel.Backend
	// ReturnsBy forces a way to see functions return; empty takes the best that runs.
	ReturnsBy kernel.ReturnWay
	// Func is an RE2 expression for the whole name of a function or tracepoint, perhaps with
	// presets, empty is any; FuncExclude takes away from what it gives.
	Func, FuncExclude string
	// NoSkbFuncs are such expressions for functions that take no skb, which are traced where
	// they run on behalf of a packet.
	NoSkbFuncs []string
	// Helpers traces what loaded BPF programs call, likewise.
	Helpers bool
	// Lookups are the kinds of look-ups to tell, see [LookupWords].
	Lookups []string
	// Filter is the compiled packet filter; nil matches everything. TunnelL2 and TunnelL3
	// are for the Ethernet frame and the IP packet inside of a tunnel's packet.
	Filter, TunnelL2, TunnelL3 *filter.Program
	// SkbExpr is a condition on the sk_buff, in the language of package expr; empty is any.
	SkbExpr string
	// XDPExpr is such a condition on the xdp_buff.
	XDPExpr string
	// Types are what expressions are about; nil takes those of vmlinux alone. Planning may
	// read them as it goes.
	Types      expr.Types
	Netns      Netns
	Ifnames    Ifnames
	TaskFilter TaskFilter
	Mark       Mark
	Drop       Drop
	Ports      Ports
	Record     Record
	Follow     Follow
	// Modules says that functions of modules were asked for.
	Modules bool
	// Programs are BPF programs to trace besides, or alone.
	Programs Programs
	// Settings are those settings of the BPF programs that a flag or a column sets as they are:
	// the parts of the record, limits, and switches. Planning adds the others.
	Settings bpf.Config
	// RingSize is the ring buffer's size in bytes; 0 is DefaultRingSize.
	RingSize int
}

// DefaultRingSize holds about 22,000 events of the default columns.
const DefaultRingSize = 4 << 20

// Plan is what will be loaded and where it will be attached.
type Plan struct {
	Backend kernel.Backend
	// Prober is the backend that attaches Groups if Backend traces no functions; empty if Backend
	// attaches them, or if there are none. See [Plan.ProbesBy].
	Prober kernel.Backend
	// Rejected are the better backends that do not run here.
	Rejected []Rejected
	// Functions are probed, sorted by address; empty for the tracepoint backend.
	Functions []kernel.Function
	// Returns is the way to trace returns; empty if none are traced.
	Returns kernel.ReturnWay
	// ReturnGroups are the functions whose returns have probes of their own, by program.
	ReturnGroups []Group
	// PassedReturns are the better ways to trace returns that this kernel does not have.
	PassedReturns []PassedReturns
	// LeftOut are functions that were asked for and can be traced, but are not.
	LeftOut []kernel.Skipped
	// Lookups are those of the functions that look something up.
	Lookups []Lookup
	// Notes are for the user.
	Notes []string
	// Groups are the functions by the program that serves them.
	Groups []Group
	// Tracepoints are attached; an event carries its index here.
	Tracepoints []Tracepoint
	// Sighters are functions that are probed only to find packets to follow to their drops; they
	// emit no events.
	Sighters []kernel.Function
	// Silent are tracepoints that are attached and make no events.
	Silent []Tracepoint
	// Programs are the kinds of BPF programs that are traced.
	Programs []*kernel.ProgramKind
	// Unlandable is why tail calls of BPF programs can't be seen; nil where they can be.
	Unlandable error
	// Unfollowed is what a packet can't be followed through on this kernel.
	Unfollowed []string
	// BPF is the collection to load.
	BPF bpf.Spec
	// Skb and Shared are the types of the copies of kernel objects in each record, nil
	// where there are none.
	Skb, Shared btf.Type
	// Values are the user's expressions about the sk_buff in each record, XDPValues those
	// about the xdp_buff in each record of an XDP program.
	Values, XDPValues Values
	// Asked is what the plan was made for, without Types.
	Asked Options
}

// Rejected is a backend that would have been better, and why it does not run.
type Rejected struct {
	Backend kernel.Backend
	Reason  error
}

// Probes is how many functions are probed, those included that make no events.
func (p *Plan) Probes() int {
	n := 0
	for _, g := range p.Groups {
		n += len(g.Functions)
	}
	return n
}

// Group is the functions that one program serves. Those without an skb make no events.
type Group struct {
	// Program is the name in Plan.BPF.
	Program   string
	Functions []kernel.Function
}

// Tracepoint is a raw tracepoint and the program that serves it.
type Tracepoint struct {
	kernel.Tracepoint
	Program string
}

// New makes the plan. Its errors name the option that can't be had. It reads nothing but its
// arguments: what has to be read from the running system is in facts and in o.Types. The plan keeps
// neither.
func New(o Options, facts *kernel.Facts) (*Plan, error) {
	p, err := newPlan(o, facts)
	if err != nil {
		return nil, err
	}
	p.Asked.Types = nil
	return p, nil
}

func newPlan(o Options, facts *kernel.Facts) (*Plan, error) {
	wanted, err := newFuncFilter(o.Func, o.FuncExclude)
	if err != nil {
		return nil, err
	}
	p := &Plan{Asked: o, Notes: absentModules(facts), BPF: bpf.Spec{Config: o.Settings}}
	if p.Backend, p.Rejected, err = chooseBackend(o.backend(), facts.Support); err != nil {
		return nil, err
	}
	if err := p.checkFunctions(); err != nil {
		return nil, err
	}
	if err := p.addPrograms(facts); err != nil {
		return nil, err
	}
	if !o.Programs.Only {
		if err := p.addKernel(facts, wanted); err != nil {
			return nil, err
		}
	}
	if len(p.Functions)+len(p.Tracepoints)+len(p.Programs) == 0 {
		return nil, &NoMatchError{Func: o.Func, Exclude: o.FuncExclude, Backend: p.Backend, Reasons: p.Reasons(), Absent: absentModules(facts)}
	}
	return p, p.configure(o, facts)
}

// addKernel plans to trace the kernel itself: functions and tracepoints.
func (p *Plan) addKernel(facts *kernel.Facts, wanted *funcFilter) error {
	if err := p.chooseReturns(facts); err != nil {
		return err
	}
	if err := p.addLookups(facts, wanted); err != nil {
		return err
	}
	if !p.Asked.Drop.Only {
		p.addFunctions(facts, wanted)
	}
	for _, add := range []func(*kernel.Facts, *funcFilter) error{p.addMaps, p.addNoSkbFuncs, p.addHelpers} {
		if err := add(facts, wanted); err != nil {
			return err
		}
	}
	p.probeLookups()
	p.addSights(facts)
	p.addReturns()
	p.addTracepoints(facts, wanted)
	p.addExplanations(facts)
	return nil
}

// ringSize checks what the kernel demands of a ring buffer (5.8): a power of
// two and a multiple of the page size.
func ringSize(size, pageSize int) (uint32, error) {
	if size == 0 {
		return DefaultRingSize, nil
	}
	if size < pageSize || size > 1<<30 || size&(size-1) != 0 {
		return 0, usageError{
			fmt.Errorf("buffer size %d: must be a power of two from %d to %d", size, pageSize, 1<<30),
			"valid sizes are, for example, 64K, 16M and 1G",
		}
	}
	return uint32(size), nil
}

// usageError is an error in what the user asked for.
type usageError struct {
	error
	hint string
}

func (usageError) Usage() bool    { return true }
func (e usageError) Hint() string { return e.hint }
func (e usageError) Unwrap() error {
	return errors.Unwrap(e.error)
}
