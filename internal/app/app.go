// SPDX-License-Identifier: Apache-2.0

// Package app joins the stages: it resolves what the user typed, makes the
// plan, has it carried out, and moves events from the ring to the output until
// it is told to stop.
package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"tracer/internal/export"
	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/plan"
	"tracer/internal/stdout"
)

// Config is what the user wants, as typed where it has to be looked up.
type Config struct {
	Kernel kernel.Options
	// Plan is what planning takes as the user gave it. The fields of Plan that have to be looked
	// up or compiled first are made from the other fields of Config.
	Plan plan.Options
	// Expr is the packet filter in the language of pcap-filter(7); empty is every skb.
	// TunnelL2 and TunnelL3 are such filters for what is inside of a tunnel: an
	// Ethernet frame, or an IP packet.
	Expr, TunnelL2, TunnelL3 string
	// Netns are paths, names as in `ip netns`, inode:N or pid:N. Each may be
	// negated by a ! in front.
	Netns []string
	// Ifnames are interfaces in Netns, or else in our own network namespace; a
	// trailing * stands for any rest, a ! in front negates.
	Ifnames []string
	// Mark is mark[/mask].
	Mark   string
	Owners Owners
	Drops  Drops
	Limits Limits
	Output export.Options
	// Color is when text has colours: always, never, or else on a terminal.
	Color string
	// OutputFile gets the events; empty is Stdout.
	OutputFile string
	Rotation   Rotation
	// ReadyFile is made when everything is attached.
	ReadyFile string
	DryRun    bool
	Debug     bool
	Stdout    io.Writer
	Stderr    io.Writer
}

// LibpcapVersion is the first line that libpcap says of itself.
func LibpcapVersion() string { return filter.Library() }

// began is when this package was initialized, which is soon after the command was started.
var began = time.Now()

// Run does what cfg says until ctx ends, the limit is reached or the output's
// reader goes away, all of which are no errors.
func Run(ctx context.Context, cfg Config) error {
	cfg.Output.Columns.Drops = cfg.Drops.Alone()
	say := newTeller(cfg, began)
	err := cmp.Or(checkStdout(cfg), kernel.NeedFiles(), kernel.NeedProc(), needMemory(cfg))
	if err == nil {
		err = run(ctx, cfg, say)
	}
	say.w.clear()
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// checkStdout is for everything that is printed, unless that is only events in a file.
func checkStdout(cfg Config) error {
	if cfg.OutputFile != "" && !cfg.DryRun {
		return nil
	}
	return stdout.Check(cfg.Stdout)
}

// needMemory returns no error for a plan that is only printed, which takes less.
func needMemory(cfg Config) error {
	err := kernel.NeedMemory()
	if cfg.DryRun {
		return nil
	}
	return err
}

func run(ctx context.Context, cfg Config, say *teller) error {
	if !cfg.DryRun {
		say.reading()
	}
	cfg.Plan.Lookups = lookupsAsked(cfg)
	options, err := resolve(cfg)
	if err != nil {
		return err
	}
	if cfg.Kernel, err = kernelOptions(cfg.Kernel, options); err != nil {
		return err
	}
	cfg.Kernel.NoSkbFuncs = append(cfg.Kernel.NoSkbFuncs, plan.LookupFunctions(cfg.Plan.Lookups)...)
	if cfg.Kernel.BTFFile == "" { // which is of vmlinux alone
		cfg.Kernel.LikelyModules = plan.LookupModules(cfg.Plan.Lookups)
	}
	if cfg.DryRun {
		return dryRun(ctx, cfg, options)
	}
	if err := kernel.CheckPrivileges(); err != nil {
		return err
	}
	out, err := openOutput(ctx, cfg, say)
	if err != nil {
		return err
	}
	ready, err := claimReadyFile(cfg.ReadyFile)
	if err != nil {
		return errors.Join(err, out.close())
	}
	err = trace(ctx, cfg, options, out, ready, say)
	return errors.Join(err, ready.close(), out.close())
}

// dryRun prints the plan; what can't be known without privileges is left out.
func dryRun(ctx context.Context, cfg Config, o plan.Options) error {
	facts, err := kernel.Gather(ctx, cfg.Kernel)
	if err != nil {
		return err
	}
	p, err := plan.New(o, facts)
	if err == nil {
		return p.Print(cfg.Stdout, cfg.Debug)
	}
	if lacking := kernel.CheckPrivileges(); lacking != nil {
		return plan.PrintUnprivileged(cfg.Stdout, o, lacking)
	}
	return err
}
