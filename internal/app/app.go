// SPDX-License-Identifier: Apache-2.0

// Package app implements the command trace: it connects a live source to a sink. It also does everything that
// affects the whole process: it drops privileges, tunes the garbage collector, and prints notices.
package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/live"
	"tracer/internal/notice"
	"tracer/internal/pipeline"
	"tracer/internal/plan"
	"tracer/internal/sink"
	"tracer/internal/stdout"
)

// Config is what the user wants.
type Config struct {
	// Config says what to trace. Run sets the fields that depend on the columns, from Output.
	live.Config
	Limits pipeline.Limits
	Output sink.Options
	// Color is ColorAlways, ColorNever, or ColorAuto: only on a terminal. Empty means ColorAuto.
	Color string
	// OutputFile is the file for the events; empty means Stdout.
	OutputFile string
	Rotation   Rotation
	// Write says what is recorded.
	Write Write
	// Quiet means that no events are printed, only recorded.
	Quiet bool
	// Version is that of tracer, and Command are the arguments of the command, which a recording names.
	Version string
	Command []string
	// ReadyFile is created once everything is attached.
	ReadyFile string
	DryRun    bool
	Debug     bool
	Stdout    io.Writer
	Stderr    io.Writer
}

// Rotation says when the output file is replaced by a new one.
type Rotation = sink.Rotation

// LibpcapVersion returns the first line of the version of libpcap.
func LibpcapVersion() string { return filter.Library() }

// began is when this package was initialized, which is soon after the command was started.
var began = time.Now()

// Run traces until ctx is done, a limit is reached or the reader of the output has closed it. None of these is an
// error.
func Run(ctx context.Context, cfg Config) error {
	cfg.Output.Columns.Drops = cfg.Drops.OnlyDrops()
	say := newTerminal(cfg.Stderr)
	notices := notice.New(say.send, notice.Options{Debug: cfg.Debug, Began: began})
	err := cmp.Or(checkStdout(cfg), kernel.NeedFiles(), kernel.NeedProc(), needMemory(cfg))
	if err == nil {
		err = run(ctx, cfg, notices)
	}
	say.clear()
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// checkStdout checks standard output, unless it is only used for events, and they go to a file.
func checkStdout(cfg Config) error {
	unused := cfg.OutputFile != "" || cfg.Quiet
	if unused && cfg.Write.Path != sink.StdoutPath && !cfg.DryRun {
		return nil
	}
	return stdout.Check(cfg.Stdout)
}

// needMemory returns no error for a dry run, which needs less memory.
func needMemory(cfg Config) error {
	err := kernel.NeedMemory()
	if cfg.DryRun {
		return nil
	}
	return err
}

func run(ctx context.Context, cfg Config, notices *notice.Notifier) error {
	if !cfg.DryRun {
		notices.Reading()
	}
	request, err := live.Resolve(withColumns(cfg))
	if err != nil {
		return err
	}
	if cfg.DryRun {
		return dryRun(ctx, cfg, request)
	}
	if err := kernel.CheckPrivileges(); err != nil {
		return err
	}
	out, err := openOutputs(ctx, cfg, notices)
	if err != nil {
		return err
	}
	ready, err := claimReadyFile(cfg.ReadyFile)
	if err != nil {
		return errors.Join(err, out.close())
	}
	err = trace(ctx, cfg, request, out, ready, notices)
	return errors.Join(err, ready.close(), out.close())
}

func targetOf(cfg Config, notices *notice.Notifier) sink.Target {
	o := cfg.Output
	o.Color = isColored(cfg)
	return sink.Target{
		Options: o, Path: cfg.OutputFile, Stdout: cfg.Stdout, Rotation: cfg.Rotation,
		Wait: cfg.Limits.Duration, Waiting: notices.NoReader,
	}
}

// dryRun prints the plan, or without privileges the part of it that needs none.
func dryRun(ctx context.Context, cfg Config, r live.Request) error {
	facts, err := r.Gather(ctx)
	if err != nil {
		return err
	}
	p, err := r.PlanOn(facts)
	to := stdout.Writer{W: cfg.Stdout}
	if err == nil {
		return p.Print(to, cfg.Debug)
	}
	if lacking := kernel.CheckPrivileges(); lacking != nil {
		return plan.PrintUnprivileged(to, r.Plan, lacking)
	}
	return err
}
