// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"

	"tracer/internal/bpf"
	"tracer/internal/column"
	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// resolve turns what was typed into numbers and programs. Every mistake in it
// is found here, before anything is loaded.
func resolve(cfg Config) (plan.Options, error) {
	o := cfg.Plan
	o.Drop, o.Record, o.Settings = cfg.Drops.options(), recordOf(cfg), settingsOf(cfg)
	o.Follow.IDs = column.Needs(cfg.Output.Columns)[column.ID]
	o.Modules = len(cfg.Kernel.Modules) > 0 || cfg.Kernel.AllModules
	var err error
	if o.Mark, err = plan.ParseMark(cfg.Mark); err != nil {
		return o, err
	}
	if err := resolveFilters(cfg, &o); err != nil {
		return o, err
	}
	if o.Types, err = exprTypes(cfg); err != nil {
		return o, err
	}
	if o.TaskFilter, err = cfg.Owners.resolve(); err != nil {
		return o, err
	}
	return o, resolvePlace(cfg, &o)
}

// settingsOf adds to the settings which parts of the record the columns are made from.
func settingsOf(cfg Config) bpf.Config {
	needs, s := column.Needs(cfg.Output.Columns), cfg.Plan.Settings
	s.Meta = needs[column.Meta] || needs[column.NetnsName]
	s.Tuple, s.First, s.Tunnel = needs[column.Tuple], needs[column.First], needs[column.Tunnel]
	s.Cb, s.Netfilter, s.Conntrack = needs[column.CB], needs[column.Netfilter], needs[column.Conntrack]
	s.Stack, s.Caller = needs[column.Stack], needs[column.Caller]
	return s
}

// recordOf is the other parts that the columns are made from.
func recordOf(cfg Config) plan.Record {
	needs := column.Needs(cfg.Output.Columns)
	r := plan.Record{
		Maps:   needs[column.BPFMap] || cfg.Output.Columns.BPFMap,
		Return: needs[column.Return] || cfg.Output.Columns.Return || needs[column.Duration] && len(cfg.Plan.Programs.Kinds) == 0,
		Skb:    needs[column.Skb],
		Shared: needs[column.Shared],
	}
	if needs[column.Metadata] {
		r.Values = cfg.Plan.Record.Values
	}
	if needs[column.XDPMetadata] {
		r.XDPValues = cfg.Plan.Record.XDPValues
	}
	return r
}

// lookupsAsked are those that the user named, or all for who wants no more than their
// column.
func lookupsAsked(cfg Config) []string {
	if len(cfg.Plan.Lookups) == 0 && column.Needs(cfg.Output.Columns)[column.Lookups] {
		return []string{plan.AllLookups}
	}
	return cfg.Plan.Lookups
}

// wanted are the kernel's functions that have to be found besides those with an skb.
func wanted(o plan.Options) []string {
	if o.Follow == (plan.Follow{}) {
		return nil
	}
	return plan.FollowedThrough()
}

// kernelOptions are the functions that have to be found for what is asked.
func kernelOptions(o kernel.Options, p plan.Options) (_ kernel.Options, err error) {
	o.Wanted = wanted(p)
	o.Called, o.Maps, o.Programs = p.Helpers, p.Record.Maps, len(p.Programs.Kinds) > 0
	o.NoSkbFuncs, err = plan.CompileNoSkbFuncs(p.NoSkbFuncs)
	return o, err
}

// resolveFilters compiles the filters of pcap's language.
func resolveFilters(cfg Config, o *plan.Options) (err error) {
	if o.Filter, err = filter.Compile(cfg.Expr); err != nil {
		return err
	}
	if o.TunnelL2, err = filter.Compile(cfg.TunnelL2); err != nil {
		return fmt.Errorf("inner frame: %w", err)
	}
	if o.TunnelL3, err = filter.Compile(cfg.TunnelL3); err != nil {
		return fmt.Errorf("inner IP packet: %w", err)
	}
	return nil
}
