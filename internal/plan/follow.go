// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"

	"tracer/internal/bpf"
	"tracer/internal/kernel"
)

// Follow selects how packets are followed through copies, fragments, tunnels and reuse.
type Follow struct {
	// IDs gives a number to each packet that matched the filters.
	IDs bool
	// Matched also traces everything that happens to a packet after it first matched. It implies numbers.
	Matched bool
	// ByStack implies Matched. It also follows each sk_buff that is allocated while the kernel handles a
	// followed packet on the same stack, as a part of that packet.
	ByStack bool
	// Entries is the number of sk_buffs that can be followed at a time; 0 means DefaultFollowed.
	Entries int
}

// DefaultFollowed is the default of Follow.Entries.
const DefaultFollowed = 1 << 16

// maxFollowed limits the memory for followed sk_buffs, which is about 200 bytes each.
const maxFollowed = 1 << 24

func (f Follow) on() bool { return f.IDs || f.Matched || f.ByStack }

func (f Follow) entries() (uint32, error) {
	if f.Entries == 0 {
		return DefaultFollowed, nil
	}
	if f.Entries < 1 || f.Entries > maxFollowed {
		return 0, usageError{
			fmt.Errorf("--track-entries %d: must be from 1 to %d", f.Entries, maxFollowed),
			fmt.Sprintf("the default is %d", DefaultFollowed),
		}
	}
	return uint32(f.Entries), nil
}

// addFollowing plans the programs and settings that follow packets.
func (p *Plan) addFollowing(facts *kernel.Facts) (err error) {
	f, c := p.Asked.Follow, &p.BPF.Config
	if !f.on() {
		return nil
	}
	if p.BPF.Following, err = f.entries(); err != nil {
		return err
	}
	c.Ids, c.FollowMatched = true, f.Matched || f.ByStack
	if facts.CPUsUnknown != nil {
		return facts.CPUsUnknown
	}
	c.Cpus = uint32(facts.CPUs)
	if p.TracesFunctions() {
		p.followByFunctions(facts)
		p.followByStack(facts.FuncRanges)
	} else {
		p.followByTracepoints()
	}
	c.LastDevice = p.seesCrossings(facts.FuncRanges)
	return nil
}

// followByFunctions plans a probe of each function that performs an operation on followed packets. If the
// operation has a packet to show, this probe also emits the events of the function, and replaces its plain probe.
func (p *Plan) followByFunctions(facts *kernel.Facts) {
	p.BPF.SkbOps = map[uint64]bpf.SkbOp{}
	var performers []kernel.Function
	for _, fn := range facts.FuncRanges {
		op := skbOpOf(fn.Name)
		if op == nil || fn.Refused != "" || !p.needs(op, facts.FuncRanges) {
			continue
		}
		traced := p.traced(fn.Addr)
		p.BPF.SkbOps[fn.Addr] = op.forBPF(traced)
		if traced == nil {
			traced = &kernel.Function{Name: fn.Name, Module: fn.Module, Addr: fn.Addr}
		}
		performers = append(performers, *traced)
	}
	p.takeOut(p.BPF.SkbOps)
	if len(performers) > 0 {
		p.addProgram(bpf.Program{Name: bpf.SkbOpTemplate, Template: bpf.SkbOpTemplate}, performers)
	}
	p.addSilent("end", bpf.EndTemplate, ends)
	p.fillCallers(facts.FuncRanges)
	for _, op := range skbOps {
		if op.lost != "" && !slices.ContainsFunc(op.functions, func(name string) bool { return p.performed(name, facts.FuncRanges) }) {
			p.Unfollowed = append(p.Unfollowed, op.lost)
		}
	}
}

// allocators are the functions of net/core/skbuff.c that allocate an sk_buff and return it. All other
// functions that allocate one call these.
var allocators = []string{
	"__alloc_skb", "__netdev_alloc_skb", "__napi_alloc_skb", "napi_alloc_skb",
	"build_skb", "__build_skb", "napi_build_skb", "slab_build_skb",
}

// followByStack plans entry and return probes of the functions that allocate an sk_buff. The new
// sk_buff is a part of the packet that is handled on the same stack.
func (p *Plan) followByStack(ranges []kernel.FuncRange) {
	if !p.Asked.Follow.ByStack {
		return
	}
	var found []kernel.Function
	for _, fn := range ranges {
		if slices.Contains(allocators, fn.Name) && fn.Refused == "" {
			found = append(found, kernel.Function{Name: fn.Name, Module: fn.Module, Addr: fn.Addr})
		}
	}
	if len(found) == 0 || p.Returns == "" {
		p.Unfollowed = append(p.Unfollowed, "packets created while handling one")
		return
	}
	p.addProgram(bpf.Program{Name: bpf.AllocTemplate, Template: bpf.AllocTemplate}, found)
	p.addReturnProgram(bpf.AllocReturnTemplate, found)
}

// needs reports whether the functions of an operation have to be probed.
func (p *Plan) needs(op *skbOp, ranges []kernel.FuncRange) bool {
	named := func(fn kernel.FuncRange) bool { return fn.Name == op.unless }
	return (!op.xdp || p.BPF.Config.Xdp) && (op.unless == "" || !slices.ContainsFunc(ranges, named))
}

// performed reports whether a function with the name is probed for its operation.
func (p *Plan) performed(name string, ranges []kernel.FuncRange) bool {
	return slices.ContainsFunc(ranges, func(fn kernel.FuncRange) bool {
		_, has := p.BPF.SkbOps[fn.Addr]
		return has && fn.Name == name
	})
}

// traced returns the function at addr if it is traced or a MatchFunction; nil otherwise.
func (p *Plan) traced(addr uint64) *kernel.Function {
	for _, list := range [][]kernel.Function{p.Functions, p.MatchFunctions} {
		if i := slices.IndexFunc(list, func(f kernel.Function) bool { return f.Addr == addr }); i >= 0 {
			return &list[i]
		}
	}
	return nil
}

// takeOut removes functions from the groups if the probe for their operation emits their events. It also
// removes the groups that become empty, and their programs: the kernel rejects a link of no functions.
func (p *Plan) takeOut(ops map[uint64]bpf.SkbOp) {
	idle := map[string]bool{}
	for i := range p.Groups {
		g := &p.Groups[i]
		g.Functions = slices.DeleteFunc(g.Functions, func(f kernel.Function) bool {
			return ops[f.Addr].Shown != 0
		})
		idle[g.Program] = len(g.Functions) == 0
	}
	p.Groups = slices.DeleteFunc(p.Groups, func(g Group) bool { return idle[g.Program] })
	p.BPF.Programs = slices.DeleteFunc(p.BPF.Programs, func(program bpf.Program) bool { return idle[program.Name] })
}

// fillCallers sets the code ranges of the copiers. If a copier performs an operation itself, that has already
// handled the copy, so the origin is OriginSame.
func (p *Plan) fillCallers(ranges []kernel.FuncRange) {
	c := &p.BPF.Config
	for _, copier := range copiers {
		for _, fn := range ranges {
			if !slices.Contains(copier.functions, fn.Name) || c.CallerCount == uint32(bpf.MaxCallers) {
				continue
			}
			caller := bpf.Caller{Begin: fn.Addr, Size: uint32(fn.End - fn.Addr), Origin: uint32(copier.origin)}
			if _, has := p.BPF.SkbOps[fn.Addr]; has {
				caller.Origin = uint32(bpf.OriginSame)
			}
			c.Callers[c.CallerCount] = caller
			c.CallerCount++
		}
	}
}

// ends are the tracepoints that are hit when an sk_buff is freed. frees are the tracepoints that report
// freed memory; their second argument is the address (include/trace/events/kmem.h).
var (
	ends  = []string{"kfree_skb", "consume_skb"}
	frees = []string{"kfree", "kmem_cache_free"}
)

// addSilent plans a program that is attached to tracepoints and emits no events.
func (p *Plan) addSilent(name, template string, tracepoints []string) {
	p.BPF.Programs = append(p.BPF.Programs, bpf.Program{Name: name, Template: template})
	for _, t := range tracepoints {
		p.Silent = append(p.Silent, Tracepoint{kernel.Tracepoint{Name: t}, name})
	}
}

// Again is the suffix of the name of a program's second copy, which runs if an interrupt arrives while
// the first copy is running on the same CPU.
const Again = "_again"

// followByTracepoints plans to follow packets without function probes. Clones are recognized by their
// data, and a packet ends when its memory is freed. The kernel does not run a program that is already
// running on the same CPU, so each program has a second copy for interrupts.
func (p *Plan) followByTracepoints() {
	p.BPF.Config.FindClones = true
	for _, copy := range []string{"", Again} {
		p.addSilent("end"+copy, bpf.EndTemplate, ends)
		p.addSilent("free"+copy, bpf.FreeTemplate, frees)
	}
	for _, op := range skbOps {
		if op.lost != "" && op.kind != bpf.OpReleaseData {
			p.Unfollowed = append(p.Unfollowed, op.lost)
		}
	}
}
