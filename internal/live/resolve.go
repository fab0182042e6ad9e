// SPDX-License-Identifier: Apache-2.0

// Package live is the source of events of the running kernel: it plans and attaches the probes, reads and
// decodes their records, and names the events.
package live

import (
	"context"
	"fmt"
	"slices"

	"tracer/internal/expr"
	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/layout"
	"tracer/internal/plan"
)

// Config says what to trace. Names that have to be looked up are as the user typed them.
type Config struct {
	Kernel kernel.Options
	// Plan is passed to plan.New, with the fields that Resolve looks up or compiles from the rest of Config.
	Plan plan.Options
	// Expr is the packet filter in the language of pcap-filter(7); empty matches every skb. TunnelL2 and
	// TunnelL3 are such filters for the packet inside a tunnel: an Ethernet frame, or an IP packet.
	Expr, TunnelL2, TunnelL3 string
	// NoSkbFuncs are expressions for functions that take no skb.
	NoSkbFuncs []string
	// Netns are paths, names as in `ip netns`, inode:N or pid:N, each with an optional leading ! for
	// negation.
	Netns []string
	// Ifnames are names of interfaces in Netns, or else in our own network namespace. A trailing * matches
	// any suffix, a leading ! negates.
	Ifnames []string
	// Mark is mark[/mask].
	Mark   string
	Owners Owners
	Drops  Drops
	// Why are the families of causes of drops, see package explain; nil for none.
	Why []string
	// Forms are the forms in which values of kernel types are printed.
	Forms Forms
	// NetnsNames, WallTime and SinceLast request the names of network namespaces, the times of events on
	// the wall clock, and the time since the packet's previous event.
	NetnsNames, WallTime, SinceLast bool
}

// Request is a Config whose names are looked up and whose filters are compiled.
type Request struct {
	Kernel kernel.Options
	Plan   plan.Options
	config Config
}

// Resolve looks up names and compiles filters, so that errors in them are reported before anything is loaded.
func Resolve(c Config) (Request, error) {
	o, err := resolvePlan(c)
	if err != nil {
		return Request{}, err
	}
	return Request{Kernel: kernelOptions(c.Kernel, o), Plan: o, config: c}, nil
}

// Gather examines the running kernel. If causes of drops by nftables are requested, it describes nftables to a kernel
// that does not.
func (r Request) Gather(ctx context.Context) (*kernel.Facts, error) {
	k, unknown := r.Kernel, error(nil)
	if slices.Contains(k.LikelyModules, "nf_tables") {
		var described []layout.Module
		described, unknown = layout.Find(kernel.Release())
		for _, m := range described {
			k.Described = append(k.Described, kernel.DescribedModule{Name: m.Name, Raw: m.Raw})
		}
	}
	facts, err := kernel.Gather(ctx, k)
	if err == nil {
		facts.NotDescribed = unknown
	}
	return facts, err
}

// PlanOn plans what the request asks for on a kernel. Expressions are compiled with the types of vmlinux that were read for
// the facts, and with those of modules, which the file of --kernel-btf does not have.
func (r Request) PlanOn(facts *kernel.Facts) (*plan.Plan, error) {
	o := r.Plan
	if r.config.Kernel.BTFFile == "" {
		types := expr.NewKernel(facts.BTF, modulesOf(o))
		types.Add(facts.Described...)
		o.Types = types
	}
	return plan.New(o, facts)
}

// modulesOf returns the modules whose types expressions may use: nil for all, if the user wrote some.
func modulesOf(o plan.Options) []string {
	written := len(o.Record.Values) + len(o.Record.XDPValues) + len(o.Lookups)
	if o.SkbExpr != "" || o.XDPExpr != "" || written > 0 {
		return nil
	}
	return append([]string{}, plan.WhyModules(o.Why)...) // not nil
}

func resolvePlan(c Config) (plan.Options, error) {
	o := c.Plan
	o.Drop, o.Why = c.Drops.options(), c.Why
	o.Modules = len(c.Kernel.Modules) > 0 || c.Kernel.AllModules
	var err error
	if o.Mark, err = plan.ParseMark(c.Mark); err != nil {
		return o, err
	}
	if err := resolveFilters(c, &o); err != nil {
		return o, err
	}
	if o.TaskFilter, err = c.Owners.resolve(); err != nil {
		return o, err
	}
	if err := resolveNetdevs(c, &o); err != nil {
		return o, err
	}
	o.NoSkbFuncs, err = plan.CompileNoSkbFuncs(c.NoSkbFuncs)
	return o, err
}

// kernelOptions adds the functions, modules and features that planning has to know about.
func kernelOptions(k kernel.Options, o plan.Options) kernel.Options {
	k.Wanted = followed(o)
	k.Called, k.Maps, k.Programs = o.Helpers, o.Record.Maps, len(o.Programs.Kinds) > 0
	for _, pattern := range o.NoSkbFuncs {
		k.NoSkbFuncs = append(k.NoSkbFuncs, pattern.Regexp)
	}
	k.NoSkbFuncs = append(k.NoSkbFuncs, plan.LookupFunctions(o.Lookups)...)
	k.NoSkbFuncs = append(k.NoSkbFuncs, plan.WhyFunctions(o.Why)...)
	if k.BTFFile == "" { // such a file has only the types of vmlinux
		k.LikelyModules = append(plan.LookupModules(o.Lookups), plan.WhyModules(o.Why)...)
	}
	return k
}

// followed returns the functions without an skb argument that packets are followed through.
func followed(o plan.Options) []string {
	if o.Follow == (plan.Follow{}) {
		return nil
	}
	return plan.FollowedThrough()
}

// resolveFilters compiles the pcap filters.
func resolveFilters(c Config, o *plan.Options) (err error) {
	if o.Filter, err = filter.Compile(c.Expr); err != nil {
		return err
	}
	if o.TunnelL2, err = filter.Compile(c.TunnelL2); err != nil {
		return fmt.Errorf("inner frame: %w", err)
	}
	if o.TunnelL3, err = filter.Compile(c.TunnelL3); err != nil {
		return fmt.Errorf("inner IP packet: %w", err)
	}
	return nil
}
