// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"math/bits"
	"slices"

	"tracer/internal/bpf"
	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/printable"
	"tracer/internal/rdonly"
)

// Ports are the UDP ports of tunnels. An empty list means the default ports.
type Ports struct{ VXLAN, Geneve []uint16 }

// defaultPorts are the ports assigned by IANA (4790 is VXLAN-GPE), and 8472, which Linux used for
// VXLAN before one was assigned.
var defaultPorts = Ports{VXLAN: []uint16{4789, 4790, 8472}, Geneve: []uint16{6081}}

// configure fills in the settings of the BPF programs, and the function bodies that the user's filters
// and expressions are compiled to.
func (p *Plan) configure(o Options, facts *kernel.Facts) error {
	c := &p.BPF.Config
	c.Mark, c.MarkMask = o.Mark.Value&o.Mark.Mask, o.Mark.Mask
	locatePages(c, facts)
	if facts.Direct != nil {
		c.Direct, p.BPF.Bodies.Cast = true, facts.Direct.Call()
	}
	p.addFilters(facts.Direct)
	p.trackCalls(facts)
	for _, step := range []func() error{
		func() error { return o.Netns.configure(c) },
		func() error { return o.Ifnames.configure(c) },
		func() error { return o.TaskFilter.configure(c, facts.Contexts) },
		func() error { return p.addDrops(facts) },
		func() error { return o.Ports.configure(c) },
		func() error { return p.addRecord(facts) },
		func() error { return p.addExpressions(facts) },
		func() error { return p.addFollowing(facts) },
		func() error { return p.addRing(o.RingSize, facts.PageSize) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	p.addEndpoints()
	c.PrefilterFirst = c.Prefilter && !c.Ids && !c.NoSkbFuncs && !c.ByStack && !c.Variants
	return nil
}

func locatePages(c *bpf.Config, facts *kernel.Facts) {
	if facts.Pages == nil {
		return
	}
	c.PageStructs, c.PageMemory = facts.Pages.Structs, facts.Pages.Memory
	c.PageShift = uint32(bits.TrailingZeros(uint(facts.PageSize)))
}

// addFilters adds the packet filters.
func (p *Plan) addFilters(direct *rdonly.Cast) {
	o, c, bodies := &p.Asked, &p.BPF.Config, &p.BPF.Bodies
	if f := o.Filter; f != nil {
		c.Filter, c.Need, c.Vlan, bodies.Filter = true, uint32(f.Need), f.VLAN, f.Body
		if direct != nil {
			bodies.Prefilter = f.Prefilter(*direct)
			c.Prefilter = bodies.Prefilter != nil
		}
	}
	if f := o.TunnelL2; f != nil {
		c.FilterL2, c.NeedL2, bodies.TunnelL2 = true, uint32(f.Need), f.Body
	}
	if f := o.TunnelL3; f != nil {
		c.FilterL3, c.NeedL3, bodies.TunnelL3 = true, uint32(f.Need), f.Body
	}
	c.Variants = o.Filter != nil && o.Drop.Only
	for _, f := range p.filters() {
		c.Length = c.Length || f.program.Length
		for _, note := range f.program.Notes {
			p.Notes = append(p.Notes, fmt.Sprintf("filter expression %s: %s", printable.Quote(f.program.Expr), note))
		}
	}
}

// namedFilter is a packet filter, named after the packet that it is applied to: the packet itself, or
// the Ethernet frame or IP packet inside a tunnel.
type namedFilter struct {
	name    string
	program *filter.Program
}

// filters returns the packet filters that are set.
func (p *Plan) filters() []namedFilter {
	var list []namedFilter
	for _, f := range []namedFilter{{"filter", p.Asked.Filter}, {"tunnel L2", p.Asked.TunnelL2}, {"tunnel L3", p.Asked.TunnelL3}} {
		if f.program != nil {
			list = append(list, f)
		}
	}
	return list
}

// MayReadNonlinear reports whether a filter may read bytes beyond the headers, which may be in the nonlinear part
// of the sk_buff, its page fragments.
func (p *Plan) MayReadNonlinear() bool {
	return slices.ContainsFunc(p.filters(), func(f namedFilter) bool { return f.program.MayReadNonlinear() })
}

func (p Ports) configure(c *bpf.Config) error {
	if len(p.VXLAN) == 0 {
		p.VXLAN = defaultPorts.VXLAN
	}
	if len(p.Geneve) == 0 {
		p.Geneve = defaultPorts.Geneve
	}
	_, err := fillUpTo(bpf.MaxPorts, "VXLAN ports", p.VXLAN, func(i int, port uint16) { c.VxlanPorts[i] = port })
	if err != nil {
		return err
	}
	_, err = fillUpTo(bpf.MaxPorts, "Geneve ports", p.Geneve, func(i int, port uint16) { c.GenevePorts[i] = port })
	return err
}

func (p *Plan) addRing(size, pageSize int) (err error) {
	if p.BPF.RingSize, err = ringSize(size, pageSize); err != nil {
		return err
	}
	p.BPF.Config.Watermark = p.BPF.RingSize / 8
	return nil
}
