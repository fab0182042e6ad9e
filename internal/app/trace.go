// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"runtime/debug"

	"tracer/internal/attach"
	"tracer/internal/kernel"
	"tracer/internal/live"
	"tracer/internal/notice"
	"tracer/internal/pipeline"
	"tracer/internal/plan"
	"tracer/internal/source"
)

// trace opens the source, runs the pipeline, and reports the totals.
func trace(ctx context.Context, cfg Config, r live.Request, out *outputs, ready *readyFile, notices *notice.Notifier) error {
	src, err := open(ctx, r, &observer{Notifier: notices, cfg: cfg, width: out.Width()})
	if err != nil {
		return err
	}
	if err := out.begin(cfg, src.Scope(), src.Now()); err != nil {
		return errors.Join(err, src.Close())
	}
	notices.Dropped(dropPrivileges(src, out, ready))
	err = follow(ctx, src, []pipeline.Stage{src.Enrich, src.Explain}, out.list(), notices, pipeline.Options{
		Limits: cfg.Limits, Scope: src.Scope(), Started: ready.create,
	})
	return errors.Join(err, src.Close())
}

// follow runs the pipeline, and reports the totals if they are known, also after an error.
func follow(ctx context.Context, src source.Source, stages []pipeline.Stage, out []pipeline.Output, notices *notice.Notifier, o pipeline.Options) error {
	totals, err := pipeline.Run(ctx, src, stages, out, o)
	if totals != nil {
		notices.Summary(totals[0])
	}
	return err
}

// openGCPercent is GOGC while a source is opened: the garbage that may accumulate, in percent of the live heap.
// Nearly all memory is freed at the end of opening; collecting it earlier takes a twentieth of the time.
const openGCPercent = 400

// open opens the source, and then frees the memory that only opening needs, mainly the kernel's types.
func open(ctx context.Context, r live.Request, o live.Observer) (*live.Source, error) {
	usual := debug.SetGCPercent(openGCPercent)
	defer debug.SetGCPercent(usual)
	defer debug.FreeOSMemory()
	return live.Open(ctx, r, o)
}

// observer adds notices that depend on limits and on the terminal to those of the source.
type observer struct {
	*notice.Notifier
	cfg   Config
	width int
	plan  *plan.Plan
}

// Planned keeps the plan.
func (o *observer) Planned(facts *kernel.Facts, p *plan.Plan) {
	o.plan = p
	o.Notifier.Planned(facts, p)
}

// Attached also warns if packets are limited and their ends are not traced, and notes columns that do not fit.
func (o *observer) Attached(s *attach.Session) {
	o.Notifier.Attached(s)
	limits := o.cfg.Limits.Packets+o.cfg.Limits.EventsPerPacket > 0
	if limits && !live.ScopeOf(o.plan).EveryEnd {
		o.EndsUnknown()
	}
	o.Narrow(o.cfg.Output.Columns, o.width)
}
