// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"tracer/internal/bpf"
	"tracer/internal/explain"
	"tracer/internal/expr"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
)

// addWhy plans the values that explain drops, of sites and of decisions.
func (p *Plan) addWhy(facts *kernel.Facts) error {
	if len(p.Asked.Why) == 0 || !p.reportsDrops() {
		return nil
	}
	table, err := explain.LoadFamilies(p.Asked.Why)
	if err != nil {
		return err
	}
	sites := withValues(table.Sites)
	if len(sites) > bpf.MaxSites {
		return fmt.Errorf("the causes have %d sites of drops with values, at most %d are supported", len(sites), bpf.MaxSites)
	}
	p.Why = &explain.Layout{Families: p.Asked.Why}
	if err := p.addSites(sites, facts); err != nil {
		return err
	}
	p.BPF.Config.Why = true
	if p.BPF.Config.Xdp {
		p.addSilent("xdp_redirect", bpf.XDPRedirectTemplate, redirectErrors)
	}
	if err := p.locateSites(sites, facts); err != nil {
		return err
	}
	return p.addDecisions(table.Decisions, facts)
}

// withValues returns the sites at which values are read. The others need no place in the records: the causes there use the
// reason, the location and the values of decisions.
func withValues(sites []*explain.Site) []*explain.Site {
	return slices.DeleteFunc(slices.Clone(sites), func(s *explain.Site) bool { return len(s.Reads) == 0 })
}

// redirectErrors are the tracepoints of redirects of XDP frames that fail.
var redirectErrors = []string{"xdp_redirect_err", "xdp_redirect_map_err"}

// addSites compiles the values of the sites into one body, which first branches on the number of the site, in R3.
func (p *Plan) addSites(sites []*explain.Site, facts *kernel.Facts) error {
	roots := expr.Listed(append([]expr.Root{{Name: "skb", Struct: "sk_buff"}, {Name: "sk", Struct: "sock"}, cpuRoot}, variableRoots(facts.Symbols)...)...)
	choice := asm.Instructions{asm.Mov.Imm(asm.R0, 0)} // the first instruction of a body must not be a jump
	var bodies asm.Instructions
	for i, site := range sites {
		c := lookupCompiler{types: p.whyTypes(facts), roots: roots}
		placed, at, err := c.place(site.Reads)
		if err != nil {
			return fmt.Errorf("values of drops in %s: %w", site.Name, err)
		}
		p.Why.Sites = append(p.Why.Sites, explain.Placement{Name: site.Name, Placed: placed})
		p.BPF.Sites.Sizes = append(p.BPF.Sites.Sizes, uint32(at.Size))
		label := fmt.Sprintf("site_%d", i)
		choice = append(choice, asm.JEq.Imm(asm.R3, int32(i), label))
		body := slices.Clone(expr.Values(c.programs))
		body[0] = body[0].WithSymbol(label)
		bodies = append(bodies, body...)
	}
	choice = append(choice, asm.Return())
	p.BPF.Bodies.Site = append(choice, bodies...)
	return nil
}

// place compiles reads and lays out their values. It leaves out values that do not compile with this kernel's types.
func (c *lookupCompiler) place(reads []explain.Read) ([]lookup.FieldSlots, expr.Layout, error) {
	fields := make([]lookup.Field, len(reads))
	for i, r := range reads {
		fields[i] = lookup.Field(r)
	}
	placed := c.fields(fields)
	at, err := expr.LayOut(c.programs)
	if err == nil && at.Size > bpf.MaxWhyValues {
		err = fmt.Errorf("%d bytes of values, at most %d are supported", at.Size, bpf.MaxWhyValues)
	}
	setSlotOffsets(placed, at)
	return placed, at, err
}

// whyTypes returns the types with which the expressions of causes are compiled.
func (p *Plan) whyTypes(facts *kernel.Facts) expr.Types {
	if p.Asked.Types != nil {
		return p.Asked.Types
	}
	return facts.BTF
}

var cpuRoot = expr.Root{Name: "cpu", Type: &btf.Int{Name: "unsigned int", Size: 8}}

// variableRoots returns the roots for the kernel variables in explain.Symbols whose addresses are known.
func variableRoots(symbols *kernel.Symbols) []expr.Root {
	var roots []expr.Root
	for _, s := range explain.Symbols {
		address := symbols.Variable(s.Name)
		if address == 0 {
			continue
		}
		root := expr.Root{Name: s.Name, Struct: s.Struct, Fixed: true, Value: address}
		if s.Struct == "" {
			root.Type = pointerToNumber(s)
		}
		roots = append(roots, root)
	}
	return roots
}

func pointerToNumber(s explain.Symbol) btf.Type {
	encoding := btf.Unsigned
	if s.Signed {
		encoding = btf.Signed
	}
	return &btf.Pointer{Target: &btf.Int{Name: "number", Size: s.Size, Encoding: encoding}}
}

// locateSites sets the sites of each drop reason and of each function.
func (p *Plan) locateSites(sites []*explain.Site, facts *kernel.Facts) error {
	p.BPF.Sites.Ranges = siteRanges(sites, facts.Symbols)
	if n := len(p.BPF.Sites.Ranges); n >= bpf.MaxSiteRanges {
		return fmt.Errorf("the sites of drops have %d functions, at most %d are supported", n, bpf.MaxSiteRanges-1)
	}
	c := &p.BPF.Config
	for i, s := range sites {
		if len(s.Reasons) == 0 {
			c.SitesAnyReason |= 1 << i
		}
		if len(s.Functions) == 0 {
			c.SitesAnywhere |= 1 << i
		}
	}
	p.BPF.Sites.Reasons = map[uint32]uint64{bpf.NoReason: sitesOf(sites, explain.Unspecified)}
	for number, name := range facts.Reasons {
		if sameReason(explain.Unspecified, name) {
			c.ReasonUnspecified = number
		}
		if set := sitesOf(sites, name); set != c.SitesAnyReason {
			p.BPF.Sites.Reasons[number] = set
		}
	}
	return nil
}

// sitesOf returns the set of the sites with a reason; bit i is sites[i].
func sitesOf(sites []*explain.Site, reason string) (set uint64) {
	for i, s := range sites {
		if len(s.Reasons) == 0 || slices.ContainsFunc(s.Reasons, func(r string) bool { return sameReason(r, reason) }) {
			set |= 1 << i
		}
	}
	return set
}

// siteRanges returns the address ranges of the functions of the sites, sorted by address, with the set of sites of each.
func siteRanges(sites []*explain.Site, symbols *kernel.Symbols) []bpf.SiteRange {
	wanted := map[string]bool{}
	for _, s := range sites {
		for _, f := range s.Functions {
			wanted[f] = true
		}
	}
	code := symbols.AllCode(wanted)
	at := map[uint64]bpf.SiteRange{}
	for i, s := range sites {
		for _, f := range s.Functions {
			for _, c := range code[f] {
				r := at[c.Begin]
				at[c.Begin] = bpf.SiteRange{Begin: c.Begin, Size: c.End - c.Begin, Sites: r.Sites | 1<<i}
			}
		}
	}
	return slices.SortedFunc(maps.Values(at), func(a, b bpf.SiteRange) int { return cmp.Compare(a.Begin, b.Begin) })
}

// WhyModules returns the names of the modules whose types and functions the causes of the families need.
func WhyModules(families []string) []string {
	table := whyTable(families)
	if table == nil {
		return nil
	}
	var modules []string
	for _, s := range table.Sites {
		modules = append(modules, strings.Fields(s.Module)...)
	}
	for _, d := range table.Decisions {
		modules = append(modules, strings.Fields(d.Module)...)
	}
	slices.Sort(modules)
	return slices.Compact(modules)
}
