// SPDX-License-Identifier: Apache-2.0

package app

import (
	"tracer/internal/bpf"
	"tracer/internal/column"
	"tracer/internal/live"
	"tracer/internal/plan"
)

// withColumns returns cfg.Config with everything that the columns of the output need.
func withColumns(cfg Config) live.Config {
	c := cfg.Config
	needs := column.Needs(cfg.Output.Columns)
	c.Plan.Lookups = lookupsOf(cfg)
	c.Plan.Record, c.Plan.Settings = recordOf(cfg), settingsOf(cfg)
	c.Plan.Follow.IDs = needs[column.ID]
	c.NetnsNames = needs[column.NetnsName]
	c.WallTime = column.Shows(cfg.Output.Columns, column.Absolute)
	c.SinceLast = column.Shows(cfg.Output.Columns, column.Relative)
	c.Forms = live.Forms{Text: !cfg.Output.JSON, JSON: cfg.Output.JSON}
	if cfg.Write.Path != "" { // a recording has what any output shows of the same events
		c.NetnsNames, c.WallTime = true, true
		c.Forms = live.Forms{Text: true, JSON: true}
	}
	return c
}

// settingsOf returns the settings of the BPF programs, with the parts of a record that the columns need.
func settingsOf(cfg Config) bpf.Config {
	needs, s := column.Needs(cfg.Output.Columns), cfg.Plan.Settings
	// Causes name what is in the packet's network namespace, and are counted with the tuple of their first drop.
	explains := len(cfg.Why) > 0
	s.Meta = needs[column.Meta] || needs[column.NetnsName] || explains
	s.Tuple = needs[column.Tuple] || explains
	s.First, s.Tunnel = needs[column.First], needs[column.Tunnel]
	s.Cb, s.Netfilter, s.Conntrack = needs[column.CB], needs[column.Netfilter], needs[column.Conntrack]
	if cfg.Write.Path != "" {
		s.Meta, s.Tuple, s.PacketSize = true, true, bpf.PacketSize(cfg.Write.bytes())
	}
	s.Stack, s.Caller = needs[column.Stack], needs[column.Caller]
	return s
}

// recordOf returns what else the columns need in records.
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

// lookupsOf returns the kinds of lookups that the user named, or all if only their column is selected.
func lookupsOf(cfg Config) []string {
	if len(cfg.Plan.Lookups) == 0 && column.Needs(cfg.Output.Columns)[column.Lookups] {
		return []string{plan.AllLookups}
	}
	return cfg.Plan.Lookups
}
