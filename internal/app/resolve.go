// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"

	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// resolve turns what was typed into numbers and programs. Every mistake in it
// is found here, before anything is loaded.
func resolve(cfg Config) (plan.Options, error) {
	o := plan.Options{
		Backend:         kernel.Backend(cfg.Backend),
		Func:            cfg.Func,
		FuncExclude:     cfg.FuncExclude,
		SkbExpr:         cfg.SkbExpr,
		Drop:            cfg.Drops.options(),
		EventsPerSecond: cfg.Limits.EventsPerSecond,
		Record:          plan.Record{Meta: cfg.Output.Columns.Meta, Tuple: cfg.Output.Columns.Tuple},
		RingSize:        cfg.RingSize,
	}
	var err error
	if o.Mark, err = plan.ParseMark(cfg.Mark); err != nil {
		return o, err
	}
	if err := resolveFilters(cfg, &o); err != nil {
		return o, err
	}
	if o.Owner, err = cfg.Owners.resolve(); err != nil {
		return o, err
	}
	return o, resolvePlace(cfg, &o)
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
