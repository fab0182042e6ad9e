// SPDX-License-Identifier: Apache-2.0

// Package plan decides what will be loaded into the kernel and attached, without doing it. It computes a
// [Plan] from the user's options and the facts about the kernel. A plan is pure data, which can be printed,
// compared and tested without privileges.
package plan

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/expr"
	"tracer/internal/filter"
	"tracer/internal/kernel"
)

// Options are the user's options. The zero value traces every skb in every function with the best
// backend, and records only the core of each event.
type Options struct {
	// Backend forces a backend; empty means the best one that runs.
	Backend kernel.Backend
	// ReturnsBy forces a way to trace returns; empty means the best one that runs.
	ReturnsBy kernel.ReturnWay
	// Func is an RE2 expression, which may contain presets, for the whole names of functions and tracepoints;
	// empty matches all. FuncExclude is such an expression for the names to leave out.
	Func, FuncExclude string
	// NoSkbFuncs are such expressions for functions that take no skb, compiled by [CompileNoSkbFuncs]. The
	// functions are traced while they run for a packet.
	NoSkbFuncs []FuncPattern
	// Helpers also traces the functions that loaded BPF programs call while they run for a packet.
	Helpers bool
	// Lookups are the kinds of look-ups to show, see [LookupWords].
	Lookups []string
	// Filter is the compiled packet filter; nil matches everything. TunnelL2 and TunnelL3
	// filter by the Ethernet frame and the IP packet inside a tunnel.
	Filter, TunnelL2, TunnelL3 *filter.Program
	// SkbExpr is a condition on the sk_buff, in the language of package expr; empty matches all.
	SkbExpr string
	// XDPExpr is such a condition on the xdp_buff.
	XDPExpr string
	// Types are the types that expressions may use; nil means those of vmlinux. Planning may
	// load them on demand.
	Types      expr.Types
	Netns      Netns
	Ifnames    Ifnames
	TaskFilter TaskFilter
	Mark       Mark
	Drop       Drop
	// Why are the families of causes whose values are recorded for drops, see package explain; empty for none.
	Why    []string
	Ports  Ports
	Record Record
	Follow Follow
	// Modules is true if functions of modules were requested.
	Modules bool
	// Programs are the BPF programs to trace, in addition to the kernel or alone.
	Programs Programs
	// Settings are the settings of the BPF programs that a flag or a column sets directly: the parts of the
	// record, limits, and switches. Planning adds the others.
	Settings bpf.Config
	// RingSize is the ring buffer's size in bytes; 0 means DefaultRingSize.
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
	// Functions are the traced functions; empty for the tracepoint backend.
	Functions []kernel.Function
	// Returns is the way to trace returns; empty if none are traced.
	Returns kernel.ReturnWay
	// ReturnGroups are the functions whose returns have probes of their own, by program.
	ReturnGroups []Group
	// PassedReturns are the better ways to trace returns that this kernel does not have.
	PassedReturns []PassedReturns
	// LeftOut are functions that were requested and could be traced, but are not.
	LeftOut []kernel.Skipped
	// Lookups are the functions that look something up.
	Lookups []Lookup
	// Why is the layout of the values that explain drops; nil if there are none.
	Why *explain.Layout
	// Notes are messages for the user.
	Notes []string
	// Groups are the probed functions, by the program that is attached to them.
	Groups []Group
	// Tracepoints are the traced tracepoints. An event has an index into this list.
	Tracepoints []Tracepoint
	// MatchFunctions are functions that are probed only to match packets, which are then followed to their drops.
	// They emit no events.
	MatchFunctions []kernel.Function
	// Silent are tracepoints whose programs emit no events.
	Silent []Tracepoint
	// Programs are the kinds of BPF programs that are traced.
	Programs []*kernel.ProgramKind
	// NoBreakpoints is the reason why no breakpoints can be set on tail-call targets of BPF programs, so that tail
	// calls can't be traced; nil if they can.
	NoBreakpoints error
	// Unfollowed are the operations through which packets can't be followed on this kernel.
	Unfollowed []string
	// BPF is the collection to load.
	BPF bpf.Spec
	// Skb and Shared are the types of the kernel objects that are copied to each record; nil if none are.
	Skb, Shared btf.Type
	// Values are the user's expressions on the sk_buff in each record, XDPValues those
	// on the xdp_buff in each record of an XDP program.
	Values, XDPValues Values
	// Asked are the options that the plan was made for, without Types.
	Asked Options
}

// Rejected is a better backend, and the reason why it does not run.
type Rejected struct {
	Backend kernel.Backend
	Reason  error
}

// Probes returns the number of probed functions, including those that emit no events.
func (p *Plan) Probes() int {
	n := 0
	for _, g := range p.Groups {
		n += len(g.Functions)
	}
	return n
}

// Group is one program and the functions that it is attached to.
type Group struct {
	// Program is its name in Plan.BPF.
	Program   string
	Functions []kernel.Function
}

// Tracepoint is a raw tracepoint and the program that is attached to it.
type Tracepoint struct {
	kernel.Tracepoint
	Program string
}

// New makes the plan. Its errors name the option that can't be satisfied. It reads only its arguments, and
// not the running system. The plan keeps neither facts nor o.Types.
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
		return nil, p.noMatch(facts, wanted)
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
	p.addMatchProbes(facts)
	p.addReturns()
	p.addTracepoints(facts, wanted)
	p.noteUnmatched(facts)
	return p.addExplanations(facts)
}

// ringSize checks the kernel's requirements for the size of a ring buffer (5.8): a power of two and a
// multiple of the page size.
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

// usageError is an error in the user's options.
type usageError struct {
	error
	hint string
}

func (usageError) Usage() bool    { return true }
func (e usageError) Hint() string { return e.hint }
func (e usageError) Unwrap() error {
	return errors.Unwrap(e.error)
}
