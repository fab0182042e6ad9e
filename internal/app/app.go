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
	// Backend forces one; empty takes the best that runs.
	Backend string
	// ReturnsBy forces a way to see functions return; empty takes the best that runs.
	ReturnsBy string
	// Func is an RE2 expression for whole function names, with @presets; what matches
	// FuncExclude is left out.
	Func, FuncExclude string
	// Others are such expressions for functions that take no skb; Helpers takes those that
	// loaded BPF programs call.
	Others  []string
	Helpers bool
	// Lookups are the kinds of look-ups to tell, see [plan.LookupWords].
	Lookups []string
	// Expr is the packet filter in the language of pcap-filter(7); empty is every skb.
	// TunnelL2 and TunnelL3 are such filters for what is inside of a tunnel: an
	// Ethernet frame, or an IP packet.
	Expr, TunnelL2, TunnelL3 string
	// Ports are where tunnels are looked for, without any those that are usual.
	Ports plan.Ports
	// SkbExpr is a C-like condition on skb->….
	SkbExpr string
	// XDPExpr is such a condition on xdp->…, for XDP programs.
	XDPExpr string
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
	// TrackSkb lets packets that matched once match ever after, and TrackEntries is how
	// many sk_buffs are known at a time; 0 is the default.
	TrackSkb     bool
	TrackEntries int
	// TrackByStack does the same, and takes what is made on a packet's stack for a part of it.
	TrackByStack bool
	// Programs are the kinds of BPF programs that are traced, too, or with OnlyPrograms
	// alone.
	Programs     []string
	OnlyPrograms bool
	// RingSize is the ring buffer's size in bytes; 0 is the default.
	RingSize int
	Output   export.Options
	// Metadata are expressions on the sk_buff whose values are printed, XDPMetadata those
	// on the xdp_buff.
	Metadata, XDPMetadata []string
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
	cfg.Lookups = lookupsAsked(cfg)
	options, err := resolve(cfg)
	if err != nil {
		return err
	}
	if cfg.Kernel, err = kernelOptions(cfg.Kernel, options); err != nil {
		return err
	}
	cfg.Kernel.Others = append(cfg.Kernel.Others, plan.LookupFunctions(cfg.Lookups)...)
	if cfg.Kernel.BTFFile == "" { // which is of vmlinux alone
		cfg.Kernel.LikelyModules = plan.LookupModules(cfg.Lookups)
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
